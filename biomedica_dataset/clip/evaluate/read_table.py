"""Reads the rows of a task: a folder of classes, a CSV or Parquet file, or the Hub."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biomedica_dataset.errors import ArticleError, SourceError, UsageError
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.suggest import nearest

from .table import (
    Row,
    Table,
    as_text,
    belongs,
    check_columns,
    check_remote,
    check_within,
    image_bytes,
    place_of,
    wanted_columns,
    within,
)

if TYPE_CHECKING:
    from .task import Task

_COLUMN = re.compile(r"\{([^{}]*)\}")
_SYSTEM = {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "$recycle.bin", "icon\r"}
_START = "paths start from the folder of the YAML file, those of shipped tasks from --data"


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
        table = _hub_table(task)
    elif source.folder:
        table = _folder_table(task, source.folder)
    else:
        table = _file_table(task)
    if not table.keys:
        asked = " that `where` asks for" if task.where else ""
        msg = f"task {task.name}: {place_of(task)} has no rows{asked}"
        raise UsageError(msg)
    return table


def _opened(task: Task, path: str, name: str = "") -> Folder:
    """Return a folder of the source, of which all lies where the task may read."""
    if "::" in path:  # through another file system, on which no path can be checked
        msg = f"task {task.name}: source must be a folder, a file or a URL, not the chain {path}"
        raise UsageError(msg)
    folder = Folder(path)
    if folder.is_local and task.source.below:
        place = folder.path(name) if name else folder.root
        check_within(task, place, within(*task.source.below), "source")
    return folder


def _check_images(task: Task, folder: Folder, names: Iterable[str]) -> None:
    below = within(*task.source.below, folder.root) if folder.is_local else []
    for name in names:
        if folder.is_local:
            check_within(task, _at(folder, name), below, "a row")
        else:
            check_remote(task, name)


def _folder_table(task: Task, path: str) -> Table:
    folder = _opened(task, path)
    system = folder.filesystem
    if not system.isdir(folder.root):
        msg = f"task {task.name}: the folder {folder.url} does not exist; {_START}"
        raise UsageError(msg)
    root = folder.root.rstrip("/")
    below = sorted(system.find(root, detail=True).items())
    every = {str(path)[len(root) + 1 :]: info for path, info in below}
    found = {name: info for name, info in every.items() if not _is_of_system(name)}
    names = [name for name in found if "/" in name]
    if not names:
        msg = f"task {task.name}: {folder.url} needs a folder of images for each class"
        raise UsageError(msg)
    column = task.columns.label[0]
    rows = [{column: name.partition("/")[0]} for name in names]
    kept = [i for i, row in enumerate(rows) if belongs(task, row)]
    names, rows = [names[i] for i in kept], [rows[i] for i in kept]
    _check_images(task, folder, names)
    states = [_state(found[name]) for name in names]
    count = len(every) - len(found)
    return Table(names, rows, lambda i: _bytes(folder, names[i]), states, system_files=count)


def _is_of_system(name: str) -> bool:
    """Whether Windows or macOS wrote a file, or a hidden one."""
    parts = name.lower().split("/")
    return any(part.startswith(".") or part in _SYSTEM for part in parts)


def _state(info: dict[str, Any]) -> str:
    changed = info.get("ETag") or info.get("mtime") or info.get("LastModified")
    return f"{info.get('size')} {changed}"


def _state_at(folder: Folder, name: str) -> str:
    try:
        return _state(folder.filesystem.info(_at(folder, name)))
    except FileNotFoundError:
        return "none"


def _at(folder: Folder, name: str) -> str:
    """Return the path of an image; a table may name it from the root of its file system."""
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
    parent, slash, name = str(source.csv or source.parquet).rpartition("/")
    folder = _opened(task, parent or slash or ".", name)
    if not folder.exists(name):
        msg = f"task {task.name}: there is no file {folder.path(name)}; {_START}"
        raise UsageError(msg)
    try:
        read = _csv_rows if source.csv else _parquet
        rows = read(task, folder, name)
    except (ValueError, csv.Error) as error:  # a UsageError of ours is one too, and told as it is
        if isinstance(error, UsageError):
            raise
        msg = f"task {task.name}: {folder.path(name)} cannot be read: {error}"
        raise UsageError(msg) from error
    rows = [row for row in rows if belongs(task, row)]
    if rows and hasattr(rows[0].get(task.columns.image), "as_py"):
        return _embedded(task, folder.modified(name), rows)
    keys = [_path(task, row) for row in rows]
    _check_images(task, folder, dict.fromkeys(keys))
    states = [_state_at(folder, key) for key in keys]
    return Table(keys, rows, lambda i: _bytes(folder, keys[i]), states)


def _columns(task: Task, there: Sequence[str]) -> list[str] | None:
    """Return the columns to read, by the names of their outermost records; None for all."""
    image = [] if task.source.path else [task.columns.image]
    wanted = [*image, *wanted_columns(task)]
    check_columns(task, wanted, there)
    tops = dict.fromkeys(w if w in there else w.partition(".")[0] for w in wanted)
    return None if task.source.path else list(tops)


def _csv_rows(task: Task, folder: Folder, name: str) -> list[Row]:
    text = io.StringIO(folder.read_bytes(name).decode("utf-8-sig"), newline="")
    reader = csv.DictReader(text, fieldnames=list(task.source.names) or None, strict=True)
    rows: list[Row] = []
    for row in reader:
        if None in row or None in row.values():
            where = f"line {reader.line_num} of {task.source.csv}"
            there = len(reader.fieldnames or [])
            msg = f"task {task.name}: {where} has other columns than the {there} of the table"
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
    cells = table.column(task.columns.image)  # they copy nothing before they are read
    others = table.drop_columns([task.columns.image]).to_pylist()
    return [row | {task.columns.image: cells[n]} for n, row in enumerate(others)]


def _path(task: Task, row: Row) -> str:
    """Return where the image of a row lies, from the folder of its table."""
    if not task.source.path:
        return as_text(row[task.columns.image] or "")
    # Not str.format, which would read attributes, and fill up to any length.
    return _COLUMN.sub(lambda found: as_text(_named_cell(task, row, found[1])), task.source.path)


def _named_cell(task: Task, row: Row, column: str) -> Any:
    if column not in row:
        hint = nearest(column, list(row))
        path = task.source.path
        msg = f"task {task.name}: source.path is {path!r}: no column {column!r}; {hint}"
        raise UsageError(msg)
    return row[column]


def _embedded(task: Task, state: str, rows: list[Row]) -> Table:
    column = task.columns.image

    def read(index: int) -> bytes:
        return image_bytes(rows[index][column].as_py())

    keys = [f"row {number}" for number in range(len(rows))]
    return Table(keys, rows, read, [state] * len(rows))


def _hub_table(task: Task) -> Table:
    import datasets

    data = _load(task)  # the whole split, once: datasets caches it
    image = task.columns.image
    wanted = wanted_columns(task)
    check_columns(task, [image, *wanted], data.column_names)
    # The folder of the cache is named by the commit.
    state = " ".join("/".join(Path(one["filename"]).parts[-2:]) for one in data.cache_files)
    data = data.cast_column(image, datasets.Image(decode=False))
    tops = list(dict.fromkeys(w if w in data.column_names else w.partition(".")[0] for w in wanted))
    kinds = {top: data.features[top] for top in tops}
    names = {t: kind.names for t, kind in kinds.items() if isinstance(kind, datasets.ClassLabel)}
    rows = [_named(row, names) for row in data.select_columns(tops)]
    kept = [index for index, row in enumerate(rows) if belongs(task, row)]
    places = datasets.config
    caches = within(places.HF_DATASETS_CACHE, places.DOWNLOADED_DATASETS_PATH, _hub_cache())

    def read(index: int) -> bytes:
        value = data[kept[index]][image]
        if value and not value.get("bytes") and value.get("path"):
            check_within(task, value["path"], caches, f"row {kept[index]}")
            value = {"bytes": Path(value["path"]).read_bytes()}
        return image_bytes(value)

    keys = [f"row {index}" for index in kept]
    return Table(keys, [rows[index] for index in kept], read, [state] * len(kept))


def _hub_cache() -> str:
    from huggingface_hub.constants import HF_HUB_CACHE

    return HF_HUB_CACHE


def _load(task: Task) -> Any:
    import datasets
    from datasets.exceptions import DatasetsError

    source = task.source
    try:
        return datasets.load_dataset(
            source.hub, source.config, split=source.split or "test", revision=source.revision
        )
    except (ConnectionError, TimeoutError) as error:
        msg = f"task {task.name}: the Hub cannot be reached for {source.hub}: {_first(error)}"
        raise SourceError(msg) from error
    except (DatasetsError, ValueError, OSError) as error:
        msg = f"task {task.name}: {source.hub} cannot be loaded: {_first(error)}"
        raise UsageError(msg) from error


def _first(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _named(row: dict[str, Any], names: dict[str, list[str]]) -> dict[str, Any]:
    """Return a row in which classes are their names."""
    return row | {
        column: texts[row[column]]
        for column, texts in names.items()
        if isinstance(row[column], int) and 0 <= row[column] < len(texts)
    }
