"""What a picture's own bytes say; nothing is decoded or encoded again."""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass

from biomedica_dataset.errors import ArticleError

FORMATS = ("JPEG", "PNG", "TIFF", "GIF", "WEBP", "BMP")
"""The kinds of pictures that are read."""


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Width and height in pixels, and the SHA-256 of the bytes."""

    width: int
    height: int
    sha256: str


def probe(data: bytes) -> ImageFacts:
    """Return size and digest of a picture from its header.

    Raises
    ------
    ArticleError
        It is no picture of a known kind, has no pixels, or more than Pillow's hard limit.
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
