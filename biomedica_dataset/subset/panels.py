"""Finds the figures of chosen panels, and what panels have for themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from biomedica_dataset.errors import ArchiveError
from biomedica_dataset.folder.panel_rows import CONFIG, OWN
from biomedica_dataset.folder.record import path_beside
from biomedica_dataset.streaming.reading.columns import read_columns
from biomedica_dataset.streaming.reading.panels import PLACED, first_panels

if TYPE_CHECKING:
    from biomedica_dataset.streaming.choice import Chosen
    from biomedica_dataset.streaming.reading.index import Index

KEPT = "kept"
"""Column of figures: the numbers of the panels to keep; null for none."""


def figures_of(chosen: Chosen) -> pa.Table:
    """Return the rows of the index to write; those of chosen panels know of no others."""
    table, figures = chosen.table, chosen.figures
    if figures is None:
        return table
    firsts = np.flatnonzero(np.diff(figures, prepend=-1))
    is_panel = table["panel"].to_numpy() >= 0
    before = np.concatenate([[0], np.cumsum(is_panel)])
    ends = before[[*firsts, len(table)]]
    counts = np.diff(ends)

    def lists(name: str) -> pa.ListArray:
        values = table[name].filter(pa.array(is_panel)).combine_chunks()
        offsets, is_none = pa.array(ends, pa.int32()), pa.array(counts == 0)
        return pa.ListArray.from_arrays(offsets, values, mask=is_none)

    columns = {
        "panel_scores": lists("score"),
        "panel_count_found": pa.array(counts, pa.int32(), mask=counts == 0),
    }
    found = table.take(pa.array(firsts)).append_column(KEPT, lists("panel")).drop([*PLACED])
    for name, column in columns.items():
        found = found.set_column(found.schema.get_field_index(name), name, column)
    return found


def keep_panels(row: dict[str, Any], kept: list[int] | None) -> None:
    """Leave only some panels to a pair.

    Raises
    ------
    ArchiveError
        It has fewer panels than the index promises.
    """
    panels = row["panels"] or []
    if kept and kept[-1] >= len(panels):
        msg = f"{row['key']} has {len(panels)} panels, fewer than in the index; serialize it again"
        raise ArchiveError(msg)
    row["panels"] = [panels[number] for number in kept or ()] or None


def panel_columns(index: Index, table: pa.Table) -> dict[str, dict[str, Any]]:
    """Return the columns `OWN` of the panels of some rows, by the key of the panel.

    Only the row groups of the config are read that have one of them.

    Raises
    ------
    ArchiveError
        The config has other rows than the index promises.
    """
    places = _places(index.table, table)
    if not len(places):
        return {}
    splits = index.manifest.splits
    beside = [path_beside(path, CONFIG, splits) for path in places["file"].to_pylist()]
    places = places.set_column(0, "file", pa.array(beside))
    found = read_columns(index, places, ["figure_key", "key", *OWN])
    if found["figure_key"].to_pylist() != places["key"].to_pylist():
        msg = f"{index.place.url}: panels are of other rows than the index has; serialize it again"
        raise ArchiveError(msg)
    return {row.pop("key"): row for row in found.drop(["figure_key"]).to_pylist()}


def _places(index: pa.Table, table: pa.Table) -> pa.Table:
    """Return file, row and figure of each panel."""
    is_near = pc.is_in(index["file"], value_set=table["file"].combine_chunks())
    split = index.filter(pc.and_(is_near, pc.is_valid(index["panel_count_found"])))
    split = split.sort_by([("file", "ascending"), ("row", "ascending")])
    files = split["file"].combine_chunks().dictionary_encode().indices.to_numpy()
    counts = split["panel_count_found"].to_numpy().astype(np.int64)
    first = first_panels(files, split["row"].to_numpy(), counts)
    chosen = pc.is_in(split["key"], value_set=table["key"].combine_chunks()).to_numpy()
    own = counts[chosen]
    rows = np.repeat(first[chosen] - np.cumsum(own) + own, own) + np.arange(own.sum())
    figures = pa.array(np.repeat(np.flatnonzero(chosen), own))
    return split.select(["file", "key"]).take(figures).append_column("row", pa.array(rows))
