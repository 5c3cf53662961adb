"""An images file of an archive, of which a row group at a time is in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from biomedica_dataset.io.failures import reading
from biomedica_dataset.io.folders import Folder

from .layout import AGAIN

if TYPE_CHECKING:
    from collections.abc import Iterator

ImageId = tuple[int, int, str, str]
"""PMCID, version, file name and MD5 of an image."""


class StoredImages:
    """An images file.

    Parameters
    ----------
    file, path
        The file, open as long as images are to be read, and its name for errors.
    """

    def __init__(self, file: object, path: str) -> None:
        self._path = path
        with reading(path, AGAIN):
            self._parquet = pq.ParquetFile(file, page_checksum_verification=True)
        self._group = -1
        self._bytes: pa.ChunkedArray | None = None

    def entries(self) -> Iterator[tuple[ImageId, int, int]]:
        """Yield each image with its row group and the row in it."""
        columns = ["pmcid", "version", "name", "md5"]
        for group in range(self._parquet.num_row_groups):
            with reading(self._path, AGAIN):
                table = self._parquet.read_row_group(group, columns=columns)
            for row, image in enumerate(zip(*table.to_pydict().values(), strict=True)):
                yield image, group, row

    def read(self, group: int, row: int) -> Any:
        """Return an image where it lies in its row group, which is let go of after its last row."""
        if self._bytes is None or group != self._group:
            self._bytes = None
            with reading(self._path, AGAIN):
                self._bytes = self._parquet.read_row_group(group, columns=["bytes"])["bytes"]
            self._group = group
        data = self._bytes[row].as_buffer()
        if row + 1 == len(self._bytes):
            self._bytes = None
        return data


class ArticleImages(Mapping[str, bytes]):
    """The images of an article by file name, read each time they are asked for.

    Another process that is given them reads them itself.

    Parameters
    ----------
    folder, file
        The archive, and the name of the images file.
    places
        Row group and row in it, by file name.
    size
        Bytes of all.
    stored
        The images file, where it is open already.
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
        """Name the file where it would have to be copied."""
        return _reopened, (self._folder.url, self._file, self._places, self.size)

    def __getitem__(self, name: str) -> bytes:
        """Return the bytes of an image."""
        data: bytes = self._stored.read(*self._places[name]).to_pybytes()
        return data

    def __contains__(self, name: object) -> bool:
        """Whether there is such an image; it is not read."""
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        """Iterate over the file names."""
        return iter(self._places)

    def __len__(self) -> int:
        """Return how many images there are."""
        return len(self._places)


def _reopened(url: str, *arguments: Any) -> ArticleImages:
    return ArticleImages(Folder(url), *arguments)


def open_images(folder: Folder, name: str) -> StoredImages:
    """Open an images file for as long as somebody reads it."""
    with reading(folder.path(name), AGAIN):
        file = folder.open_arrow(name, is_mapped=False)
    return StoredImages(file, folder.path(name))


def images_size(images: Mapping[str, bytes]) -> int:
    """Return the bytes of images of an article, which are not read for that."""
    return images.size if isinstance(images, ArticleImages) else sum(map(len, images.values()))
