"""Rectangles of an image."""

from __future__ import annotations

from typing import NamedTuple


class Box(NamedTuple):
    """A rectangle in pixels; right and bottom are exclusive.

    Examples
    --------
    >>> Box(0, 0, 10, 10).iou(Box(5, 0, 15, 10))
    0.3333333333333333
    """

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def area(self) -> float:
        """Area in pixels."""
        return (self.x1 - self.x0) * (self.y1 - self.y0)

    def scaled(self, factor: float) -> Box:
        """Return the rectangle in an image of another size."""
        return Box(*(side * factor for side in self))

    def shared(self, other: Box) -> float:
        """Return the area of the intersection."""
        width = min(self.x1, other.x1) - max(self.x0, other.x0)
        height = min(self.y1, other.y1) - max(self.y0, other.y0)
        return max(0.0, width) * max(0.0, height)

    def iou(self, other: Box) -> float:
        """Return intersection over union."""
        shared = self.shared(other)
        return shared / ((self.area + other.area - shared) or 1)
