"""Joins neighbouring byte ranges into single requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


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
