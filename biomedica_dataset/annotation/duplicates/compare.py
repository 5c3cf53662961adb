"""Compares the thumbnails of two images, cell by cell: a hash sees layout, not content.

Plots with the same axes have near hashes, and most of their pixels are equal too. So a pair counts
by the share of its cells that are alike among those that have something in them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

from biomedica_dataset.images.decode import open_rgb
from biomedica_dataset.images.windows import WINDOWS

if TYPE_CHECKING:
    from biomedica_dataset.annotation.look.measured import Look

    from .pairs import NearPairs, Numbers

Box = tuple[float, ...]
Window = tuple[float, ...]
Shares = np.ndarray[Any, np.dtype[np.float64]]
Pixels = np.ndarray[Any, np.dtype[np.float32]]

LEAST = 0.85
"""Share of the cells that copies have alike, at least."""

_SIDE, _CELL = 64, 8
_CELLS = _SIDE // _CELL
_CROPS = (0.03, 0.06)  # of the sides: by which windows with near hashes miss each other
_STRUCTURE = 4.0  # grey values by which a cell with something in it deviates
_FLAT = 24.0  # grey values by which empty cells of copies differ, at most
_ALIKE = 0.8  # correlation of cells that are alike
_LEAST_CELLS = 6  # with something in them: fewer tell nothing

_TOGETHER = 100_000  # pairs whose thumbnails are in memory at once


def similarities(
    pairs: NearPairs, thumbnails_of: Callable[[Numbers], Mapping[int, bytes]]
) -> Shares:
    """Return the `similarity` of pairs of images.

    Parameters
    ----------
    thumbnails_of
        Returns the thumbnails of images by their numbers.
    """
    found: Shares = np.zeros(len(pairs.first))
    for start in range(0, len(found), _TOGETHER):
        part = pairs.where(slice(start, start + _TOGETHER))
        images = thumbnails_of(np.concatenate([part.first, part.second]))
        for place, number in enumerate(range(start, start + len(part.first))):
            one, two = (read_thumbnail(images[int(e[place])]) for e in (part.first, part.second))
            own, other = (WINDOWS[int(side[place])] for side in (part.own, part.other))
            mirrored = bool(part.mirrored[place])
            found[number] = similarity(one, two, own, other, mirrored=mirrored)
    return found


def thumbnails(measured: Look, numbers: Numbers) -> dict[int, bytes]:
    """Return the thumbnails of images, which are numbered through the blocks."""
    wanted, start = np.unique(numbers), 0
    found: dict[int, bytes] = {}
    for block in measured.blocks():
        end = start + measured.read(block, ["is_decodable"]).num_rows
        own = wanted[slice(*np.searchsorted(wanted, [start, end]))]
        if len(own):
            column = measured.read(block, ["thumbnail"])["thumbnail"].take(own - start)
            found |= dict(zip(own.tolist(), column.to_pylist(), strict=True))
        start = end
    return found


def read_thumbnail(data: bytes) -> Image.Image:
    """Return a thumbnail as a grey image."""
    return open_rgb(data, _SIDE).convert("L")


def similarity(
    first: Image.Image,
    second: Image.Image,
    own: Window = WINDOWS[0],
    other: Window = WINDOWS[0],
    *,
    mirrored: bool = False,
) -> float:
    """Return the share of the cells of two grey images that are alike, 0 to 1.

    Parameters
    ----------
    own, other
        Windows in which both show the same, to about 5 %.
    mirrored
        Whether the second shows the mirror image.

    Examples
    --------
    >>> noise = np.random.default_rng(0).integers(0, 256, (2, 12, 12), dtype=np.uint8)
    >>> one, two = (Image.fromarray(n).resize((96, 96), Image.Resampling.BICUBIC) for n in noise)
    >>> similarity(one, one.transpose(Image.Transpose.FLIP_LEFT_RIGHT), mirrored=True)
    1.0
    >>> similarity(one, two) < 0.4
    True
    """
    if mirrored:
        second = second.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        other = 1 - other[0] - other[2], *other[1:]
    boxes = _overlap(own, other)
    return alike(*_best(*(_windows(*one) for one in zip((first, second), boxes, strict=True))))


def _overlap(own: Window, other: Window) -> tuple[Box, Box]:
    """Return the box of each image that the other shows too, if both windows show the same."""
    scale = own[2] / other[2]  # sides of the second in the first
    starts = [own[axis] - other[axis] * scale for axis in (0, 1)]
    low = [max(0.0, start) for start in starts]
    high = [min(1.0, start + scale) for start in starts]
    back = [[(end - start) / scale for end, start in zip(ends, starts, strict=True)]
            for ends in (low, high)]  # fmt: skip
    return (*low, *high), (*back[0], *back[1])


def _windows(image: Image.Image, box: Box) -> Pixels:
    """Return a box of an image and crops of it, as squares; float32 (crops, side, side)."""
    left, top, right, bottom = (side * of for side, of in zip(box, image.size * 2, strict=True))
    width, height = right - left, bottom - top
    places = [(0.0, 0.0, 1.0)]
    places += [(x * c, y * c, 1 - c) for c, x, y in product(_CROPS, (0, 0.5, 1), (0, 0.5, 1))]
    return np.stack([
        square(image, (left + x * width, top + y * height,
                        left + (x + s) * width, top + (y + s) * height))
        for x, y, s in places
    ])  # fmt: skip


def square(image: Image.Image, box: tuple[float, float, float, float], side: int = _SIDE) -> Pixels:
    """Return a box of an image as a square of so many pixels, float32."""
    resized = image.resize((side, side), Image.Resampling.BILINEAR, box=box)
    return np.asarray(resized, np.float32)


def _best(windows: Pixels, others: Pixels) -> tuple[Pixels, Pixels]:
    """Return the two that fit best of each with the other's whole image."""
    own, foreign = normal(windows), normal(others)
    crops, back = foreign @ own[0], own @ foreign[0]
    if crops.max() >= back.max():
        return windows[0], others[int(crops.argmax())]
    return windows[int(back.argmax())], others[0]


def normal(squares: Pixels) -> Pixels:
    """Return squares as vectors of mean 0 and length 1, whose products are correlations."""
    flat = squares.reshape(len(squares), -1)
    flat = flat - flat.mean(1, keepdims=True)
    scaled: Pixels = flat / (np.linalg.norm(flat, axis=1, keepdims=True) + 1e-6)
    return scaled


def alike(first: Pixels, second: Pixels) -> float:
    """Return the share of the cells of two squares that are alike, among those that tell.

    The 2 x 2 cells that differ most are left out: there may be a letter.
    """
    (one, mean), (two, other) = _cells(first), _cells(second)
    norms = np.linalg.norm(one, axis=1), np.linalg.norm(two, axis=1)
    is_told = np.maximum(*norms) >= _STRUCTURE * _CELL
    correlation = (one * two).sum(1) / np.maximum(np.prod(norms, axis=0), 1e-6)
    shift = mean - other
    is_level = np.abs(shift - np.median(shift)) <= _FLAT
    is_wrong = np.where(is_told, correlation < _ALIKE, ~is_level).reshape(_CELLS, _CELLS)
    is_counted = is_told.reshape(_CELLS, _CELLS) | is_wrong
    wrong = sliding_window_view(is_wrong, (2, 2)).sum((2, 3))
    row, column = divmod(int(wrong.argmax()), _CELLS - 1)
    is_counted[row : row + 2, column : column + 2] = False
    count = int(is_counted.sum())
    return 1 - float(is_wrong[is_counted].sum() / count) if count >= _LEAST_CELLS else 0.0


def _cells(square: Pixels) -> tuple[Pixels, Pixels]:
    """Return the cells of a square around their means, float32 (cells, pixels), and the means."""
    cells = square.reshape(_CELLS, _CELL, _CELLS, _CELL).swapaxes(1, 2).reshape(_CELLS**2, -1)
    means = cells.mean(1)
    return cells - means[:, None], means
