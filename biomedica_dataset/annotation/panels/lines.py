"""How well an image can be cut along each row and column of pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from .boxes import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 700
"""Longest side of the image that is cut, in pixels."""

_WHITE = (255, 255, 255)
_INK = 20  # difference to the background, 0 to 255
_TRIMMED = 24
_EDGE = 24  # difference between two neighbouring pixels
_BROAD = 12  # pixels of a band, beyond which a broader one is no better
_BAND, _FREE = 0.25, 0.985  # what a broad band adds; share of background in a band
_EDGE_WEIGHT, _EDGE_GAIN = 0.85, 1.15


class Lines:
    """The rows and columns of an image, as places to cut.

    A line is a good cut if it is background from end to end, the better the broader the band it
    lies in, or if all of it is an edge, as between photographs that touch.

    Parameters
    ----------
    image
        RGB.

    Attributes
    ----------
    ink
        Where pixels differ from the background; boolean (height, width).
    """

    def __init__(self, image: Image.Image) -> None:
        self.scale = min(1.0, SIDE / max(image.size))
        size = (max(1, round(image.width * self.scale)), max(1, round(image.height * self.scale)))
        small = image.resize(size, Image.Resampling.BOX, reducing_gap=2.0)
        pixels = np.ascontiguousarray(np.asarray(small).transpose(2, 0, 1)).astype(np.int16)
        self.height, self.width = pixels.shape[1:]
        away = _largest(pixels - _background(pixels))
        self.ink, free = away > _TRIMMED, away <= _INK
        down, across = np.zeros_like(free), np.zeros_like(free)
        down[1:] = _largest(np.diff(pixels, axis=1)) > _EDGE
        across[:, 1:] = _largest(np.diff(pixels, axis=2)) > _EDGE
        # Sums along the lines, so that those of a rectangle are one subtraction.
        self._sums = {
            axis: tuple(_running_sum(mask, 1 - axis) for mask in (free, edges))
            for axis, edges in ((0, down), (1, across))
        }

    def quality(self, box: tuple[int, int, int, int], axis: int) -> NDArray[np.float64]:
        """Return how well each line of a rectangle can be cut; 0 to 1.25.

        Parameters
        ----------
        axis
            0 for rows, 1 for columns.
        """
        free, edge = self.shares(box, axis)
        best = np.maximum(free**3, _EDGE_WEIGHT * np.clip(_EDGE_GAIN * edge, 0, 1) ** 2)
        band = np.minimum(band_widths(free > _FREE), _BROAD) / _BROAD
        whole: NDArray[np.float64] = best + _BAND * band
        return whole

    def shares(
        self, box: tuple[int, int, int, int], axis: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the share of background and that of an edge in each line of a rectangle."""
        x0, y0, x1, y1 = box
        free, edge = (
            ((total[y0:y1, x1] - total[y0:y1, x0]) / (x1 - x0))
            if axis == 0
            else ((total[y1, x0:x1] - total[y0, x0:x1]) / (y1 - y0))
            for total in self._sums[axis]
        )
        return free, edge

    def trimmed(self, box: tuple[int, int, int, int]) -> tuple[int, int, int, int] | None:
        """Return a rectangle without its margins of background; ``None`` if it has no ink."""
        x0, y0, x1, y1 = box
        ink = self.ink[y0:y1, x0:x1]
        rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
        if not len(rows):
            return None
        return (
            x0 + int(columns[0]), y0 + int(rows[0]),
            x0 + int(columns[-1]) + 1, y0 + int(rows[-1]) + 1,
        )  # fmt: skip

    def in_image(self, box: tuple[int, int, int, int]) -> Box:
        """Return a rectangle in the pixels of the image that was given."""
        return Box(*box).scaled(1 / self.scale)


def band_widths(free: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return, for each line, the width of the band of free lines that it lies in.

    Examples
    --------
    >>> band_widths(np.array([True, False, True, True])).tolist()
    [1, 0, 2, 2]
    """
    starts = np.flatnonzero(np.diff(np.concatenate(([False], free, [False])).astype(np.int8)))
    widths = np.zeros(len(free), np.int64)
    for start, end in starts.reshape(-1, 2):
        widths[start:end] = end - start
    return widths


def _background(pixels: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return the colour of most of the border, or white if the border has no such colour.

    Parameters
    ----------
    pixels
        One plane after the other, as all that follows: their largest is found many times faster.
    """
    edges = pixels[:, 0], pixels[:, -1], pixels[:, :, 0], pixels[:, :, -1]
    border = np.concatenate(edges, 1)
    colour = np.median(border, 1, keepdims=True)
    uniform = (_largest(border - colour) < _INK).mean() > 1 / 2
    found = colour if uniform else np.array(_WHITE)
    return found.reshape(3, 1, 1).astype(np.float32)


def _largest(differences: NDArray[Any]) -> NDArray[Any]:
    """Return the largest difference of a channel at each place."""
    largest: NDArray[Any] = np.abs(differences).max(0)
    return largest


def _running_sum(mask: NDArray[np.bool_], axis: int) -> NDArray[np.int32]:
    """Return sums of all before each place, with a zero in front."""
    pad = ((1, 0), (0, 0)) if axis == 0 else ((0, 0), (1, 0))
    return np.cumsum(np.pad(mask, pad), axis=axis, dtype=np.int32)
