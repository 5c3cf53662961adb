"""Leaves out copies: all but one of each group of them, and those of images of benchmarks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from biomedica_dataset.errors import UsageError

from .reading.attributes import attribute_columns, join_attributes

if TYPE_CHECKING:
    from biomedica_dataset.annotation.duplicates.overlaps import Overlap

    from .reading.index import Index

_KEEPER = "duplicates.keeper"
_FIND = (
    "run `biomedica annotate look`, `biomedica annotate duplicates` and `biomedica serialize "
    "ARCHIVE -o DATASET --attributes DUPLICATES`"
)


def not_overlapping(table: pa.Table, found: Overlap) -> pa.Table:
    """Return the rows whose figures are in no benchmark, nor any panel of them."""
    keys = pa.array(sorted(found.keys()), pa.string())
    return table.filter(pc.invert(pc.is_in(table["key"], keys)))


def deduplicate(index: Index, table: pa.Table, tell: Callable[[str], None]) -> pa.Table:
    """Return rows of which no two figures are copies of each other.

    The keeper of a group is kept if it is among the rows, else the largest of them, then the first.
    A row without a group is kept.

    Raises
    ------
    UsageError
        The dataset has no attribute of groups of copies.
    """
    if _KEEPER not in attribute_columns(index.manifest):
        msg = f"{index.place.url} has no attribute of copies; {_FIND}"
        raise UsageError(msg)
    figures = table.select(["key"])
    keepers = pc.coalesce(join_attributes(index, figures, [_KEEPER], tell)[_KEEPER], table["key"])
    keys = table["key"].combine_chunks().dictionary_encode()  # panels of a figure have one key
    figure = keys.indices.to_numpy()
    _, first = np.unique(figure, return_index=True)
    group = keepers.combine_chunks().dictionary_encode().indices.to_numpy()[first]
    is_keeper = pc.equal(keepers, table["key"]).to_numpy()[first]
    width, height = (pc.fill_null(table[f"image_{side}"], 0) for side in ("width", "height"))
    area = pc.multiply(width.cast(pa.int64()), height).to_numpy()[first]
    order = np.lexsort((first, -area, ~is_keeper, group))
    _, leaders = np.unique(group[order], return_index=True)
    kept = np.zeros(len(first), bool)
    kept[order[leaders]] = True
    return table.filter(pa.array(kept[figure]))
