"""Rows of a task's source: what stands in its columns, and the bytes of its pictures."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from biomedica_dataset.errors import ArticleError, SourceError, UsageError
from biomedica_dataset.storage import Folder
from biomedica_dataset.streaming.filters import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .task import Task

Row = dict[str, Any]
_START = "paths start from the folder of the YAML file, those of shipped tasks from --data"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a task, in the order of its source.

    Parameters
    ----------
    keys
        Name of the picture of each row: rows of one name have one picture.
    rows
        Its other columns.
    read
        Returns the bytes of a row's picture; raises `ArticleError` where there is none.
    states
        For each row what changes when its picture does.
    """

    keys: list[str]
    rows: list[Row]
    read: Callable[[int], bytes]
    states: list[str]

    def digest(self, chosen: Sequence[int]) -> str:
        """Return the SHA-256 of which pictures some rows have, in which order."""
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


def read_table(task: Task) -> Table:
    """Return the rows of a task.

    Raises
    ------
    UsageError
        There is no such source or column, or no row is left.
    SourceError
        The Hub cannot be reached.
    """
    source = task.source
    if source.hub:
        from .hub_table import hub_table

        table = hub_table(task)
    elif source.folder:
        table = _folder_table(task, source.folder)
    else:
        table = _file_table(task)
    if not table.keys:
        msg = f"task {task.name}: {_place(task)} has no rows" + (
            ": none has what `where` asks for" if task.where else ""
        )
        raise UsageError(msg)
    return table


def wanted_columns(task: Task) -> list[str]:
    """Return the columns that a task reads, without that of the pictures."""
    columns = task.columns
    wanted = {
        "classification": columns.label,
        "multilabel": columns.label,
        "vqa": (*columns.options, *columns.answer, *columns.question) or columns.label,
        "retrieval": columns.captions,
    }[task.protocol]
    return [*wanted, *(name for name, _ in task.where)]


def check_columns(task: Task, wanted: Iterable[str], there: Sequence[str]) -> None:
    """Refuse columns that a source does not have."""
    for column in wanted:
        if column not in there and column.partition(".")[0] not in there:
            hint = nearest(column, there)
            msg = f"task {task.name}: {_place(task)} has no column {column!r}; {hint}"
            raise UsageError(msg)


def belongs(task: Task, row: Row) -> bool:
    """Whether a row is of the task, by its ``where``."""
    return all(as_text(cell(row, column)) in texts for column, texts in task.where)


def as_text(value: Any) -> str:
    """Return a value as a YAML file writes it.

    Examples
    --------
    >>> as_text(True), as_text(3), as_text("a ")
    ('true', '3', 'a')
    """
    return str(value).lower() if isinstance(value, bool) else str(value).strip()


def _place(task: Task) -> str:
    source = task.source
    return str(source.hub or source.folder or source.csv or source.parquet)


def _open(task: Task, path: str) -> tuple[Folder, str]:
    """Return the folder of a file and its name in it."""
    whole = path if "://" in path or path.startswith("/") else f"{task.base or '.'}/{path}"
    parent, _, name = whole.rpartition("/")
    return Folder(parent or "/"), name


def _folder_table(task: Task, path: str) -> Table:
    folder = Folder(path if "://" in path or path.startswith("/") else f"{task.base or '.'}/{path}")
    system = folder.filesystem
    if not system.isdir(folder.root):
        msg = f"task {task.name}: there is no folder {folder.url}; {_START}"
        raise UsageError(msg)
    root = folder.root.rstrip("/")
    found = {
        str(p)[len(root) + 1 :]: info for p, info in sorted(system.find(root, detail=True).items())
    }
    names = [n for n in found if "/" in n and not any(p.startswith(".") for p in n.split("/"))]
    if not names:
        msg = f"task {task.name}: {folder.url} has no folders with pictures; one for each class"
        raise UsageError(msg)
    column = task.columns.label[0]
    rows = [{column: name.partition("/")[0]} for name in names]
    kept = [i for i, row in enumerate(rows) if belongs(task, row)]
    names, rows = [names[i] for i in kept], [rows[i] for i in kept]
    states = [_state(found[name]) for name in names]
    return Table(names, rows, lambda i: _bytes(folder, names[i]), states)


def _state(info: dict[str, Any]) -> str:
    changed = info.get("ETag") or info.get("mtime") or info.get("LastModified")
    return f"{info.get('size')} {changed}"


def _state_at(folder: Folder, name: str) -> str:
    try:
        return _state(folder.filesystem.info(_at(folder, name)))
    except FileNotFoundError:
        return "none"


def _at(folder: Folder, name: str) -> str:
    """Return the path of a picture; a table may name it from the root of its file system."""
    return name if name.startswith("/") else folder.path(name)


def _bytes(folder: Folder, name: str) -> bytes:
    try:
        return bytes(folder.filesystem.cat_file(_at(folder, name)))
    except (FileNotFoundError, IsADirectoryError) as error:
        msg = "no_file"
        raise ArticleError(msg) from error
    except OSError as error:
        msg = f"{_at(folder, name)} cannot be read: {error}"
        raise SourceError(msg) from error


def _file_table(task: Task) -> Table:
    source = task.source
    folder, name = _open(task, str(source.csv or source.parquet))
    if not folder.exists(name):
        msg = f"task {task.name}: there is no file {folder.path(name)}; {_START}"
        raise UsageError(msg)
    try:
        rows = (
            _csv_rows(task, folder.read_bytes(name)) if source.csv else _parquet(task, folder, name)
        )
    except (ValueError, csv.Error) as error:  # a UsageError of ours is one too, and told as it is
        if isinstance(error, UsageError):
            raise
        msg = f"task {task.name}: {folder.path(name)} cannot be read: {error}"
        raise UsageError(msg) from error
    rows = [row for row in rows if belongs(task, row)]
    if rows and hasattr(rows[0].get(task.columns.image), "as_py"):
        return _embedded(task, folder.modified(name), rows)
    keys = [_path(task, row) for row in rows]
    states = [_state_at(folder, key) for key in keys]
    return Table(keys, rows, lambda i: _bytes(folder, keys[i]), states)


def _columns(task: Task, there: Sequence[str]) -> list[str] | None:
    """Return the columns to read, by the names of their outermost records; None for all."""
    image = [] if task.source.path else [task.columns.image]
    wanted = [*image, *wanted_columns(task)]
    check_columns(task, wanted, there)
    tops = dict.fromkeys(w if w in there else w.partition(".")[0] for w in wanted)
    return None if task.source.path else list(tops)


def _csv_rows(task: Task, data: bytes) -> list[Row]:
    text = io.StringIO(data.decode("utf-8-sig"), newline="")
    reader = csv.DictReader(text, fieldnames=list(task.source.names) or None, strict=True)
    rows: list[Row] = []
    for row in reader:
        if None in row or None in row.values():
            msg = (
                f"task {task.name}: line {reader.line_num} of {task.source.csv} has other columns "
                f"than the {len(reader.fieldnames or [])} of the table"
            )
            raise UsageError(msg)
        rows.append(row)
    _columns(task, reader.fieldnames or [])
    return rows


def _parquet(task: Task, folder: Folder, name: str) -> list[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(folder.open_arrow(name)) as file:
        table = file.read(_columns(task, file.schema_arrow.names))
    column = None if task.source.path else table.schema.field(task.columns.image)
    if column is None or not pa.types.is_struct(column.type):
        rows: list[Row] = table.to_pylist()
        return rows
    pictures = table.column(task.columns.image)  # cells, which copy nothing before they are read
    others = table.drop_columns([task.columns.image]).to_pylist()
    return [row | {task.columns.image: pictures[n]} for n, row in enumerate(others)]


def _path(task: Task, row: Row) -> str:
    """Return where the picture of a row lies, from the folder of its table."""
    if not task.source.path:
        return as_text(row[task.columns.image] or "")
    try:
        return task.source.path.format_map({k: as_text(v) for k, v in row.items()})
    except (KeyError, ValueError, AttributeError, IndexError) as error:
        hint = nearest(str(error).strip("'"), list(row))
        msg = f"task {task.name}: source.path is {task.source.path!r}: no column {error}; {hint}"
        raise UsageError(msg) from error


def _embedded(task: Task, state: str, rows: list[Row]) -> Table:
    column = task.columns.image

    def read(index: int) -> bytes:
        return picture(rows[index][column].as_py())

    keys = [f"row {number}" for number in range(len(rows))]
    return Table(keys, rows, read, [state] * len(rows))


def picture(value: Any) -> bytes:
    """Return the bytes of a cell that holds a picture; `ArticleError` where it holds none."""
    data = value.get("bytes") if isinstance(value, dict) else None
    if not data:
        msg = "no_file"
        raise ArticleError(msg)
    return bytes(data)
