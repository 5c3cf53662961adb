"""Reads an images file of an archive, one row group in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from biomedica_dataset.io.failures import reading
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.io.tables import CheckedFile

from .layout import AGAIN, images_columns

_IDS = ("pmcid", "version", "name", "md5")

ImageId = tuple[int, int, str, str]
"""PMCID, version, file name and MD5 of an image."""


class StoredImages:
    """An images file.

    Parameters
    ----------
    file, path
        The open file, and its name for errors.
    """

    def __init__(self, file: Any, path: str) -> None:
        self._path = path
        with reading(path, AGAIN):
            self._parquet = pq.ParquetFile(file, page_checksum_verification=True)
            size = file.seek(0, 2)
            CheckedFile(self._parquet.metadata, size, images_columns())
            ids = {name: images_columns()[name] for name in _IDS}
            self._ids, self._file = CheckedFile(self._parquet.metadata, size, ids), file
        self._group = -1
        self._bytes: pa.ChunkedArray | None = None

    def entries(self) -> Iterator[tuple[ImageId, int, int]]:
        """Yield each image with its row group and its row in the group."""
        for group in range(self._parquet.num_row_groups):
            with reading(self._path, AGAIN):
                table = self._ids.read(self._file, group)
            for row, image in enumerate(zip(*table.to_pydict().values(), strict=True)):
                yield image, group, row

    def read(self, group: int, row: int) -> Any:
        """Return an image; its row group is released after the last row."""
        if self._bytes is None or group != self._group:
            self._bytes = None
            with reading(self._path, AGAIN):
                self._bytes = self._parquet.read_row_group(group, columns=["bytes"])["bytes"]
                if self._bytes.null_count:
                    msg = f"row group {group} lacks bytes of an image"
                    raise ValueError(msg)
            self._group = group
        data = self._bytes[row].as_buffer()
        if row + 1 == len(self._bytes):
            self._bytes = None
        return data


class ArticleImages(Mapping[str, bytes]):
    """The images of an article by file name, read on each access.

    After pickling, another process reads them itself.

    Parameters
    ----------
    folder, file
        The archive, and the name of the images file.
    places
        Row group and row in it, by file name.
    size
        Total bytes of the images.
    stored
        The images file, if it is already open.
    """

    def __init__(
        self,
        folder: Folder,
        file: str,
        places: Mapping[str, tuple[int, int]],
        size: int,
        stored: StoredImages | None = None,
    ) -> None:
        self._folder, self._file, self._places, self.size = folder, file, places, size
        self._stored = stored or open_images(folder, file)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the location of the images, not their bytes."""
        return _reopened, (self._folder.url, self._file, self._places, self.size)

    def __getitem__(self, name: str) -> bytes:
        """Return the bytes of an image."""
        data: bytes = self._stored.read(*self._places[name]).to_pybytes()
        return data

    def __contains__(self, name: object) -> bool:
        """Whether the image exists, without reading it."""
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        """Iterate over the file names."""
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _reopened(url: str, *arguments: Any) -> ArticleImages:
    return ArticleImages(Folder(url), *arguments)


def open_images(folder: Folder, name: str) -> StoredImages:
    """Open an images file."""
    with reading(folder.path(name), AGAIN):
        file = folder.open_arrow(name, is_mapped=False)
    return StoredImages(file, folder.path(name))


def images_size(images: Mapping[str, bytes]) -> int:
    """Return the total bytes of an article's images, without reading stored ones."""
    return images.size if isinstance(images, ArticleImages) else sum(map(len, images.values()))
