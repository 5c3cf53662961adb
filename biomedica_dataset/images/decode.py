"""Decodes untrusted images for models, measures and thumbnails."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import simplejpeg
from PIL import Image

from biomedica_dataset.errors import ArticleError

from .probe import read_image
from .side_data import declared_maximum, orientation, scans

DECODER_VERSION = 3
"""Raise this when decoding gives other pixels: vectors of different versions are not comparable."""

_WHITE = (255, 255, 255)
_MEMORY = 600 * 2**20
"""Memory limit for decoding one image, in bytes; Pillow itself limits only the pixels."""

_SCANS = 32
"""Limit of scans of a JPEG: encoders write up to 24, and each costs as much as the first."""

_SCANNED = 2**30
"""Limit of pixels times scans."""

# Bytes per pixel by mode, and additional bytes for the conversion to RGB.
_PIXEL = {
    "RGB": (4, 0), "RGBA": (4, 4), "CMYK": (4, 4), "L": (1, 4), "1": (1, 4), "P": (1, 8),
    "I;16": (2, 8), "I;16B": (2, 8), "I;16L": (2, 8), "I": (4, 10), "F": (4, 10),
}  # fmt: skip
_ROWS = 256
_SIXTEEN_BIT = ("I;16", "I;16B", "I;16L", "I")
_DEPTHS = (8, 10, 12, 14, 16)
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90,
}  # fmt: skip


def decode_rgb(data: bytes, target: int) -> np.ndarray[Any, Any]:
    """Decode the first frame of an image as RGB, upright, with transparent parts white.

    Grey values of 16 bits are shown over the least of 8, 10, 12, 14 and 16 bits that has the
    largest of them and the largest that the file declares.

    Parameters
    ----------
    target
        Required pixels of the longest side: a large JPEG is decoded at a reduced scale of at least
        twice that.

    Returns
    -------
    numpy.ndarray
        uint8 (height, width, 3).

    Raises
    ------
    ArticleError
        It cannot be decoded, has more pixels than Pillow's hard limit, would need more than 600 MB
        of memory, or is a JPEG of too many scans.
    """
    return read_image(data, partial(_decoded, target=target), "not_decodable")


def open_rgb(data: bytes, target: int) -> Image.Image:
    """Decode an image as `decode_rgb` does, to an image of Pillow."""
    return Image.fromarray(decode_rgb(data, target))


def open_upright(data: bytes) -> Image.Image:
    """Decode the first frame of an image in its own mode, upright, as `open_rgb` does."""
    return read_image(data, _upright, "not_decodable")


def decoding_problem(data: bytes) -> str | None:
    """Return why an image cannot be decoded; ``None`` if it can.

    A JPEG is decoded at an eighth of its scale, which reads all of its bytes.
    """
    try:
        read_image(data, _checked, "not_decodable")
    except ArticleError as error:
        return str(error)
    return None


def _checked(image: Image.Image, data: bytes) -> None:
    _check_cost(image, data)
    image.draft(None, (1, 1))
    image.load()


def _decoded(image: Image.Image, data: bytes, target: int) -> np.ndarray[Any, Any]:
    maximum = declared_maximum(image, data)
    turn = _TURNS.get(orientation(image, data))
    _check_cost(image, data, target)
    pixels = _jpeg_pixels(image, data)
    if pixels is None:
        pixels = np.array(_rgb(image, maximum))
    return pixels if turn is None else np.array(Image.fromarray(pixels).transpose(turn))


def _jpeg_pixels(image: Image.Image, data: bytes) -> np.ndarray[Any, Any] | None:
    """Return the pixels of a JPEG at the scale of its draft; ``None`` if only Pillow reads it.

    These are Pillow's pixels: both use libjpeg-turbo, and Pillow copies each row twice more.
    """
    if image.format != "JPEG" or image.mode not in ("RGB", "L"):
        return None
    try:
        found = simplejpeg.decode_jpeg(
            data, "RGB", min_height=image.height, min_width=image.width, strict=True
        )
    except ValueError:  # also for what is only a warning to Pillow
        return None
    return found if found.shape[:2] == (image.height, image.width) else None


def _upright(image: Image.Image, data: bytes) -> Image.Image:
    turn = _TURNS.get(orientation(image, data))
    _check_cost(image, data)
    image.load()
    return image if turn is None else image.transpose(turn)


def _check_cost(image: Image.Image, data: bytes, target: int | None = None) -> None:
    """Refuse an image that takes too much memory or time, at the scale that a target allows."""
    whole = _whole(image)
    if image.format in ("JPEG", "MPO"):
        count = scans(data)
        if count > _SCANS or count * image.width * image.height > _SCANNED:
            msg = "too_many_scans"
            raise ArticleError(msg)
        if target is not None:
            image.draft(None, (2 * target, 2 * target))
    size, added = _PIXEL.get(image.mode, (4, 8))
    if whole + image.width * image.height * (size + added) > _MEMORY:
        raise Image.DecompressionBombError


def _whole(image: Image.Image) -> int:
    """Return the bytes that the decoder needs besides the pixels, at any scale."""
    pixels = image.width * image.height
    if image.info.get("progressive"):
        return 2 * pixels * len(image.getbands())  # all coefficients
    # Canvases of frames, and a strip, which may be the whole image.
    return {"WEBP": 8, "TIFF": 4}.get(image.format or "", 0) * pixels


def _rgb(image: Image.Image, maximum: int) -> Image.Image:
    if image.mode in _SIXTEEN_BIT or image.mode == "F":
        grey = _eight_bit(np.asarray(image), image.mode, maximum)
        return Image.fromarray(grey).convert("RGB")
    if image.mode == "P" or "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        whole = image if image.mode == "RGBA" else image.convert("RGBA")
        page = Image.new("RGB", whole.size, _WHITE)
        page.paste(whole, mask=whole)
        return page
    return image if image.mode == "RGB" else image.convert("RGB")


def _eight_bit(values: np.ndarray[Any, Any], mode: str, maximum: int) -> np.ndarray[Any, Any]:
    """Return grey values in 0 to 255, scaled by their own range if the mode does not define one."""
    if mode == "F":
        values = np.nan_to_num(values, nan=0, posinf=0, neginf=0)
    low, high = float(values.min()), float(values.max())
    if mode != "F" and low >= 0 and high < 2**16:
        largest = max(high, maximum)
        low, high = 0, next(2**bits - 1 for bits in _DEPTHS if largest < 2**bits)
    grey = np.empty(values.shape, np.uint8)
    for start in range(0, len(values), _ROWS):  # intermediate values take eight bytes each
        rows = values[start : start + _ROWS].astype(np.float64)
        grey[start : start + _ROWS] = ((rows - low) / (high - low or 1) * 255).round()
    return grey
