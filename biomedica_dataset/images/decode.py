"""Decodes untrusted images for models and thumbnails."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from biomedica_dataset.errors import ArticleError

from .probe import FORMATS

DECODER_VERSION = 1
"""Raise this when decoding gives other pixels: vectors of different versions are not comparable."""

_WHITE = (255, 255, 255)
_BROKEN = (OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError, MemoryError)
_MEMORY = 600 * 2**20
"""Memory limit for decoding one image, in bytes; Pillow itself limits only the pixels."""

# Bytes per pixel by mode, and additional bytes for the conversion to RGB.
_PIXEL = {
    "RGB": (4, 0), "RGBA": (4, 4), "CMYK": (4, 4), "L": (1, 4), "1": (1, 4), "P": (1, 8),
    "I;16": (2, 8), "I;16B": (2, 8), "I;16L": (2, 8), "I": (4, 10), "F": (4, 10),
}  # fmt: skip
_ROWS = 256
_SIXTEEN_BIT = ("I;16", "I;16B", "I;16L", "I")


def open_rgb(data: bytes, target: int) -> Image.Image:
    """Decode the first frame of an image as RGB, upright, with transparent parts white.

    Parameters
    ----------
    target
        Required pixels of the longest side: a large JPEG is decoded at a reduced scale of at least
        twice that.

    Raises
    ------
    ArticleError
        It cannot be decoded, has more pixels than Pillow's hard limit, or would need more than 600
        MB of memory.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                whole = _whole(image)
                if image.format == "JPEG":
                    image.draft(None, (2 * target, 2 * target))
                size, added = _PIXEL.get(image.mode, (4, 8))
                if whole + image.width * image.height * (size + added) > _MEMORY:
                    raise Image.DecompressionBombError
                image.load()
                ImageOps.exif_transpose(image, in_place=True)
                return _rgb(image)
    except Image.DecompressionBombError as error:
        msg = "too_many_pixels"
        raise ArticleError(msg) from error
    except _BROKEN as error:
        msg = "not_decodable"
        raise ArticleError(msg) from error


def _whole(image: Image.Image) -> int:
    """Return the bytes that the decoder needs besides the pixels, at any scale."""
    pixels = image.width * image.height
    if image.format == "JPEG" and image.info.get("progressive"):
        return 2 * pixels * len(image.getbands())  # all coefficients
    # Canvases of frames, and a strip, which may be the whole image.
    return {"WEBP": 8, "TIFF": 4}.get(image.format or "", 0) * pixels


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode in _SIXTEEN_BIT or image.mode == "F":
        return Image.fromarray(_eight_bit(np.asarray(image), image.mode)).convert("RGB")
    if image.mode == "P" or "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        whole = image if image.mode == "RGBA" else image.convert("RGBA")
        page = Image.new("RGB", whole.size, _WHITE)
        page.paste(whole, mask=whole)
        return page
    return image if image.mode == "RGB" else image.convert("RGB")


def _eight_bit(values: np.ndarray[Any, Any], mode: str) -> np.ndarray[Any, Any]:
    """Return grey values in 0 to 255, scaled by their own range if the mode does not define one."""
    if mode == "F":
        values = np.nan_to_num(values, nan=0, posinf=0, neginf=0)
    low, high = float(values.min()), float(values.max())
    grey = np.empty(values.shape, np.uint8)
    for start in range(0, len(values), _ROWS):  # intermediate values take eight bytes each
        rows = values[start : start + _ROWS].astype(np.float64)
        if mode == "F" or high > 65535 or low < 0:
            scaled = (rows - low) / (high - low or 1) * 255
        else:
            scaled = rows / (257 if high > 255 else 1)
        grey[start : start + _ROWS] = scaled.round()
    return grey


def squashed(image: Image.Image, size: int) -> np.ndarray[Any, Any]:
    """Return an image squashed to a square, as in the paper; uint8 (size, size, 3)."""
    return np.array(image.resize((size, size), Image.Resampling.BICUBIC))


def fitted(image: Image.Image, size: int, colour: tuple[int, int, int]) -> np.ndarray[Any, Any]:
    """Return an image fitted into a square with its aspect ratio kept; uint8 (size, size, 3).

    Figures are often wide: a center crop would lose panels.
    """
    scale = size / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    square = Image.new("RGB", (size, size), colour)
    inside = image.resize((width, height), Image.Resampling.BICUBIC)
    square.paste(inside, ((size - width) // 2, (size - height) // 2))
    return np.array(square)
