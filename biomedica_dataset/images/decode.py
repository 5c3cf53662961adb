"""Decodes untrusted images for models, measures and thumbnails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import simplejpeg
from PIL import Image

from biomedica_dataset.errors import ArticleError

from .probe import read_image
from .side_data import declared_maximum, orientation, scans

Pixels = np.ndarray[Any, Any]

DECODER_VERSION = 3
"""Raise this when decoding gives other pixels: vectors of different versions are not comparable."""

_WHITE = (255, 255, 255)
_MEMORY = 1100 * 2**20
"""Memory limit for decoding one image, in bytes; Pillow itself limits only the pixels."""

_SCANS = 32
"""Limit of scans of a JPEG: encoders write up to 24, and each costs as much as the first."""

_SCANNED = 2**30
"""Limit of pixels times scans."""

# Bytes per pixel by mode, as Pillow keeps it; the pixels that are returned take three more.
_PIXEL = {"L": 1, "1": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2}
_RETURNED = 3
_BAND = 1 << 20
"""Pixels converted at once: intermediate values take up to 16 bytes each."""

_SIXTEEN_BIT = ("I;16", "I;16B", "I;16L", "I")
_DEPTHS = (8, 10, 12, 14, 16)
_TURNS: dict[int | None, tuple[Image.Transpose, Callable[[Pixels], Pixels]]] = {
    2: (Image.Transpose.FLIP_LEFT_RIGHT, np.fliplr),
    3: (Image.Transpose.ROTATE_180, partial(np.rot90, k=2)),
    4: (Image.Transpose.FLIP_TOP_BOTTOM, np.flipud),
    5: (Image.Transpose.TRANSPOSE, partial(np.swapaxes, axis1=0, axis2=1)),
    6: (Image.Transpose.ROTATE_270, partial(np.rot90, k=3)),
    7: (Image.Transpose.TRANSVERSE, lambda pixels: np.rot90(pixels, k=2).swapaxes(0, 1)),
    8: (Image.Transpose.ROTATE_90, np.rot90),
}
"""How to turn an image of Pillow, and an array, by EXIF's orientation."""


def decode_rgb(data: bytes, target: int) -> Pixels:
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
        It cannot be decoded, has more pixels than Pillow's hard limit, would need more than 1.1 GB
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
    check_cost(image, data)
    image.draft(None, (1, 1))
    image.load()


def _decoded(image: Image.Image, data: bytes, target: int) -> Pixels:
    maximum = declared_maximum(image, data)
    turn = _TURNS.get(orientation(image, data))
    check_cost(image, data, target, is_turned=turn is not None)
    pixels = _jpeg_pixels(image, data)
    if pixels is None:
        pixels = _rgb_pixels(image, maximum)
    return pixels if turn is None else np.ascontiguousarray(turn[1](pixels))


def _jpeg_pixels(image: Image.Image, data: bytes) -> Pixels | None:
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
    check_cost(image, data, is_turned=turn is not None)
    image.load()
    return image if turn is None else image.transpose(turn[0])


def check_cost(
    image: Image.Image, data: bytes, target: int | None = None, *, is_turned: bool = False
) -> None:
    """Refuse an image that takes too much memory or time, at the scale that a target allows."""
    whole = _whole(image)
    if image.format in ("JPEG", "MPO"):
        count = scans(data)
        if count > _SCANS or count * image.width * image.height > _SCANNED:
            msg = "too_many_scans"
            raise ArticleError(msg)
        if target is not None:
            image.draft(None, (2 * target, 2 * target))
    kept = _PIXEL.get(image.mode, 4)
    each = kept + _RETURNED + (max(kept, _RETURNED) if is_turned else 0)
    if whole + image.width * image.height * each > _MEMORY:
        raise Image.DecompressionBombError


def _whole(image: Image.Image) -> int:
    """Return the bytes that the decoder needs besides the pixels, at any scale."""
    pixels = image.width * image.height
    if image.info.get("progressive"):
        return 2 * pixels * len(image.getbands())  # all coefficients
    # Canvases of frames, and a strip, which may be the whole image.
    return {"WEBP": 8, "TIFF": 4}.get(image.format or "", 0) * pixels


def _rgb_pixels(image: Image.Image, maximum: int) -> Pixels:
    """Convert band by band: as a whole, each step would hold all pixels once more."""
    image.load()
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    is_deep = image.mode in _SIXTEEN_BIT or image.mode == "F"
    low, high = _grey_range(image, maximum) if is_deep else (0, 255)
    for top, band in _bands(image):
        rows = _eight_bit(band, low, high)[..., None] if is_deep else np.asarray(_rgb(band))
        pixels[top : top + band.height] = rows
    return pixels


def _bands(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    rows = max(1, _BAND // image.width)
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "P" or "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        whole = image if image.mode == "RGBA" else image.convert("RGBA")
        page = Image.new("RGB", whole.size, _WHITE)
        page.paste(whole, mask=whole)
        return page
    return image if image.mode == "RGB" else image.convert("RGB")


def _grey_range(image: Image.Image, maximum: int) -> tuple[float, float]:
    """Return the values shown black and white: the image's own if its mode defines none."""
    found = [(values.min(), values.max()) for values in (_grey(band) for _, band in _bands(image))]
    low, high = float(min(low for low, _ in found)), float(max(high for _, high in found))
    if image.mode != "F" and low >= 0 and high < 2**16:
        largest = max(high, maximum)
        return 0, next(2**bits - 1 for bits in _DEPTHS if largest < 2**bits)
    return low, high


def _grey(image: Image.Image) -> Pixels:
    values = np.asarray(image)
    return np.nan_to_num(values, nan=0, posinf=0, neginf=0) if image.mode == "F" else values


def _eight_bit(image: Image.Image, low: float, high: float) -> Pixels:
    """Return grey values in 0 to 255."""
    values = _grey(image).astype(np.float64)
    return ((values - low) / (high - low or 1) * 255).round().astype(np.uint8)
