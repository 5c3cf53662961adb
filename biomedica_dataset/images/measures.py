"""Measures of an image: whether it is grey, blank or blurred, and what copies are found by.

All are taken from one decoding at a reduced scale, and from at most 256 pixels a side. The hashes
are those of `windows`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import simplejpeg
from PIL import Image

from .decode import decode_rgb
from .probe import read_image
from .windows import hash_windows, mirrored

if TYPE_CHECKING:
    Pixels = np.ndarray[Any, Any]

TARGET = 256
"""Measures are taken at this many pixels of the longest side, or fewer."""

DECODED = 96
"""What `decode_rgb` is asked for: the shorter side then has at least twice as many pixels."""

_WHITE = 250  # of 255
_GREY = 8  # most that the channels of a grey pixel differ by: JPEG stores them inexactly
_COLOURED = 0.001  # share of the pixels above which an image is not grey
_THUMBNAIL, _QUALITY = 128, 75
_KERNEL = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What is measured of an image.

    Parameters
    ----------
    is_grey
        Whether all but 0.1 % of the pixels are grey.
    white
        Share of the pixels that are white.
    entropy
        Of the grey values, in bits: 0 for one value, 8 for all as often.
    sharpness
        Variance of the Laplacian at 128 to 256 pixels: low for blurred and blank images.
    hash, mirror_hash
        Perceptual hashes of 64 bits, of the image and of its mirror image, as signed numbers.
    windows
        Hashes of parts of the image, uint64 as bytes; see `windows`.
    thumbnail
        A JPEG of at most 128 pixels a side, by which copies are compared and shown.
    """

    is_grey: bool
    white: float
    entropy: float
    sharpness: float
    hash: int
    mirror_hash: int
    windows: bytes
    thumbnail: bytes


def count_frames(data: bytes) -> int:
    """Return the frames of an image, 1 unless it is an animation or has pages.

    Raises
    ------
    ArticleError
        It is not an image.
    """
    return read_image(data, lambda image, _: int(getattr(image, "n_frames", 1)), "not_an_image")


def decode_small(data: bytes) -> Pixels:
    """Decode an image at the scale that it is measured at; see `decode_rgb`."""
    return decode_rgb(data, DECODED)


def measure(pixels: Pixels) -> Measures:
    """Return the measures of a decoded image.

    Parameters
    ----------
    pixels
        uint8 (height, width, 3).

    Examples
    --------
    >>> blank = measure(np.full((40, 60, 3), 255, np.uint8))
    >>> blank.is_grey, blank.white, blank.entropy, blank.sharpness
    (True, 1.0, 0.0, 0.0)
    """
    small = _reduced(Image.fromarray(pixels))
    red, green, blue = (np.asarray(band) for band in small.split())
    low = np.minimum(np.minimum(red, green), blue)
    high = np.maximum(np.maximum(red, green), blue)
    grey_image = small.convert("L")
    grey = np.asarray(grey_image)
    hashes = hash_windows(grey_image)
    return Measures(
        is_grey=bool((high - low > _GREY).mean() <= _COLOURED),
        white=float((low >= _WHITE).mean()),
        entropy=_entropy(grey),
        sharpness=_sharpness(grey),
        hash=int(hashes[0].view(np.int64)),
        mirror_hash=int(mirrored(hashes[0]).view(np.int64)),
        windows=hashes.tobytes(),
        thumbnail=_thumbnail(small),
    )


def _reduced(image: Image.Image) -> Image.Image:
    """Return an image of at most 256 pixels, each the mean of those that it covers."""
    factor = -(-max(image.size) // TARGET)
    return image.reduce(factor) if factor > 1 else image


def _thumbnail(small: Image.Image) -> bytes:
    tiny = small.reduce(2) if max(small.size) > _THUMBNAIL else small
    return bytes(simplejpeg.encode_jpeg(np.asarray(tiny), _QUALITY, "RGB", "420"))


def _entropy(grey: Pixels) -> float:
    counts = np.bincount(grey.ravel(), minlength=1)
    shares = counts[counts > 0] / grey.size
    return float(-(shares * np.log2(shares)).sum()) + 0.0  # never -0.0


def _sharpness(grey: Pixels) -> float:
    if min(grey.shape) < _KERNEL:
        return 0.0
    values = grey.astype(np.float32)
    beside = values[:-2, 1:-1] + values[2:, 1:-1] + values[1:-1, :-2] + values[1:-1, 2:]
    return float((beside - 4 * values[1:-1, 1:-1]).var())
