"""Reads facts from the bytes of an image without decoding it."""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from biomedica_dataset.errors import ArticleError

from .side_data import orientation, without_side_data

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("JPEG", "PNG", "TIFF", "GIF", "WEBP", "BMP")
"""Supported image formats."""

_BROKEN = (
    OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, OverflowError,
    ZeroDivisionError, MemoryError, struct.error,
)  # fmt: skip
"""What Pillow raises for bytes that are not an image, beside its limit of pixels."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Width and height in pixels as the image is displayed, and the SHA-256 of the bytes."""

    width: int
    height: int
    sha256: str


def probe(data: bytes) -> ImageFacts:
    """Return the size of an image from its header, and its digest.

    Raises
    ------
    ArticleError
        It is not an image in a supported format, has no pixels, or has more than Pillow's limit.
    """
    width, height = read_image(data, _displayed_size, "not_an_image")
    if width < 1 or height < 1:
        msg = "not_an_image"
        raise ArticleError(msg)
    return ImageFacts(width, height, hashlib.sha256(data).hexdigest())


def _displayed_size(image: Image.Image, data: bytes) -> tuple[int, int]:
    is_turned = orientation(image, data) >= 5
    return (image.height, image.width) if is_turned else image.size


def read_image(data: bytes, read: Callable[[Image.Image, bytes], T], reason: str) -> T:
    """Open an image and return what is read from it.

    Side data that Pillow cannot read do not decide: then it is read once more without them.

    Parameters
    ----------
    reason
        Of the error if it cannot be read.

    Raises
    ------
    ArticleError
        It cannot be read, or has more pixels than Pillow's hard limit.
    """
    from PIL import Image

    def opened(some: bytes) -> T:
        with Image.open(io.BytesIO(some), formats=FORMATS) as image:
            return read(image, some)

    try:
        with warnings.catch_warnings():
            # Pillow warns at half of its hard limit; the hard limit is ours.
            warnings.simplefilter("ignore")
            try:
                return opened(data)
            except _BROKEN:
                plain = without_side_data(data)
                if plain == data:
                    raise
                return opened(plain)
    except Image.DecompressionBombError as error:
        msg = "too_many_pixels"
        raise ArticleError(msg) from error
    except _BROKEN as error:
        raise ArticleError(reason) from error
