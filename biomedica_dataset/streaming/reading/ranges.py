"""Joins neighbouring byte ranges into single requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

_GAP = 4096  # bytes: beside an image of 150 kB, not worth another request
_MOST = 4 * 2**20

PLACES = {
    "caption": ("caption_offset", "caption_bytes"),
    "image": ("image_offset", "image_length"),
}
"""Columns of the index with offset and length of values. Captions first: they are short."""


@dataclass(slots=True)
class Span:
    """A range of bytes to request.

    Parameters
    ----------
    members
        Indexes of the given ranges that it covers.
    """

    start: int
    length: int
    members: list[int] = field(default_factory=list)


def join(ranges: Sequence[tuple[int, int]], gap: int, most: int) -> list[Span]:
    """Return spans, sorted by start, that cover ranges of (start, length).

    Parameters
    ----------
    gap
        Maximum number of unneeded bytes to fetch between two ranges.
    most
        Maximum bytes of a span, unless a single range is longer; a range within another is part of
        its span.

    Examples
    --------
    >>> [(s.start, s.length, s.members) for s in join([(0, 10), (40, 5), (12, 8)], 4, 100)]
    [(0, 20, [0, 2]), (40, 5, [1])]
    """
    spans: list[Span] = []
    for member in sorted(range(len(ranges)), key=lambda i: ranges[i]):
        start, length = ranges[member]
        last = spans[-1] if spans else None
        end = max(start + length, last.start + last.length) if last else 0
        is_near = last and start - (last.start + last.length) <= gap
        if last and is_near and end - last.start <= max(most, last.length):
            last.length = end - last.start
            last.members.append(member)
        else:
            spans.append(Span(start, length, [member]))
    return spans


@dataclass(frozen=True, slots=True)
class RangeColumn:
    """A column whose values are byte ranges, by position: both int64 of shape (rows,)."""

    name: str
    offset: np.ndarray
    length: np.ndarray

    @classmethod
    def of(cls, table: pa.Table, name: str) -> RangeColumn:
        """Return a column of rows of the index, one of `PLACES`."""
        offset, length = PLACES[name]
        return cls(name, table[offset].to_numpy(), table[length].to_numpy().astype(np.int64))

    def spans(self, positions: np.ndarray) -> list[Span]:
        """Return the ranges to request for the values of some rows of a file."""
        places = zip(self.offset[positions].tolist(), self.length[positions].tolist(), strict=True)
        return join(list(places), _GAP, _MOST)
