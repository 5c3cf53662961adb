"""Rows of a task's source: what stands in its columns, its images, and where they may lie."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biomedica_dataset.errors import ArticleError, UsageError
from biomedica_dataset.suggest import nearest

if TYPE_CHECKING:
    from .task import Task

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a task, in the order of its source.

    Parameters
    ----------
    keys
        Name of the image of each row: rows of one name have one image.
    rows
        Its other columns.
    read
        Returns the bytes of a row's image; raises `ArticleError` where there is none.
    states
        For each row what changes when its image does.
    system_files
        Number of files that a person's machine put among the images.
    """

    keys: list[str]
    rows: list[Row]
    read: Callable[[int], bytes]
    states: list[str]
    system_files: int = 0

    def digest(self, chosen: Sequence[int]) -> str:
        """Return the SHA-256 of which images some rows have, in which order."""
        told = json.dumps([[self.keys[i], self.states[i]] for i in chosen])
        return hashlib.sha256(told.encode()).hexdigest()


def cell(row: Row, column: str) -> Any:
    """Return what stands in a column; a dot leads into a record.

    Examples
    --------
    >>> cell({"questions": {"stain": None}}, "questions.stain.options") is None
    True
    """
    value: Any = row
    for name in [column] if column in row else column.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def wanted_columns(task: Task) -> list[str]:
    """Return the columns that a task reads, without that of the images."""
    columns = task.columns
    wanted = {
        "classification": columns.label,
        "multilabel": columns.label,
        "vqa": (*columns.options, *columns.answer, *columns.question) or columns.label,
        "retrieval": columns.captions,
    }[task.protocol]
    return [*wanted, *task.where]


def check_columns(task: Task, wanted: Iterable[str], there: Sequence[str]) -> None:
    """Refuse columns that a source does not have."""
    for column in wanted:
        if column not in there and column.partition(".")[0] not in there:
            hint = nearest(column, there)
            msg = f"task {task.name}: {place_of(task)} has no column {column!r}; {hint}"
            raise UsageError(msg)


def belongs(task: Task, row: Row) -> bool:
    """Whether a row is of the task, by its ``where``."""
    return all(as_text(cell(row, column)) in texts for column, texts in task.where.items())


def as_text(value: Any) -> str:
    """Return a value as a YAML file writes it.

    Examples
    --------
    >>> as_text(True), as_text(3), as_text("a ")
    ('true', '3', 'a')
    """
    return str(value).lower() if isinstance(value, bool) else str(value).strip()


def place_of(task: Task) -> str:
    """Return where the rows of a task come from, in one word."""
    source = task.source
    return str(source.hub or source.folder or source.csv or source.parquet)


def image_bytes(value: Any) -> bytes:
    """Return the bytes of a cell that holds an image; `ArticleError` where it holds none."""
    data = value.get("bytes") if isinstance(value, dict) else None
    if not data:
        msg = "no_file"
        raise ArticleError(msg)
    return bytes(data)


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
