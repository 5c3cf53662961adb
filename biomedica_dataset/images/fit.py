"""Brings decoded images to the size that a model takes."""

from __future__ import annotations

from typing import Any

import numpy as np

from biomedica_dataset.extras import require

Pixels = np.ndarray[Any, Any]


def squashed(pixels: Pixels, size: int) -> Pixels:
    """Return an image squashed to a square, as in the paper; uint8 (size, size, 3)."""
    return fit_planes(as_planes(pixels), size, None)


def fitted(pixels: Pixels, size: int, colour: tuple[int, int, int]) -> Pixels:
    """Return an image fitted into a square with its aspect ratio kept; uint8 (size, size, 3).

    Figures are often wide: a center crop would lose panels.
    """
    return fit_planes(as_planes(pixels), size, colour)


def as_planes(pixels: Pixels) -> Any:
    """Return an image (height, width, 3) as a tensor (3, height, width) of the same memory."""
    return require("torch", "embed").from_numpy(pixels).permute(2, 0, 1)


def fit_planes(planes: Any, size: int, colour: tuple[int, int, int] | None) -> Pixels:
    """Return an image fitted into a square, uint8 (size, size, 3).

    Parameters
    ----------
    planes
        (3, height, width) on any device, of bytes, or of their numbers as floats: a GPU resizes no
        bytes.
    colour
        Of the parts of the square beside it; ``None`` squashes the image instead.
    """
    if colour is None:
        return _resized(planes, size, size)
    scale = size / max(planes.shape[1:])
    height, width = (max(1, round(side * scale)) for side in planes.shape[1:])
    square = np.full((size, size, 3), colour, np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    square[top : top + height, left : left + width] = _resized(planes, height, width)
    return square


def _resized(planes: Any, height: int, width: int) -> Pixels:
    """Return an image at another size, bicubic and antialiased.

    torch uses the vector instructions of the processor on bytes, and gives Pillow's pixels to
    within one.
    """
    torch = require("torch", "embed")
    resized = torch.nn.functional.interpolate(
        planes[None], size=(height, width), mode="bicubic", antialias=True
    )
    if resized.is_floating_point():
        resized = resized.round().clamp(0, 255).to(torch.uint8)
    made: Pixels = resized[0].permute(1, 2, 0).cpu().numpy()
    return made
