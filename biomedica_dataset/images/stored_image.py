"""A value of the column ``image`` whose bytes stay where they are until they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class StoredImage(Mapping[str, Any]):
    """A value of the column ``image``, whose bytes are read from the source on access.

    Parameters
    ----------
    path
        File name.
    size
        Bytes.
    images
        By file name.
    """

    __slots__ = ("_images", "path", "size")

    def __init__(self, path: str, size: int, images: Mapping[str, bytes]) -> None:
        self.path, self.size, self._images = path, size, images

    def __getitem__(self, name: str) -> Any:
        """Return ``bytes`` or ``path``."""
        if name == "bytes":
            return self._images[self.path]
        if name == "path":
            return self.path
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the parts."""
        return iter(("bytes", "path"))

    def __len__(self) -> int:
        return 2


def image_length(image: Mapping[str, Any] | None) -> int:
    """Return the size of an image in bytes, reading it only if its size is unknown."""
    if image is None:
        return 0
    return image.size if isinstance(image, StoredImage) else len(image["bytes"])
