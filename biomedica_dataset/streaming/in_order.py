"""Rows of the index read in their order, as subsets are written."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from .order import make_plan
from .reading.panel_reader import PanelReader
from .reading.panels import PLACED
from .reading.shards import Reader

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from .reading.index import Index


def rows_in_order(
    index: Index, table: pa.Table, columns: list[str], margin: float = 0.0
) -> Generator[dict[str, Any], None, None]:
    """Yield columns of some rows of the index, or of some panels, in their order."""
    if PLACED[1] in table.column_names:
        return PanelReader(index, table, columns, margin=margin).rows(_runs(table))
    return Reader(index, table, columns).rows(_runs(table))


def cost_in_order(index: Index, table: pa.Table, columns: list[str]) -> tuple[int, int]:
    """Return the requests for the images of some rows, and the bytes they move."""
    return Reader(index, table, columns).cost(_runs(table))


def _runs(table: pa.Table) -> Iterator[np.ndarray]:
    mean = pc.mean(table["image_length"]).as_py() or 0.0
    plan = make_plan(len(table), mean, None)
    return (plan.positions(run) for run in range(plan.runs))
