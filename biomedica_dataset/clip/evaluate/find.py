"""Which tasks are meant: shipped ones by name, domain or pattern, and the user's own files."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

from biomedica_dataset.errors import UsageError
from biomedica_dataset.suggest import nearest

from .taskfile import load_task

if TYPE_CHECKING:
    from .task import Task

ALL = "all"
_YAML = (".yaml", ".yml")


def shipped_tasks(data: str = ".") -> list[Task]:
    """Return the tasks of the package, by name.

    Parameters
    ----------
    data
        Folder with the files of those that are not on the Hub.
    """
    with as_file(files("biomedica_dataset.clip").joinpath("tasks")) as folder:
        paths = sorted(folder.glob("*.yaml"))
        return [load_task(path, data, is_own=False) for path in paths]


def find_tasks(words: Sequence[str], data: str = ".") -> list[Task]:
    """Return tasks in the order of the words that name them, each once.

    Parameters
    ----------
    words
        ``all``; a name, a domain or a pattern such as ``ubench-*`` of shipped tasks; a YAML file,
        a pattern of them, or a folder of them.
    data
        Folder with the files of shipped tasks; the paths of others may lead there too.

    Raises
    ------
    UsageError
        A word names nothing, or two tasks have one name.
    """
    shipped = shipped_tasks(data)
    found: dict[str, Task] = {}
    for word in words:
        for task in _named(word, shipped, data):
            if found.setdefault(task.name, task) != task:
                msg = f"two tasks are named {task.name!r}; give one of them another name"
                raise UsageError(msg)
    if not found:
        msg = "no task is named; --tasks all takes those of the package"
        raise UsageError(msg)
    return list(found.values())


def listed(words: Sequence[str], data: str = ".") -> str:
    """Return tasks as a table: name, domain, where the images come from, and if they are there."""
    rows = [(task.name, task.domain, *_where(task)) for task in find_tasks(words or [ALL], data)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _where(task: Task) -> tuple[str, str]:
    source = task.source
    if source.hub:
        return f"Hub: {source.hub}", "fetched when needed"
    place = str(source.folder or source.csv or source.parquet)
    if "://" in place:
        return place, "not looked for"
    return place, "there" if Path(place).exists() else "missing"


def _named(word: str, shipped: Sequence[Task], data: str) -> list[Task]:
    path = Path(word)
    if path.suffix in _YAML and path.is_file():
        return [load_task(path, data)]
    if path.is_dir():
        paths = sorted(one for one in path.iterdir() if one.suffix in _YAML)
        if not paths:
            msg = f"the folder {word} has no task: no file in it ends in .yaml"
            raise UsageError(msg)
        return [load_task(one, data) for one in paths]
    low = word.lower()
    of_domain = [task for task in shipped if low in (ALL, task.domain.lower())]
    chosen = of_domain or [task for task in shipped if fnmatchcase(task.name.lower(), low)]
    if chosen:
        return chosen
    if path.suffix in _YAML:
        own = sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
        if own:
            return [load_task(one, data) for one in own]
    known = [ALL, *(t.name for t in shipped), *sorted({t.domain for t in shipped})]
    msg = f"there is no task, domain or file {word!r}; {nearest(word, known)}"
    raise UsageError(msg)
