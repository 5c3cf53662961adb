"""Cuts an image between the marks of its panels.

A rectangle with several marks is cut in two, along a row or a column that has marks on both sides,
and so on until each part has one. Of all ways to do this, the one with the best lines is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .boxes import Box
    from .lines import Lines

    Rectangle = tuple[int, int, int, int]

_BREADTH = 3  # cuts of a rectangle that are tried: the best
_PERFECT = 1.25  # quality of a line in a broad band
_FAR = 0.5  # cost of a cut that lies a whole side away from the marks
_LEAST = 3  # pixels
_OVERLAP = 0.3  # of a mark that a cut may take: boxes of marks are estimates
_AWAY = 1.0  # cost of a corner if its marks stand a whole side away from that of the image
_UNUSUAL = 0.08  # cost of each panel if marks do not stand at the top left


class Corner(NamedTuple):
    """Where the marks of a figure stand in their panels."""

    left: bool
    top: bool


CORNERS = tuple(Corner(left=left, top=top) for top in (True, False) for left in (True, False))


class _Option(NamedTuple):
    """A line that divides the marks of a rectangle in two groups."""

    cost: float
    axis: int
    place: int
    groups: tuple[tuple[str, ...], tuple[str, ...]]


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
            found.append((cut.cost + _unlikely(corner, lines, marks), cut))
    return min(found, key=lambda one: one[0])[1] if found else None


def _unlikely(corner: Corner, lines: Lines, marks: Mapping[str, Box]) -> float:
    """Return a cost for the corner: that of the first mark lies in a corner of the image."""
    boxes = marks.values()
    across = min(one.x0 if corner.left else lines.width - one.x1 for one in boxes)
    down = min(one.y0 if corner.top else lines.height - one.y1 for one in boxes)
    unusual = 0.0 if corner == CORNERS[0] else _UNUSUAL * len(marks)
    return unusual + _AWAY * float(across / lines.width + down / lines.height)


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
        options = sorted(self._options(box, marks), key=lambda option: option.cost)
        wholes = []
        for option in options[:_BREADTH]:
            halves = _halves(box, option.axis, option.place)
            first, second = map(self.best, halves, option.groups)
            if first is not None and second is not None:
                wholes.append(_joined(option.cost, first, second))
        return min(wholes, key=lambda whole: whole.cost, default=None)

    def _options(self, box: Rectangle, marks: tuple[str, ...]) -> Iterator[_Option]:
        """Yield the best line for each division of the marks."""
        for axis in (0, 1):
            low, high = (1, 3) if axis == 0 else (0, 2)
            is_before = self._corner.top if axis == 0 else self._corner.left
            side = low if is_before else high
            order = sorted(marks, key=lambda mark: (self._marks[mark][side], mark))
            quality = self._lines.quality(box, axis)
            for count in range(1, len(order)):
                groups = (tuple(sorted(order[:count])), tuple(sorted(order[count:])))
                places = self._places(box, low, high, groups)
                if len(places):
                    away = (places[-1] - places) if is_before else (places - places[0])
                    costs = _PERFECT - quality[places - box[low]]
                    costs = costs + _FAR * away / (box[high] - box[low])
                    best = int(costs.argmin())
                    yield _Option(float(costs[best]), axis, int(places[best]), groups)

    def _places(
        self, box: Rectangle, low: int, high: int, groups: tuple[tuple[str, ...], ...]
    ) -> NDArray[np.int64]:
        """Return the lines between two groups of marks."""
        first, second = ([self._marks[mark] for mark in group] for group in groups)
        after = max(one[high] - _OVERLAP * (one[high] - one[low]) for one in first)
        before = min(one[low] + _OVERLAP * (one[high] - one[low]) for one in second)
        begin = max(int(np.ceil(after)), box[low] + _LEAST)
        return np.arange(begin, min(int(before), box[high] - _LEAST) + 1)


def _halves(box: Rectangle, axis: int, place: int) -> tuple[Rectangle, Rectangle]:
    x0, y0, x1, y1 = box
    if axis == 0:
        return (x0, y0, x1, place), (x0, place, x1, y1)
    return (x0, y0, place, y1), (place, y0, x1, y1)


def _joined(cost: float, first: Cut, second: Cut) -> Cut:
    worst = first.worst | second.worst
    return Cut(
        cost=cost + first.cost + second.cost,
        parts=first.parts | second.parts,
        worst={mark: max(cost, other) for mark, other in worst.items()},
    )
