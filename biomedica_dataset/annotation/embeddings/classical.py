"""A descriptor without weights: it tries the route where no model can be downloaded.

Its vectors tell stains, radiographs and plots apart by colours and edges. For real labels use a
trained model.
"""

from __future__ import annotations

import hashlib
import inspect
import sys
from typing import Any, ClassVar

import numpy as np

from biomedica_dataset.errors import UsageError
from biomedica_dataset.images.decode import DECODER_VERSION

from .model_id import ModelId

NAME = "classical"

_SIZE, _CELLS = 96, 4
_HUES, _SATURATIONS, _VALUES, _ANGLES = 8, 3, 4, 8
_COLOURS = _HUES * _SATURATIONS * _VALUES + _VALUES  # the last are greys
_MAGNITUDES = (0, 0.01, 0.03, 0.06, 0.12, 0.25, 0.5, 2)
_EDGE = 0.06
_DIM = _COLOURS + _ANGLES + len(_MAGNITUDES) - 1 + 2 * _CELLS**2 + 3

Array = np.ndarray[Any, Any]


class Classical:
    """Turns images into histograms of colours and of gradients, with their layout.

    A vector holds the square roots of three histograms (hue, saturation and value, as in HSV;
    orientations of gradients, as in Dalal and Triggs 2005; their magnitudes), the lightness and the
    share of edges in a grid of four by four, and the shares of white, of black and of colours used.
    """

    colour: ClassVar[tuple[int, int, int]] = (255, 255, 255)

    def __init__(self) -> None:
        code = inspect.getsource(sys.modules[__name__])
        self.id = ModelId(
            name=NAME,
            revision=None,
            weights=hashlib.sha256(code.encode()).hexdigest(),
            dim=_DIM,
            size=_SIZE,
            preprocess="fit",
            mean=None,
            std=None,
            dtype="float32",
            pictures=DECODER_VERSION,
        )

    def encode(self, images: Array) -> Array:
        """Return vectors, float32 (n, d), of images, uint8 (n, size, size, 3).

        Examples
        --------
        >>> Classical().encode(np.zeros((2, 96, 96, 3), np.uint8)).shape
        (2, 150)
        """
        return np.stack([_descriptor(image) for image in images])


def classical(preprocess: str, revision: str | None, decoder: str = "cpu") -> Classical:
    """Return the descriptor.

    Raises
    ------
    UsageError
        It is asked for a preprocessing, a revision or a decoder, which models have.
    """
    if preprocess != "fit" or revision is not None or decoder != "cpu":
        msg = f"{NAME} is not a model: it takes no --preprocess, --revision or --decoder"
        raise UsageError(msg)
    return Classical()


def _descriptor(image: Array) -> Array:
    pixels = image.astype(np.float32) / 255
    high, low, grey = pixels.max(axis=-1), pixels.min(axis=-1), pixels.mean(axis=-1)
    down, across = np.gradient(grey)
    magnitude = 2 * np.hypot(across, down)
    angle = np.minimum(np.arctan2(down, across) % np.pi / np.pi * _ANGLES, _ANGLES - 1)
    turned = np.bincount(angle.astype(int).ravel(), magnitude.ravel(), _ANGLES)
    layout = _grid(grey)
    colours = np.bincount(_colour_bins(pixels).ravel(), minlength=_COLOURS) / grey.size
    steps = np.histogram(magnitude, _MAGNITUDES)[0] / grey.size
    used = len(np.unique((image // 16).reshape(-1, 3), axis=0)) / 500
    parts = (
        2 * np.sqrt(colours),
        np.sqrt(turned / max(turned.sum(), 1e-6)),
        2 * np.sqrt(steps),
        0.3 * (layout - layout.mean()),
        _grid(magnitude > _EDGE),
        [(low > 0.95).mean(), (high < 0.05).mean(), used],
    )
    vector: Array = np.concatenate(parts).astype(np.float32)
    return vector


def _colour_bins(pixels: Array) -> Array:
    """Return the number of the histogram's bin of each pixel."""
    red, green, blue = np.moveaxis(pixels, -1, 0)
    high, low = pixels.max(axis=-1), pixels.min(axis=-1)
    spread = np.maximum(high - low, 1e-6)
    hue = np.select(
        [high == red, high == green],
        [(green - blue) / spread % 6, (blue - red) / spread + 2],
        (red - green) / spread + 4,
    )
    saturation = (high - low) / np.maximum(high, 1e-6)
    hues = np.minimum(hue / 6 * _HUES, _HUES - 1).astype(int)
    saturations = np.minimum(saturation * _SATURATIONS, _SATURATIONS - 1).astype(int)
    values = np.minimum(high * _VALUES, _VALUES - 1).astype(int)
    bins = (hues * _SATURATIONS + saturations) * _VALUES + values
    binned: Array = np.where(saturations == 0, _COLOURS - _VALUES + values, bins)
    return binned


def _grid(plane: Array) -> Array:
    """Return the means of the cells of a plane, row by row."""
    side = plane.shape[0] // _CELLS
    means: Array = plane.reshape(_CELLS, side, _CELLS, side).mean(axis=(1, 3))
    return means.ravel()
