"""Verifies the panels of a shard: the column of its pairs, the index and the config agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from biomedica_dataset.annotation.panels.figure_panels import is_within
from biomedica_dataset.folder.panel_rows import OWN, SHARED, panel_rows

Row = Mapping[str, Any]


PAIR_COLUMNS = ["key", "panels", "image_size", *SHARED]
"""Columns of the pairs that are compared."""


def panel_problems(
    pairs: Sequence[Row], index: Sequence[Row], views: Sequence[Row]
) -> Iterator[str]:
    """Yield what is wrong with the panels of a shard.

    Parameters
    ----------
    pairs, index
        The rows of the shard and of the index, in the same order.
    views
        The rows of the config ``panels`` beside the shard.
    """
    expected: list[Row] = []
    for pair, place in zip(pairs, index, strict=True):
        panels = pair["panels"] or []
        for panel in panels:
            if not is_within(panel["box"], pair["image_size"]):
                yield f"panel {panel['letter']} of {pair['key']} exceeds its image"
        scores = [panel["score"] for panel in panels]
        if (place["panel_scores"] or [], place["panel_count_found"] or 0) != (scores, len(scores)):
            yield f"the index has other panels of {pair['key']}"
        expected += [vars(row) for row in panel_rows(pair, {}, place)]
    for row, view in zip_longest(map(_compared, expected), map(_compared, views)):
        if row != view:
            yield f"the config panels has another row at {(row or view or {})['key']}"
            break


def _compared(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in OWN}
