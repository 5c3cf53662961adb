"""The files of an archive: per block one of articles, which is its ledger, and one of images.

::

    archive/
      archive.json                     source, selection, width, format version: written once
      images/<block>-<digest>.parquet  images as they came
      articles/<block>.parquet         a row per article version in the inventory; renamed into place last

The articles file alone makes a block valid: its metadata holds the digest of the block's part of the inventory, what
was wanted, and the name and SHA-256 of its images file. Images that no articles file names are swept.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from ..errors import ArchiveError, UsageError
from ..storage import Folder
from .selection import Selection

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    import pyarrow as pa

FORMAT_VERSION = 1
ARTICLE_STATUSES = ("kept", "rejected", "unavailable", "corrupt", "too_large")
"""Statuses of an article version and of an image: kept, or why not, in one word."""

_HEADER = b"biomedica_block"
_HEADER_FILE = "archive.json"
REPORT = "report.json"


@dataclass(frozen=True, slots=True)
class ImageEntry:
    """One graphic that an article calls for, and what became of it.

    Parameters
    ----------
    href
        How the document calls it; ``None`` where it gives no name.
    name, md5, size
        The file of the article version that was matched, if any.
    reason
        More words on any status but kept.
    """

    href: str | None
    name: str | None = None
    md5: str | None = None
    size: int | None = None
    status: str = "kept"
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One article version of the inventory, and what became of it.

    Parameters
    ----------
    etag
        What the inventory says.
    metadata, metadata_md5
        The metadata JSON as read, which may be newer than the inventory.
    xml
        The document, unchanged, wherever it was fetched whole.
    images
        An entry per graphic, in document order.
    """

    pmcid: int
    version: int
    etag: str
    status: str
    reason: str | None = None
    metadata: bytes | None = None
    metadata_md5: str | None = None
    xml: bytes | None = None
    images: list[ImageEntry] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Such as ``PMC13900.1``."""
        return f"PMC{self.pmcid}.{self.version}"

    @property
    def newer(self) -> bool:
        """Whether the metadata is newer than the inventory says."""
        return self.metadata_md5 is not None and self.metadata_md5 != self.etag


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """What the metadata of an articles file says.

    Parameters
    ----------
    inventory, wants
        Digests of the block's (key, ETag) list and of what was wanted.
    images_file, images_sha256
        Name of the images file and its digest; ``None`` where the block has no image.
    counts
        Articles and figures by ``status`` or ``status: reason``.
    """

    inventory: str
    wants: str
    images_file: str | None
    images_sha256: str | None
    counts: dict[str, dict[str, int]]

    def dropped_for_now(self) -> bool:
        """Whether something was unavailable or corrupt, which another try may mend."""
        words = {key.partition(":")[0] for group in self.counts.values() for key in group}
        return bool(words & {"unavailable", "corrupt"})


class Archive:
    """An archive in a folder.

    Parameters
    ----------
    folder
        Where it lies.
    header
        The content of its ``archive.json``.
    """

    def __init__(self, folder: Folder, header: dict[str, Any]) -> None:
        self.folder = folder
        self.source: str = header["source"]
        self.width: int = header["width"]
        self.selection = Selection.from_json(header["selection"])

    @classmethod
    def open(cls, url: str | os.PathLike[str]) -> Archive:
        """Open an archive that is there.

        Raises
        ------
        UsageError
            The folder holds none, or one of another format version.
        """
        archive = cls.find(Folder(url))
        if archive is None:
            msg = f"{url} is no archive: it has no {_HEADER_FILE}; `biomedica extract` makes one"
            raise UsageError(msg)
        return archive

    @classmethod
    def find(cls, folder: Folder) -> Archive | None:
        """Return the archive in a folder, or ``None`` where the folder has none."""
        if not folder.exists(_HEADER_FILE):
            return None
        try:
            header = json.loads(folder.read_bytes(_HEADER_FILE))
            version = header["format_version"]
            if version == FORMAT_VERSION:
                return cls(folder, header)
        except (ValueError, KeyError, TypeError) as error:
            msg = f"{folder.path(_HEADER_FILE)} cannot be read: {error!r}"
            raise ArchiveError(msg) from error
        msg = f"{folder.url} has archive format {version}; this package reads {FORMAT_VERSION}"
        raise UsageError(msg)

    @classmethod
    def create(cls, folder: Folder, source: str, selection: Selection, width: int) -> Archive:
        """Start an archive in an empty folder."""
        header = {
            "format_version": FORMAT_VERSION,
            "source": source,
            "selection": selection.as_json(),
            "width": width,
        }
        folder.write_bytes(_HEADER_FILE, json.dumps(header, indent=1).encode())
        return cls(folder, header)

    def inventory_date(self) -> str | None:
        """Return the date of the inventory that the last finished run agreed with, if it read one."""
        if not self.folder.exists(REPORT):
            return None
        date: str | None = json.loads(self.folder.read_bytes(REPORT))["inventory"]
        return date

    def blocks(self) -> list[int]:
        """Return the numbers of the valid blocks, ascending."""
        return sorted(
            int(name.removesuffix(".parquet"))
            for name in self.folder.names("articles")
            if name.endswith(".parquet")
        )

    def header(self, block: int) -> BlockHeader:
        """Return what the articles file of a block says of it.

        Raises
        ------
        ArchiveError
            The file is broken.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        name = articles_name(block)
        try:
            with self.folder.open(name) as file:
                stored = json.loads(pq.read_metadata(file).metadata[_HEADER])
            return BlockHeader(**stored)
        except (pa.ArrowInvalid, OSError, KeyError, ValueError, TypeError) as error:
            msg = f"{self.folder.path(name)} cannot be read: {error}. Remove it and extract again."
            raise ArchiveError(msg) from error

    def remove(self, block: int) -> None:
        """Remove a block whose articles have all gone from the inventory."""
        self.folder.remove(articles_name(block))
        self.sweep_images(block, None)

    def sweep_images(self, block: int, keep: str | None) -> None:
        """Remove the images files of a block that its articles file does not name."""
        for name in self.folder.names("images"):
            if name.startswith(f"{block:07d}-") and f"images/{name}" != keep:
                self.folder.remove(f"images/{name}")

    def rows(self, block: int) -> Iterator[LedgerRow]:
        """Yield the ledger rows of a block, in order, a few at a time in memory."""
        import pyarrow.parquet as pq

        with self.folder.open(articles_name(block)) as file:
            for batch in pq.ParquetFile(file).iter_batches(batch_size=32):
                for row in batch.to_pylist():
                    row["images"] = [ImageEntry(**entry) for entry in row["images"]]
                    yield LedgerRow(**row)

    def images(self, block: int) -> Iterator[tuple[int, int, str, bytes]]:
        """Yield (PMCID, version, file name, bytes) of a block's images, in the order of its rows."""
        import pyarrow.parquet as pq

        name = self.header(block).images_file
        if name is None:
            return
        with self.folder.open_arrow(name) as file:
            columns = ["pmcid", "version", "name", "bytes"]
            for batch in pq.ParquetFile(file).iter_batches(batch_size=64, columns=columns):
                ids, versions, names = (batch.column(i).to_pylist() for i in range(3))
                for row, found in enumerate(zip(ids, versions, names, strict=True)):
                    yield *found, batch.column(3)[row].as_py()

    def articles(self, block: int) -> Iterator[tuple[LedgerRow, dict[str, bytes]]]:
        """Yield the kept article versions of a block with their images by file name."""
        images = self.images(block)
        following = next(images, None)
        for row in self.rows(block):
            own: dict[str, bytes] = {}
            while following is not None and following[:2] <= (row.pmcid, row.version):
                if following[:2] == (row.pmcid, row.version):
                    own[following[2]] = following[3]
                following = next(images, None)
            if row.status == "kept":
                yield row, own


def articles_name(block: int) -> str:
    """Return the name of a block's articles file."""
    return f"articles/{block:07d}.parquet"


def images_name(block: int, sha256: str) -> str:
    """Return the name of a block's images file."""
    return f"images/{block:07d}-{sha256[:16]}.parquet"


def count(rows: Iterator[LedgerRow]) -> dict[str, dict[str, int]]:
    """Return articles and figures by status and reason."""
    articles: Counter[str] = Counter()
    figures: Counter[str] = Counter()
    newer = 0
    for row in rows:
        articles[_word(row.status, row.reason)] += 1
        figures.update(_word(entry.status, entry.reason) for entry in row.images)
        newer += row.newer
    return {
        "articles": dict(sorted(articles.items())),
        "figures": dict(sorted(figures.items())),
        "newer": {"metadata": newer},
    }


def _word(status: str, reason: str | None) -> str:
    return f"{status}: {reason}" if reason and status != "kept" else status


def header_metadata(header: BlockHeader) -> dict[bytes, bytes]:
    """Return a block's header as metadata of its articles file."""
    stored = {name: getattr(header, name) for name in BlockHeader.__slots__}
    return {_HEADER: json.dumps(stored, sort_keys=True).encode()}


@cache
def articles_schema() -> pa.Schema:
    """Return the Arrow schema of an articles file."""
    import pyarrow as pa

    text = pa.string()
    entry = {
        "href": text, "name": text, "md5": text, "size": pa.int64(), "status": text, "reason": text,
    }  # fmt: skip
    return pa.schema(
        {
            "pmcid": pa.int64(),
            "version": pa.int32(),
            "etag": text,
            "status": text,
            "reason": text,
            "metadata": pa.binary(),
            "metadata_md5": text,
            "xml": pa.binary(),
            "images": pa.list_(pa.struct(list(entry.items()))),
        }
    )


@cache
def images_schema() -> pa.Schema:
    """Return the Arrow schema of an images file."""
    import pyarrow as pa

    return pa.schema(
        {
            "pmcid": pa.int64(),
            "version": pa.int32(),
            "name": pa.string(),
            "md5": pa.string(),
            "bytes": pa.binary(),
        }
    )
