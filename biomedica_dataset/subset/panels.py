"""Finds what panels of chosen rows have for themselves, such as the sentences that cite them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from biomedica_dataset.errors import ArchiveError
from biomedica_dataset.folder.panel_rows import CONFIG, OWN
from biomedica_dataset.folder.record import path_beside
from biomedica_dataset.streaming.reading.columns import read_columns

if TYPE_CHECKING:
    from biomedica_dataset.streaming.reading.index import Index


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
    """Return file, row and figure of each panel: panels of a file follow the order of its rows."""
    is_near = pc.is_in(index["file"], value_set=table["file"].combine_chunks())
    split = index.filter(pc.and_(is_near, pc.is_valid(index["panel_count_found"])))
    split = split.sort_by([("file", "ascending"), ("row", "ascending")])
    files = split["file"].combine_chunks().dictionary_encode().indices.to_numpy()
    counts = split["panel_count_found"].to_numpy().astype(np.int64)
    starts = np.cumsum(counts) - counts
    starts -= starts[np.searchsorted(files, files)]  # from the first figure of the file
    chosen = pc.is_in(split["key"], value_set=table["key"].combine_chunks()).to_numpy()
    own = counts[chosen]
    rows = np.repeat(starts[chosen] - np.cumsum(own) + own, own) + np.arange(own.sum())
    figures = pa.array(np.repeat(np.flatnonzero(chosen), own))
    return split.select(["file", "key"]).take(figures).append_column("row", pa.array(rows))
