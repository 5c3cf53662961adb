"""Figures as panels: a row of the index becomes a row for each panel of a score or above.

A figure without such a panel is one panel, itself: the whole image with its caption, without a
letter. How many panels there are, and their scores, is in the index; the rest is in the config
``panels``, whose rows follow those of the images.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from biomedica_dataset.errors import ArchiveError, UsageError
from biomedica_dataset.folder.record import path_beside
from biomedica_dataset.schema import Pair, PanelRow, arrow_schema, column_names
from biomedica_dataset.suggest import one_of

from .columns import ColumnReader, TextCost

if TYPE_CHECKING:
    from .index import Index

UNITS = ("figure", "panel")
MIN_SCORE = 0.8
PLACED = ("figure", "panel", "panel_row", "score")
"""Columns that a table of panels has beside those of the index: the row of the figure in the
index, the number of the panel in its figure or -1 for the whole, its row in the config ``panels``,
and its score."""

_BOTH = ("license", "credit", "hash", "accession")  # the same for a figure and its panels
OWN = [
    one.name
    for one in fields(PanelRow)
    if one.name not in ("score", "file", "image_offset", "image_length")
    and not any(word in one.name for word in _BOTH)
]
"""Columns in which a panel differs from its figure."""

NEW = [name for name in (*OWN, "score") if name not in column_names(Pair)]
IN_FIGURE = {"subcaption": "caption", "contexts": "image_context", "figure_key": "key"}
"""Columns of a panel by what they are of a figure that is one panel."""

ADD = (
    "find them with `biomedica annotate panels ARCHIVE -o PANELS`, and add them with `biomedica "
    "serialize ARCHIVE -o DATASET --panels PANELS`"
)
"""What to do about a dataset without panels."""


def check_unit(
    unit: str,
    min_score: float,
    margin: float,
    below: str = "",
    units: tuple[str, ...] = UNITS,
    *,
    in_documents: bool = False,
) -> None:
    """Refuse another unit, a score or a margin that panels cannot have, and either without panels.

    Parameters
    ----------
    below
        What their names begin with in errors.
    units
        The units that it may be.
    in_documents
        Whether panels take the place of the figures of documents.

    Raises
    ------
    UsageError
        See above.
    """
    one_of(f"{below}unit", unit, units)
    for name, value in (("min_score", min_score), ("margin", margin)):
        if isinstance(value, bool) or not (isinstance(value, int | float) and 0 <= value <= 1):
            msg = f"{below}{name} is {value!r}; it must be a number from 0 to 1"
            raise UsageError(msg)
    if unit != "panel" and not in_documents and (min_score, margin) != (MIN_SCORE, 0.0):
        how = "panels to True" if unit == "document" else f"{below}unit to panel"
        msg = f"{below}min_score and margin are of panels; set {how}, or omit them"
        raise UsageError(msg)


def expand(index: Index, table: pa.Table, min_score: float) -> pa.Table:
    """Return a row for each panel of some figures, in their order, with the columns `PLACED`.

    Parameters
    ----------
    table
        Rows of the index, with their numbers as the column ``figure``.

    Raises
    ------
    UsageError
        No panels were joined to the dataset.
    ArchiveError
        The index has not as many panels as the config ``panels``.
    """
    if not index.manifest.split_figures:
        msg = f"{index.place.url} has no panels; {ADD}"
        raise UsageError(msg)
    lists = table["panel_scores"].combine_chunks()
    scores = pc.list_flatten(lists).to_numpy(zero_copy_only=False)
    figures = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)
    numbers = np.arange(len(figures)) - np.searchsorted(figures, figures)
    kept = scores >= np.float32(min_score)
    whole = np.setdiff1d(np.arange(len(table)), figures[kept])
    of = np.concatenate([figures[kept], whole])
    number = np.concatenate([numbers[kept], np.full(len(whole), -1)])
    order = np.lexsort((number, of))
    of, number = of[order], number[order]
    score = np.concatenate([scores[kept], np.zeros(len(whole), np.float32)])[order]
    first = _first_panels(index)[table["figure"].to_numpy()]
    found = table.take(pa.array(of))
    columns: dict[str, Any] = {
        "panel": pa.array(number, pa.int32()),
        "panel_row": pa.array(first[of] + number),
        "score": pa.array(score, pa.float32(), mask=number < 0),
    }
    for name, column in columns.items():
        found = found.append_column(name, column)
    return found


def first_panels(file: np.ndarray, row: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return where the panels of each figure begin in their file: they follow its figures.

    Examples
    --------
    >>> first_panels(np.array([0, 1, 0]), np.array([5, 0, 3]), np.array([4, 2, 3])).tolist()
    [3, 0, 0]
    """
    order = np.lexsort((row, file))
    before = np.cumsum(counts[order]) - counts[order]
    first = np.empty(len(file), np.int64)
    first[order] = before - before[np.searchsorted(file[order], file[order])]
    return first


def _first_panels(index: Index) -> np.ndarray:
    """Return of each row of an index where its panels begin in their file."""
    table, splits = index.table, index.manifest.splits
    coded = table["file"].combine_chunks().dictionary_encode()
    file = coded.indices.to_numpy(zero_copy_only=False)
    counts = pc.fill_null(pc.list_value_length(table["panel_scores"]), 0).to_numpy()
    first = first_panels(file, table["row"].to_numpy(), counts)
    totals = np.bincount(file, counts, len(coded.dictionary))
    for path, total in zip(coded.dictionary.to_pylist(), totals.tolist(), strict=True):
        beside = path_beside(path, "panels", splits)
        rows = index.files[beside].rows if beside in index.files else 0
        if rows != total:
            msg = (
                f"{index.place.url}/{beside} has {rows:,} panels, and the index {int(total):,} for "
                f"{path}: the folder is half written or damaged; serialize it again"
            )
            raise ArchiveError(msg)
    return first


def in_panels(index: Index, table: pa.Table) -> pa.Table:
    """Return the rows that are panels, as rows of the config ``panels``."""
    found = table.filter(pc.greater_equal(table["panel"], 0))
    splits = index.manifest.splits
    files = found["file"].combine_chunks().dictionary_encode()
    beside = pa.array(
        [path_beside(file, "panels", splits) for file in files.dictionary.to_pylist()]
    )
    columns = {"file": beside.take(files.indices) if len(found) else found["file"],
               "row": found["panel_row"]}  # fmt: skip
    for name, column in columns.items():
        found = found.set_column(found.schema.get_field_index(name), name, column)
    return found


def panel_columns(
    index: Index, table: pa.Table, names: Sequence[str], tell: Callable[[str], None]
) -> tuple[pa.Table, TextCost]:
    """Return columns in which panels differ from their figures, and what it cost to read them.

    Parameters
    ----------
    table
        Panels, as `expand` returns them.
    """
    is_panel = pc.greater_equal(table["panel"], 0).to_numpy()
    own, cost = _read(index, in_panels(index, table), names, tell)
    figures = table.filter(pa.array(~is_panel))
    wanted = {name: IN_FIGURE.get(name, name) for name in names}
    lacking = {name for name in wanted.values() if name in column_names(Pair)}
    lacking -= set(figures.column_names)
    there, more = _read(index, figures, sorted(lacking), tell)
    columns = []
    schema = arrow_schema(PanelRow)
    for name, of in wanted.items():
        kind = schema.field(name).type
        if name == "box":
            sides = zip(*(figures[f"image_{side}"].to_pylist() for side in ("width", "height")),
                        strict=True)  # fmt: skip
            values = pa.chunked_array([[[0, 0, *size] for size in sides]], kind)
        elif of in figures.column_names or of in there.column_names:
            values = (figures if of in figures.column_names else there)[of]
        else:
            values = pa.chunked_array([pa.nulls(len(figures), kind)])
        columns.append(pa.chunked_array([*own[name].chunks, *values.chunks], type=kind))
    order = np.argsort(np.concatenate([np.flatnonzero(is_panel), np.flatnonzero(~is_panel)]))
    return pa.table(columns, names=list(names)).take(pa.array(order)), cost.plus(more)


def _read(
    index: Index, table: pa.Table, names: Sequence[str], tell: Callable[[str], None]
) -> tuple[pa.Table, TextCost]:
    """Return columns of rows in their order."""
    if not len(table) or not names:
        kinds = {field.name: field.type for of in (Pair, PanelRow) for field in arrow_schema(of)}
        empty = pa.schema([(name, kinds[name]) for name in names]).empty_table()
        return empty, TextCost(tuple(names), 0, 0, 0)
    reader = ColumnReader(index, table, list(names))
    parts = list(reader.read(tell))
    order = np.argsort(np.concatenate([positions for positions, _ in parts]))
    return pa.concat_tables(part for _, part in parts).take(pa.array(order)), reader.cost
