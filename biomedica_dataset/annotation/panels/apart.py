"""Cuts a figure without letters into the images that stand apart in it.

A single plot has white bands as well: beside its legend, above its title, between its groups. So
a cut counts only if both of its sides look like images: neither is small or a strip, each has
something large in it, and they match along the cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from biomedica_dataset.extras import require

from .lines import Lines, band_widths

Rectangle = tuple[int, int, int, int]


_FREE, _EDGE = 0.995, 0.9  # share of background in a band, of an edge between photographs
_NARROW, _BROAD = 0.008, 0.03  # width of a band by the longest side of the figure
_LEAST_CLEAR, _CLEAR_EDGE = 0.6, 0.7
_SIDE, _AREA = 0.12, 0.03  # of an image: by the longest side, by the area of the figure
_LARGE = 0.5  # of a side of an image, which something in it spans
_SOLID = 0.8  # ink in the rectangle of a photograph
_MATCH, _LIKE = 0.4, 0.2  # of two sides of a cut: what they share along it, and ratio across it
_MOST = 64  # images of a figure


class Part(NamedTuple):
    """An image in a figure.

    Parameters
    ----------
    score
        0 to 1: how clear the worst cut is that bounds it, and how well both sides match.
    """

    box: Rectangle
    score: float


def cut_apart(lines: Lines) -> list[Part]:
    """Return the images of a figure in reading order; one if it is a single image."""
    whole = lines.trimmed((0, 0, lines.width, lines.height))
    return _Cutter(lines).parts(Part(whole, 1.0))[:_MOST] if whole else []


class _Cutter:
    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        ink = lines.ink.astype(np.uint8)
        parts = require("cv2", "panels").connectedComponentsWithStats(ink)[2][1:, :4]
        parts[:, 2:] += parts[:, :2]
        self._components = parts
        self._inked = np.pad(ink, ((1, 0), (1, 0))).cumsum(0, np.int32).cumsum(1, np.int32)

    def parts(self, part: Part) -> list[Part]:
        """Return the images of a part: those of both sides of the best cut, or itself."""
        cuts = (
            (clear * match, halves)
            for axis in (0, 1)
            for place, clear in self._places(part.box, axis)
            if (halves := self._halves(part.box, axis, place)) is not None
            and (match := self._match(halves, axis, is_edge=clear == _CLEAR_EDGE)) > 0
        )
        score, halves = max(cuts, default=(0.0, None))
        if halves is None:
            return [part]
        worst = min(part.score, score)
        return [one for half in halves for one in self.parts(Part(half, worst))]

    def _places(self, box: Rectangle, axis: int) -> Iterator[tuple[int, float]]:
        """Yield where a rectangle may be cut, and how clear each cut is."""
        free, edge = self._lines.shares(box, axis)
        low, longest = box[1 - axis], max(self._lines.width, self._lines.height)
        is_free = free > _FREE
        widths = band_widths(is_free)
        starts = is_free & ~np.concatenate(([False], is_free[:-1]))
        for start in np.flatnonzero(starts).tolist():
            width = int(widths[start])
            broad = min(1.0, width / longest / _BROAD)
            clear = _LEAST_CLEAR + (1 - _LEAST_CLEAR) * broad
            yield low + start + width // 2, clear if width >= _NARROW * longest else _CLEAR_EDGE
        for place in np.flatnonzero(edge > _EDGE).tolist():
            yield low + place, _CLEAR_EDGE

    def _halves(self, box: Rectangle, axis: int, place: int) -> tuple[Rectangle, Rectangle] | None:
        x0, y0, x1, y1 = box
        if not box[1 - axis] < place < box[3 - axis]:
            return None
        first = (x0, y0, x1, place) if axis == 0 else (x0, y0, place, y1)
        second = (x0, place, x1, y1) if axis == 0 else (place, y0, x1, y1)
        one, other = self._lines.trimmed(first), self._lines.trimmed(second)
        return (one, other) if one and other else None

    def _match(self, halves: tuple[Rectangle, Rectangle], axis: int, *, is_edge: bool) -> float:
        """Return how well two sides of a cut match, 0 to 1; 0 if one is not an image."""
        if is_edge and not any(map(self._is_solid, halves)):
            return 0.0
        if not all(map(self._is_image, halves)):
            return 0.0
        (one, other), along, across = halves, axis, 1 - axis
        shared = min(one[along + 2], other[along + 2]) - max(one[along], other[along])
        whole = max(one[along + 2], other[along + 2]) - min(one[along], other[along])
        sides = sorted(half[across + 2] - half[across] for half in halves)
        match = shared / whole
        return match if match >= _MATCH and sides[0] >= _LIKE * sides[1] else 0.0

    def _is_image(self, box: Rectangle) -> bool:
        """Whether a rectangle is neither small nor a strip, and has something large in it."""
        x0, y0, x1, y1 = box
        width, height = x1 - x0, y1 - y0
        lines = self._lines
        if min(width, height) < _SIDE * max(lines.width, lines.height):
            return False
        if width * height < _AREA * lines.width * lines.height:
            return False
        left, top, right, bottom = self._components.T
        inside = (left >= x0) & (top >= y0) & (right <= x1) & (bottom <= y1)
        across = (right - left)[inside].max(initial=0) / width
        down = (bottom - top)[inside].max(initial=0) / height
        return bool(max(across, down) >= _LARGE) or self._is_solid(box)

    def _is_solid(self, box: Rectangle) -> bool:
        """Whether a rectangle is filled, as a photograph is."""
        x0, y0, x1, y1 = box
        total = self._inked
        ink = total[y1, x1] - total[y0, x1] - total[y1, x0] + total[y0, x0]
        return bool(ink >= _SOLID * (x1 - x0) * (y1 - y0))
