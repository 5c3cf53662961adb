"""Cuts boxes, in pixels of an image as it is displayed, out of its decoded pixels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from biomedica_dataset.errors import ArticleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from PIL import Image

Box = tuple[int, int, int, int]
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


def crop(image: Image.Image, box: Box, size: Sequence[int]) -> Image.Image:
    """Return the part of an image in a box, as a copy.

    Parameters
    ----------
    image
        Upright, whole or as a JPEG is decoded at a reduced scale.
    box, size
        In pixels of the whole image.

    Raises
    ------
    ArticleError
        The image has another size at every scale.
    """
    if image.size == tuple(size):
        return image.crop(box)
    for scale in _SCALES:
        if image.size == tuple(math.ceil(side / scale) for side in size):
            x0, y0, x1, y1 = (round(side / scale) for side in box)
            x0, y0 = min(x0, image.width - 1), min(y0, image.height - 1)
            return image.crop((x0, y0, max(x0 + 1, x1), max(y0 + 1, y1)))
    msg = "another_size"
    raise ArticleError(msg)


def figure_target(target: int, boxes: Iterable[Box], size: Sequence[int]) -> int:
    """Return the pixels to ask of an image so that each of its parts has the target.

    Examples
    --------
    >>> figure_target(224, [(0, 0, 500, 400), (500, 0, 1000, 400)], (1000, 800))
    448
    """
    least = min(min(x1 - x0, y1 - y0) for x0, y0, x1, y1 in boxes)
    return math.ceil(target * min(size) / least)
