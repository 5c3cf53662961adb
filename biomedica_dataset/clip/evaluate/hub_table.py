"""Rows of a dataset on the Hub, as datasets reads it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from biomedica_dataset.errors import SourceError, UsageError

from .table import Table, belongs, check_columns, picture, wanted_columns

if TYPE_CHECKING:
    from .task import Task


def hub_table(task: Task) -> Table:
    """Return the rows of a task whose source is on the Hub; see `read_table`.

    The whole split is downloaded into the cache of datasets, once.
    """
    import datasets

    data = _load(task)
    image = task.columns.image
    wanted = wanted_columns(task)
    check_columns(task, [image, *wanted], data.column_names)
    # The folder of the cache is named by the commit.
    state = " ".join("/".join(Path(one["filename"]).parts[-2:]) for one in data.cache_files)
    data = data.cast_column(image, datasets.Image(decode=False))
    tops = list(dict.fromkeys(w if w in data.column_names else w.partition(".")[0] for w in wanted))
    names = {
        top: data.features[top].names
        for top in tops
        if isinstance(data.features[top], datasets.ClassLabel)
    }
    rows = [_named(row, names) for row in data.select_columns(tops)]
    kept = [index for index, row in enumerate(rows) if belongs(task, row)]

    def read(index: int) -> bytes:
        value = data[kept[index]][image]
        if value and not value.get("bytes") and value.get("path"):
            value = {"bytes": Path(value["path"]).read_bytes()}
        return picture(value)

    return Table(
        [f"row {index}" for index in kept],
        [rows[index] for index in kept],
        read,
        [state] * len(kept),
    )


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
