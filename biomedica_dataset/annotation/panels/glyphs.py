"""Finds connected components that stand alone and have the size of a letter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from biomedica_dataset.extras import require

from .boxes import Box

_DARK, _LIGHT = 110, 190  # grey values of letters on a light and on a dark background
_MOST = 100  # glyphs of an image: the largest
_SHORTEST, _TALLEST = 9, 0.075  # pixels; of the longest side
_WIDEST, _NARROWEST, _EMPTIEST = 1.4, 0.08, 0.12  # width by height; share of its box
_APART = 0.55  # heights between a letter and the next of the same size
_SIMILAR = (0.55, 1.7)  # heights of two letters of one word
_FIRST = 1.6  # heights of a line that its first letter may take
_THIN = 0.45  # width by height of brackets and of "l", which may stand beside a letter


def isolated_glyphs(pixels: np.ndarray[Any, Any]) -> list[Box]:
    """Return the boxes of components without a neighbour of their size, the largest first.

    Parameters
    ----------
    pixels
        BGR, uint8 (height, width, 3).
    """
    cv2 = require("cv2", "panels")
    grey = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_BGR2GRAY)
    found = [
        part
        for mask in (grey < _DARK, grey > _LIGHT)
        for part in _isolated(cv2.connectedComponentsWithStats(mask.astype(np.uint8))[2][1:])
    ]
    boxes = np.array(found, float).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    order = np.argsort(boxes[:, 1] - boxes[:, 3], kind="stable")[:_MOST]
    return [Box(*box) for box in boxes[order].tolist()]


def _isolated(parts: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return x, y, width and height of the parts that stand alone.

    Parameters
    ----------
    parts
        Components as OpenCV describes them: x, y, width, height, area; int32 (n, 5).
    """
    side = max(parts[:, 0].max(initial=0), parts[:, 1].max(initial=0))
    _x, _y, width, height, area = parts.T
    is_letter = (
        (height >= _SHORTEST)
        & (height <= _TALLEST * side)
        & (width <= _WIDEST * height)
        & (width >= np.maximum(2, _NARROWEST * height))
        & (area >= _EMPTIEST * width * height)
    )
    letters = parts[is_letter, :4]
    beside = parts[(height >= _SIMILAR[0] * _SHORTEST) & (width > _THIN * height), :4]
    beside = beside[beside[:, 3] <= _SIMILAR[1] * _TALLEST * side]
    alone = [not _has_neighbour(letter, beside) for letter in letters]
    found: np.ndarray[Any, Any] = letters[np.array(alone, bool)]
    return found


def _has_neighbour(letter: np.ndarray[Any, Any], others: np.ndarray[Any, Any]) -> bool:
    x, y, width, height = letter
    apart = _APART * height
    left, top, wide, high = others.T
    near = (left < x + width + apart) & (left + wide > x - apart)
    near &= (top < y + height) & (top + high > y)
    near &= (high > _SIMILAR[0] * height) & (high < _SIMILAR[1] * height)
    near &= (others != letter).any(1)
    return bool(near.any())


def is_inside(box: Box, lines: Sequence[Box]) -> bool:
    """Whether the center of a box lies in a line of text, behind the first letter of the line."""
    x, y = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    return any(
        line.x0 + _FIRST * (line.y1 - line.y0) < x < line.x1 and line.y0 < y < line.y1
        for line in lines
    )
