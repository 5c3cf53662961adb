"""Compares the thumbnails of two images of which one may be any crop of the other.

Nobody says which window shows the same, as hashes do. So windows of many sizes and places of each
are laid over the whole of the other, and where they fit best the two are compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from biomedica_dataset.images.windows import WINDOWS

from .compare import Pixels, Window, normal, similarity, square

if TYPE_CHECKING:
    from PIL import Image


_SIDES = (0.92, 0.85, 0.78, 0.72)  # similarity tolerates some 5 % in between
_PLACES = (0.0, 0.5, 1.0)  # of what a window leaves free
_PIXELS = 32  # of a side, by which windows are laid over images
_LEAST_FIT = 0.3  # correlation below which images are not compared: a letter costs some of it
_WHOLE = WINDOWS[0]
_TRIED = [
    _WHOLE,
    *(((1 - s) * x, (1 - s) * y, s) for s, x, y in product(_SIDES, _PLACES, _PLACES)),
]


@dataclass(frozen=True)
class Thumbnail:
    """A grey image, and the windows in it that are tried."""

    image: Image.Image

    @cached_property
    def windows(self) -> Pixels:
        """The windows as normal vectors, the whole first; float32 (windows, pixels)."""
        width, height = self.image.size
        boxes = [(x * width, y * height, (x + s) * width, (y + s) * height) for x, y, s in _TRIED]
        return normal(np.stack([square(self.image, box, _PIXELS) for box in boxes]))

    @property
    def mirrored(self) -> Pixels:
        """The whole of the mirror image as a normal vector."""
        mirror: Pixels = self.windows[0].reshape(_PIXELS, _PIXELS)[:, ::-1].ravel()
        return mirror


def aligned_similarity(first: Thumbnail, second: Thumbnail) -> float:
    """Return the `similarity` of two images where they fit best, mirrored or not.

    Examples
    --------
    >>> from PIL import Image
    >>> noise = np.random.default_rng(0).integers(0, 256, (2, 12, 12), dtype=np.uint8)
    >>> one, two = (Image.fromarray(n).resize((96, 96), Image.Resampling.BICUBIC) for n in noise)
    >>> crop = Thumbnail(one.crop((14, 3, 93, 82)))
    >>> aligned_similarity(Thumbnail(one), crop) > 0.9
    True
    >>> aligned_similarity(Thumbnail(two), crop) < 0.4
    True
    """
    best = max(_fits(first, second), key=lambda fit: fit[0])
    fit, own, other, is_mirrored = best
    if fit < _LEAST_FIT:
        return 0.0
    return similarity(first.image, second.image, own, other, mirrored=is_mirrored)


def _fits(first: Thumbnail, second: Thumbnail) -> list[tuple[float, Window, Window, bool]]:
    """Return how well the best window of each fits the other: correlation, windows, mirrored."""
    found: list[tuple[float, Window, Window, bool]] = []
    for is_mirrored in (False, True):
        own = first.windows @ (second.mirrored if is_mirrored else second.windows[0])
        other = second.windows @ (first.mirrored if is_mirrored else first.windows[0])
        found += [
            (float(own.max()), _TRIED[int(own.argmax())], _WHOLE, is_mirrored),
            (float(other.max()), _WHOLE, _TRIED[int(other.argmax())], is_mirrored),
        ]
    return found
