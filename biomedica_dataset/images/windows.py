"""Perceptual hashes of an image and of windows in it, by which crops and lettered copies are found.

A hash of 64 bits has the signs of the lowest frequencies of a cosine transform. It stays nearly the
same in another size or quality; mirroring inverts the bits of its odd columns. A crop is near the
window of the original that it shows, and a copy with an added letter near it in a window without.

The sides of the centred windows are powers of one ratio whose exponents differ by 1 to 6, each
once, so that four windows find crops of six scales.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

Hashes = np.ndarray[Any, np.dtype[np.uint64]]
Matrix = np.ndarray[Any, np.dtype[np.float32]]


_RATIO = 0.95
_CENTRED = [_RATIO**power for power in (0, 1, 4, 6)]
_CORNER = _RATIO**4
WINDOWS = [
    *(((1 - side) / 2, (1 - side) / 2, side) for side in _CENTRED),
    *((x, y, _CORNER) for x in (0.0, 1 - _CORNER) for y in (0.0, 1 - _CORNER)),
]
"""Left, top and side of each window, as shares of the width and the height; the first is all."""

NONE = np.uint64(0)
"""Instead of the hash of a window in which there is nothing, which would be chance."""

_SIDE = 64  # pixels of the square that is hashed
_SAMPLES = 32  # of a window
_LOWEST = 11  # frequencies of a direction
_BITS = 64
_LEAST = 2.0**2  # variance of the grey values of a window that is not blank


def hash_windows(grey: Image.Image) -> Hashes:
    """Return the hash of each of `WINDOWS`, or `NONE`; uint64 (windows,)."""
    square = np.asarray(grey.resize((_SIDE, _SIDE), Image.Resampling.BOX), np.float32)
    transforms, both = _transforms()
    # One product a window: BLAS starts threads for larger ones, which cost more than they help.
    down = transforms @ square
    rows, columns = _frequencies()
    values = np.stack([(down[y] @ transforms[x].T)[rows, columns] for x, y in both])
    hashes: Hashes = np.packbits(values >= 0, axis=1).view(">u8").astype(np.uint64).ravel()
    hashes[np.square(values).sum(1) < _SAMPLES**2 * _LEAST] = NONE
    return hashes


def unpacked(windows: Iterable[bytes]) -> Hashes:
    """Return the hashes of images, stored as bytes; uint64 (images, windows)."""
    return np.frombuffer(b"".join(windows), np.uint64).reshape(-1, len(WINDOWS))


def mirrored(hashes: Hashes) -> Hashes:
    """Return the hashes of the mirror images, each of the window on the other side.

    Examples
    --------
    >>> hashes = hash_windows(Image.linear_gradient("L").rotate(90))
    >>> int(mirrored(mirrored(hashes))[0] ^ hashes[0]), bool(mirrored(hashes)[0] == hashes[0])
    (0, False)
    """
    return hashes ^ _odd_columns()


def upright(hashes: Hashes) -> tuple[Hashes, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Return hashes that an image and its mirror image share, and which were mirrored for it."""
    is_left = (hashes & np.uint64(1 << (_BITS - 1 - _first_odd()))) == 0
    return np.where(is_left, mirrored(hashes), hashes), is_left


@cache
def _frequencies() -> tuple[Any, Any]:
    """Return rows and columns of the lowest frequencies, without the mean."""
    places = sorted((r + c, r, c) for r in range(_LOWEST) for c in range(_LOWEST))[1 : _BITS + 1]
    _, rows, columns = zip(*places, strict=True)
    return np.array(rows), np.array(columns)


@cache
def _first_odd() -> int:
    """Return the place of the lowest frequency across, which tells left from right."""
    rows, columns = _frequencies()
    return int(np.flatnonzero((rows == 0) & (columns == 1))[0])


@cache
def _odd_columns() -> np.uint64:
    """Return the bits that mirroring inverts."""
    bits = np.packbits(_frequencies()[1] % 2)
    return np.uint64(bits.view(">u8")[0])


@cache
def _transforms() -> tuple[Matrix, list[tuple[int, int]]]:
    """Return the transforms of all spans of windows, and which two are those of each window."""
    from scipy.fft import dct

    spans = sorted({(start, side) for x, y, side in WINDOWS for start in (x, y)})
    edges = np.arange(_SIDE + 1) / _SIDE
    made = []
    for start, side in spans:
        ends = start + side * np.arange(_SAMPLES + 1) / _SAMPLES
        covered = np.clip(edges[None] - ends[:-1, None], 0, side / _SAMPLES)
        weights = np.diff(covered, axis=1) * (_SAMPLES / side)  # mean of the pixels of a sample
        made.append(dct(weights, axis=0, norm="ortho")[:_LOWEST])
    both = [(spans.index((x, side)), spans.index((y, side))) for x, y, side in WINDOWS]
    return np.stack(made).astype(np.float32), both
