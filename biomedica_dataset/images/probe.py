"""Reads facts from the bytes of an image without decoding it."""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass

from biomedica_dataset.errors import ArticleError

FORMATS = ("JPEG", "PNG", "TIFF", "GIF", "WEBP", "BMP")
"""Supported image formats."""


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Width and height in pixels, and the SHA-256 of the bytes."""

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
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            # Pillow warns at half of its hard limit; the hard limit is ours.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                width, height = image.size
    except Image.DecompressionBombError as error:
        msg = "too_many_pixels"
        raise ArticleError(msg) from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as error:
        msg = "not_an_image"
        raise ArticleError(msg) from error
    if width < 1 or height < 1:
        msg = "not_an_image"
        raise ArticleError(msg)
    return ImageFacts(width, height, hashlib.sha256(data).hexdigest())
