"""Reads a task from a YAML file, whose prompts may be written as templates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from biomedica_dataset.clip.yaml_file import checked, read_yaml
from biomedica_dataset.errors import UsageError

from .task import Task, Texts


@dataclass(frozen=True, kw_only=True)
class _Prompts:
    """Prompts of a class, or templates of all; those of multilabel are of both kinds."""

    positive: Texts
    negative: Texts


def load_task(path: str | Path, data: str = ".", *, is_own: bool = True) -> Task:
    """Return the task of a YAML file.

    Parameters
    ----------
    data
        Folder that its paths may lead to as well.
    is_own
        Whether relative paths of its source start from the folder of the file, and not from
        ``data``.

    Raises
    ------
    UsageError
        There is no such file, or a key is unknown, missing or of another form.

    Examples
    --------
    >>> task = load_task(str(getfixture("tmp_path") / "none.yaml"))
    Traceback (most recent call last):
        ...
    biomedica_dataset.errors.UsageError: ...none.yaml cannot be read: No such file or directory
    """
    # As texts, since a label such as no or 007 is that text, and neither false nor 7.
    values = read_yaml(path, typed=False)
    try:
        return parse_task(values, str(Path(path).parent) if is_own else data, data)
    except UsageError as error:
        msg = f"{path}: {error}"
        raise UsageError(msg) from error


def parse_task(values: Any, base: str = "", data: str = ".") -> Task:
    """Return a task of the mapping that a YAML file holds; see `load_task`."""
    if isinstance(values, dict):
        if isinstance(values.get("source"), dict) and "below" in values["source"]:
            msg = "there is no key source.below: a file does not choose where its paths may lead"
            raise UsageError(msg)
        templates = _prompts(values.get("templates", "{}"), "templates")
        for one in (text for side in templates for text in side if "{}" not in text):
            msg = f"templates must have {{}} in the place of the class, not {one!r}"
            raise UsageError(msg)
        values = {name: value for name, value in values.items() if name != "templates"}
        if "classes" in values:
            values["classes"] = _classes(values["classes"], templates)
    task = checked(Task, values, also=["templates"])
    kinds = ("folder", "csv", "parquet")
    paths: dict[str, Any] = {kind: _path(base, getattr(task.source, kind)) for kind in kinds}
    below = tuple(dict.fromkeys((base or ".", data)))
    return replace(task, source=replace(task.source, **paths, below=below))


def _path(base: str, path: str | None) -> str | None:
    if not path or "://" in path or path.startswith("/") or base in ("", "."):
        return path
    return f"{base}/{path}"


def _prompts(given: Any, *where: str) -> tuple[Texts, Texts]:
    """Return positive and negative texts; anything but a mapping has positive ones only."""
    if isinstance(given, dict):
        both = checked(_Prompts, given, *where)
        return both.positive, both.negative
    return checked(Texts, given, *where), ()


def _classes(given: Any, templates: tuple[Texts, Texts]) -> list[dict[str, Any]]:
    """Return classes as pydantic reads them, with their prompts."""
    if not isinstance(given, dict):
        given = {label: label for label in checked(Texts, given, "classes")}
    classes = []
    for label, own in given.items():
        positive, negative = _prompts(own, "classes", label)
        if not isinstance(own, dict):
            positive, negative = (
                tuple(one.replace("{}", text) for text in positive for one in side)
                for side in templates
            )
        one = {"label": label, "prompts": positive, "negative": negative}
        classes.append({name: value for name, value in one.items() if value})
    return classes
