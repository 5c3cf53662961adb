"""Keeps the paths that a task names in its folder, or below that of ``--data``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from biomedica_dataset.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .task import Task


def within(*folders: str) -> list[Path]:
    """Return folders without links."""
    return [Path(folder).resolve() for folder in folders]


def check_within(task: Task, path: str, folders: Sequence[Path], whose: str) -> None:
    """Refuse a path that leaves all of some folders, also by a link.

    Parameters
    ----------
    folders
        Without links, as `within` gives them.
    whose
        What names the path, for the error.

    Examples
    --------
    >>> from biomedica_dataset.clip.evaluate.task import Source, Task
    >>> task = Task(name="cells", domain="", protocol="retrieval", source=Source(csv="a.csv"))
    >>> check_within(task, "cells/../../secret.png", within("cells"), "row 3")
    Traceback (most recent call last):
        ...
    biomedica_dataset.errors.UsageError: task cells: row 3 names cells/../../secret.png, which ...
    """
    try:
        place = Path(path).resolve()
        if any(map(place.is_relative_to, folders)):
            return
    except (OSError, ValueError, RuntimeError):  # no path at all, or a circle of links
        pass
    msg = (
        f"task {task.name}: {whose} names {path[:200]}, which is outside of the task's folder; "
        "move it there, or give the folder that holds it with --data"
    )
    raise UsageError(msg)


def check_remote(task: Task, name: str) -> None:
    """Refuse the name of an image that leaves the folder of a table in a store or on a server."""
    if name.startswith("/") or "://" in name or ".." in name.split("/"):
        msg = f"task {task.name}: a row names {name[:200]}, which leaves the folder of its table"
        raise UsageError(msg)
