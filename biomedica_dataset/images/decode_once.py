"""Decodes an image at several scales, and only once at each."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from .decode import decode_rgb
from .probe import read_image

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

    Pixels = np.ndarray[Any, np.dtype[np.uint8]]


class ImageDecoder:
    """The pixels of one image for whoever needs them.

    A JPEG has other pixels at another scale, and is decoded for each; any other image has one
    scale.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._by_size: dict[tuple[int, int], Pixels] = {}

    def rgb(self, target: int) -> Pixels:
        """Return what `decode_rgb` does; not to be changed.

        Raises
        ------
        ArticleError
            See `decode_rgb`.

        Examples
        --------
        >>> import io
        >>> from PIL import Image
        >>> file = io.BytesIO()
        >>> Image.new("RGB", (800, 600)).save(file, "JPEG")
        >>> decoder = ImageDecoder(file.getvalue())
        >>> decoder.rgb(100).shape, decoder.rgb(224).shape
        ((300, 400, 3), (600, 800, 3))
        >>> decoder.rgb(224) is decoder.rgb(300)
        True
        """
        size = read_image(self._data, partial(_size, target=target), "not_decodable")
        if size not in self._by_size:
            self._by_size[size] = decode_rgb(self._data, target)
        return self._by_size[size]


def _size(image: Image.Image, _data: bytes, target: int) -> tuple[int, int]:
    """Return the size at which `decode_rgb` decodes."""
    if image.format in ("JPEG", "MPO"):
        image.draft(None, (2 * target, 2 * target))
    return image.size
