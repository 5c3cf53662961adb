"""Cuts an image between the marks of its panels.

A rectangle with several marks is cut in two, along a row or a column that has marks on both sides,
and so on until each part has one. Of all ways to do this, the one with the best lines is taken.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .boxes import Box
    from .lines import Lines

    Rectangle = tuple[int, int, int, int]

_BREADTH = 3  # cuts of a rectangle that are tried: the best
_PERFECT = 1.25  # quality of a line in a broad band
_FAR = 0.5  # cost of a cut that lies a whole side away from the marks
_LEAST = 3  # pixels
_OVERLAP = 0.3  # of a mark that a cut may take: boxes of marks are estimates
_UNUSUAL = 0.08  # cost of each panel if marks do not stand at the top left


class Corner(NamedTuple):
    """Where the marks of a figure stand in their panels."""

    left: bool
    top: bool


CORNERS = (Corner(True, True), Corner(False, True), Corner(True, False), Corner(False, False))


@dataclass(frozen=True, slots=True)
class Cut:
    """An image cut between marks.

    Parameters
    ----------
    cost
        Sum of the costs of all cuts.
    parts
        Rectangle of each mark.
    worst
        Cost of the worst cut at each part.
    """

    cost: float
    parts: dict[str, Rectangle] = field(default_factory=dict)
    worst: dict[str, float] = field(default_factory=dict)


def cut_between(lines: Lines, marks: Mapping[str, Box]) -> Cut | None:
    """Return the best cut that gives each mark a rectangle; ``None`` if there is none.

    Parameters
    ----------
    marks
        Box of each mark, in the pixels of the lines.
    """
    whole = (0, 0, lines.width, lines.height)
    found = []
    for corner in CORNERS:
        cut = _Cutter(lines, marks, corner).best(whole, tuple(sorted(marks)))
        if cut is not None:
            unusual = 0.0 if corner == CORNERS[0] else _UNUSUAL * len(marks)
            found.append((cut.cost + unusual, cut))
    return min(found, key=lambda one: one[0])[1] if found else None


class _Cutter:
    def __init__(self, lines: Lines, marks: Mapping[str, Box], corner: Corner) -> None:
        self._lines, self._marks, self._corner = lines, marks, corner
        self._known: dict[tuple[Rectangle, tuple[str, ...]], Cut | None] = {}

    def best(self, box: Rectangle, marks: tuple[str, ...]) -> Cut | None:
        """Return the best cut of a rectangle between marks."""
        if (box, marks) not in self._known:
            self._known[box, marks] = self._best(box, marks)
        return self._known[box, marks]

    def _best(self, box: Rectangle, marks: tuple[str, ...]) -> Cut | None:
        if len(marks) == 1:
            return Cut(0.0, {marks[0]: box}, {marks[0]: 0.0})
        options = sorted(self._options(box, marks), key=lambda option: option[0])
        best: Cut | None = None
        for cost, axis, place, groups in options[:_BREADTH]:
            halves = _halves(box, axis, place)
            cuts = [self.best(*half) for half in zip(halves, groups, strict=True)]
            if None in cuts:
                continue
            whole = _joined(cost, [cut for cut in cuts if cut is not None])
            if best is None or whole.cost < best.cost:
                best = whole
        return best

    def _options(
        self, box: Rectangle, marks: tuple[str, ...]
    ) -> Iterator[tuple[float, int, int, tuple[tuple[str, ...], tuple[str, ...]]]]:
        """Yield cost, axis and place of the best cut for each division of the marks."""
        for axis in (0, 1):
            low, high = (1, 3) if axis == 0 else (0, 2)
            starts = self._corner.top if axis == 0 else self._corner.left
            order = sorted(marks, key=lambda m: (self._marks[m][low if starts else high], m))
            quality = self._lines.quality(box, axis)
            for count in range(1, len(order)):
                first, second = order[:count], order[count:]
                after = max(self._end(m, low, high) for m in first)
                before = min(self._start(m, low, high) for m in second)
                begin = max(int(np.ceil(after)), box[low] + _LEAST)
                end = min(int(before), box[high] - _LEAST)
                if begin > end:
                    continue
                places = np.arange(begin, end + 1)
                away = (end - places) if starts else (places - begin)
                costs = _PERFECT - quality[places - box[low]]
                costs = costs + _FAR * away / (box[high] - box[low])
                best = int(costs.argmin())
                groups = (tuple(sorted(first)), tuple(sorted(second)))
                yield float(costs[best]), axis, int(places[best]), groups

    def _start(self, mark: str, low: int, high: int) -> float:
        box = self._marks[mark]
        return box[low] + _OVERLAP * (box[high] - box[low])

    def _end(self, mark: str, low: int, high: int) -> float:
        box = self._marks[mark]
        return box[high] - _OVERLAP * (box[high] - box[low])


def _halves(box: Rectangle, axis: int, place: int) -> tuple[Rectangle, Rectangle]:
    x0, y0, x1, y1 = box
    if axis == 0:
        return (x0, y0, x1, place), (x0, place, x1, y1)
    return (x0, y0, place, y1), (place, y0, x1, y1)


def _joined(cost: float, cuts: list[Cut]) -> Cut:
    parts: dict[str, Rectangle] = {}
    worst: dict[str, float] = {}
    for cut in cuts:
        parts |= cut.parts
        worst |= {mark: max(cost, other) for mark, other in cut.worst.items()}
    return Cut(cost + sum(cut.cost for cut in cuts), parts, worst)
