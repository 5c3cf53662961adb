"""Brings decoded images to the size that a model takes."""

from __future__ import annotations

from typing import Any

import numpy as np

from biomedica_dataset.extras import require

Pixels = np.ndarray[Any, Any]


def squashed(pixels: Pixels, size: int) -> Pixels:
    """Return an image squashed to a square, as in the paper; uint8 (size, size, 3)."""
    return _resized(pixels, size, size)


def fitted(pixels: Pixels, size: int, colour: tuple[int, int, int]) -> Pixels:
    """Return an image fitted into a square with its aspect ratio kept; uint8 (size, size, 3).

    Figures are often wide: a center crop would lose panels.
    """
    scale = size / max(pixels.shape[:2])
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    square = np.full((size, size, 3), colour, np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    square[top : top + height, left : left + width] = _resized(pixels, height, width)
    return square


def _resized(pixels: Pixels, height: int, width: int) -> Pixels:
    """Return an image at another size, bicubic and antialiased.

    torch uses the vector instructions of the processor on bytes, and gives Pillow's pixels to
    within one.
    """
    torch = require("torch", "embed")
    planes = torch.from_numpy(pixels).permute(2, 0, 1)[None]
    resized = torch.nn.functional.interpolate(
        planes, size=(height, width), mode="bicubic", antialias=True
    )
    made: Pixels = resized[0].permute(1, 2, 0).numpy()
    return made
