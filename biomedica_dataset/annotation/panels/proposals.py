"""Boxes that an object detector proposes as panels, and which of them belong to marks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple, Protocol

from .boxes import Box
from .cut import CORNERS, Corner

if TYPE_CHECKING:
    from PIL import Image

    from .letters import Letter

LEAST_SCORE = 0.5
"""Score of a proposal, on which detectors agree."""

_SAME = 0.5  # intersection over union of two boxes of one object
_MOST = 100  # boxes of an image
_REACH = 2.0  # heights that a mark may stand outside of its panel
_OVERLAP = 0.1  # of the smaller of two panels


class Proposal(NamedTuple):
    """A box in pixels of the image, and how sure it is, 0 to 1."""

    box: Box
    score: float


class Detector(Protocol):
    """Proposes the panels of a figure.

    Attributes
    ----------
    id
        What its proposals depend on: a name and a digest of its weights.
    """

    id: str

    def propose(self, image: Image.Image) -> list[Proposal]:
        """Return boxes within an RGB image, each object once, the surest first."""


def each_once(found: Iterable[tuple[list[float], float]], size: tuple[int, int]) -> list[Proposal]:
    """Return the boxes that a detector found, cut at the edges of the image, each object once.

    Examples
    --------
    >>> found = [([-3, 0, 50, 60], 0.75), ([0, 0, 52, 60], 0.5), ([60, 0, 9e9, 60], 0.6)]
    >>> [(*box, score) for box, score in each_once(found, (99, 60))]
    [(0, 0, 50, 60, 0.75), (60, 0, 99, 60, 0.6)]
    """
    width, height = size
    kept: list[Proposal] = []
    for sides, score in sorted(found, key=lambda one: -one[1]):
        if not all(map(math.isfinite, (*sides, score))):
            continue
        x0, y0, x1, y1 = sides
        box = Box(max(0, x0), max(0, y0), min(width, x1), min(height, y1))
        if box.x1 - box.x0 < 1 or box.y1 - box.y0 < 1 or not 0 <= score <= 1:
            continue
        if len(kept) < _MOST and all(box.iou(other.box) < _SAME for other in kept):
            kept.append(Proposal(box, score))
    return kept


def at_marks(
    proposals: Sequence[Proposal], marks: Mapping[str, Letter]
) -> dict[str, Proposal] | None:
    """Return the panel of each mark: the box with the mark at the corner where all marks stand.

    ``None`` if a mark has no box for itself, or if two of the boxes overlap.
    """
    found = []
    for corner in CORNERS:
        pairs = {name: _nearest(proposals, mark.box, corner) for name, mark in marks.items()}
        chosen = {name: one for name, (_, one) in pairs.items() if one is not None}
        boxes = [one.box for one in chosen.values()]
        if len(set(boxes)) == len(marks) and are_apart(boxes):
            found.append((sum(away for away, _ in pairs.values()), chosen))
    if not found:
        return None
    _, best = min(found, key=lambda one: one[0])
    return {name: one._replace(box=_around(one.box, marks[name].box)) for name, one in best.items()}


def are_apart(boxes: Sequence[Box]) -> bool:
    """Whether boxes overlap by no more than a margin.

    Examples
    --------
    >>> are_apart([Box(0, 0, 10, 10), Box(9, 0, 20, 10)])
    True
    >>> are_apart([Box(0, 0, 10, 10), Box(2, 2, 4, 4)])
    False
    """
    return all(
        one.shared(two) <= _OVERLAP * min(one.area, two.area) for one, two in combinations(boxes, 2)
    )


def in_reading_order(proposals: Sequence[Proposal]) -> list[Proposal]:
    """Return proposals row by row: a box is in a row if it begins above the middle of its first.

    Examples
    --------
    >>> boxes = Box(20, 1, 30, 9), Box(0, 20, 10, 30), Box(0, 3, 10, 10)
    >>> [one.box.x0 for one in in_reading_order([Proposal(box, 1.0) for box in boxes])]
    [0, 20, 0]
    """
    rows: list[list[Proposal]] = []
    for one in sorted(proposals, key=lambda one: one.box.y0):
        if not rows or one.box.y0 > (rows[-1][0].box.y0 + rows[-1][0].box.y1) / 2:
            rows.append([])
        rows[-1].append(one)
    return [one for row in rows for one in sorted(row, key=lambda one: one.box.x0)]


def _nearest(
    proposals: Sequence[Proposal], mark: Box, corner: Corner
) -> tuple[float, Proposal | None]:
    """Return the proposal whose corner is nearest to that of a mark, with the distance."""
    reach = _REACH * (mark.y1 - mark.y0)
    x, y = _corner(mark, corner)
    near = [
        (abs(x - left) + abs(y - top), one)
        for one in proposals
        for left, top in [_corner(one.box, corner)]
        if one.box.x0 - reach <= mark.x1 and mark.x0 <= one.box.x1 + reach
        and one.box.y0 - reach <= mark.y1 and mark.y0 <= one.box.y1 + reach
    ]  # fmt: skip
    return min(near, key=lambda pair: pair[0], default=(0.0, None))


def _corner(box: Box, corner: Corner) -> tuple[float, float]:
    return box.x0 if corner.left else box.x1, box.y0 if corner.top else box.y1


def _around(one: Box, two: Box) -> Box:
    return Box(min(one.x0, two.x0), min(one.y0, two.y0), max(one.x1, two.x1), max(one.y1, two.y1))
