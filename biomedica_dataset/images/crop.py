"""Cuts boxes, in pixels of an image as it is displayed, out of its decoded pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from biomedica_dataset.errors import ArticleError

if TYPE_CHECKING:
    from PIL import Image

Box = tuple[int, int, int, int]
View = tuple[Box, tuple[int, int]]
"""A box, and the size of the whole image."""

_SCALES = (1, 2, 4, 8)  # by which a JPEG can be decoded smaller


def with_margin(box: Sequence[int], margin: float, size: Sequence[int]) -> Box:
    """Return a box with a margin on each side, as far as the image goes.

    Parameters
    ----------
    margin
        In widths of the box to the left and right, and in heights above and below; 0 to 1.
    size
        Width and height of the image as it is displayed.

    Raises
    ------
    ArticleError
        The box is empty, or not within the image.

    Examples
    --------
    >>> with_margin((0, 10, 100, 60), 0.1, (105, 200))
    (0, 5, 105, 65)
    """
    x0, y0, x1, y1 = box
    if not (0 <= x0 < x1 <= size[0] and 0 <= y0 < y1 <= size[1]):
        msg = "box_outside_image"
        raise ArticleError(msg)
    across, down = round((x1 - x0) * margin), round((y1 - y0) * margin)
    return (
        max(0, x0 - across),
        max(0, y0 - down),
        min(size[0], x1 + across),
        min(size[1], y1 + down),
    )


def box_at_scale(box: Box, size: Sequence[int], decoded: Sequence[int]) -> Box:
    """Return where a box is in an image that was decoded whole, or at a reduced scale of JPEG.

    Parameters
    ----------
    size, decoded
        Width and height of the whole image, and as it was decoded; both upright.

    Raises
    ------
    ArticleError
        The whole image has another size.

    Examples
    --------
    >>> box_at_scale((100, 0, 201, 80), (201, 80), (101, 40))
    (50, 0, 100, 40)
    """
    for scale in _SCALES:
        if tuple(decoded) == tuple(math.ceil(side / scale) for side in size):
            x0, y0, x1, y1 = (round(side / scale) for side in box)
            x0, y0 = min(x0, decoded[0] - 1), min(y0, decoded[1] - 1)
            return x0, y0, max(x0 + 1, x1), max(y0 + 1, y1)
    msg = "another_size"
    raise ArticleError(msg)


def crop(image: Image.Image, box: Box, size: Sequence[int]) -> Image.Image:
    """Return the part of an image in a box, as a copy; see `box_at_scale`."""
    return image.crop(box_at_scale(box, size, image.size))


def figure_target(target: int, box: Box, size: Sequence[int]) -> int:
    """Return the pixels to ask of an image so that a part of it has the target.

    Examples
    --------
    >>> figure_target(224, (500, 0, 1000, 400), (1000, 800))
    448
    """
    x0, y0, x1, y1 = box
    return math.ceil(target * min(size) / min(x1 - x0, y1 - y0))
