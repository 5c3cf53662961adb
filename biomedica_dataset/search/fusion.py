"""Joins lists of hits by reciprocal rank."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lexical import Hit

if TYPE_CHECKING:
    from collections.abc import Sequence

_K = 60  # of Cormack et al., SIGIR 2009: lowers the weight of the very first ranks


def fuse(lists: Sequence[Sequence[Hit]], limit: int) -> list[Hit]:
    """Return the hits of several lists, ranked by the sum of ``1 / (60 + rank)``.

    Examples
    --------
    >>> first, second = Hit(0, 1, 9.0), Hit(0, 2, 8.0)
    >>> [hit.row for hit in fuse([[first, second], [second]], 5)]
    [2, 1]
    """
    scores: dict[tuple[int, int], float] = {}
    for hits in lists:
        for rank, hit in enumerate(hits, start=1):
            place = (hit.part, hit.row)
            scores[place] = scores.get(place, 0.0) + 1 / (_K + rank)
    best = sorted(scores.items(), key=lambda one: (-one[1], one[0]))
    return [Hit(*place, score) for place, score in best[:limit]]
