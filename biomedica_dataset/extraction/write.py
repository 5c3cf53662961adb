"""Writes the two files of a block."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from biomedica_dataset.archive.entries import (
    BlockHeader,
    ImageEntry,
    LedgerRow,
    count,
    header_metadata,
    row_digest,
)
from biomedica_dataset.archive.layout import (
    articles_name,
    articles_schema,
    images_name,
    images_schema,
)
from biomedica_dataset.pmc.matching import reader_fingerprint

if TYPE_CHECKING:
    from biomedica_dataset.archive.ledger import Archive
    from biomedica_dataset.archive.stored_images import ImageId
    from biomedica_dataset.io.spool import Held

    from .fetch import Fetched
    from .previous import PreviousBlock
    from .tasks import Task

    Image = tuple[ImageId, Held]

Item = TypeVar("Item")

_ROW_GROUP_BYTES = 32 * 2**20
_ROW_GROUP_ROWS = 256


def write_block(
    archive: Archive, task: Task, fetched: list[Fetched], old: PreviousBlock
) -> BlockHeader:
    """Write a block: images, then the articles file that makes them valid; remove old images."""
    with _images_file(archive, task.block, fetched, old) as images:
        options = {
            "compression": "zstd",
            "write_page_index": True,
            "write_page_checksum": True,
            # Statistics and dictionaries would only repeat the bytes of documents.
            "use_dictionary": ["status", "reason"],
            "write_statistics": ["pmcid", "version", "status", "reason"],
        }
        digest, schema = hashlib.sha256(), articles_schema()
        with archive.folder.create() as file:
            with pq.ParquetWriter(file, schema, **options) as writer:
                for rows in _groups(_article_rows(fetched, digest), _size_of_xml):
                    writer.write_table(pa.Table.from_pylist(rows, schema=schema))
                header = BlockHeader(
                    inventory=task.inventory.digest(),
                    wants=task.wants.digest,
                    reader=_reader(task, old),
                    rows=digest.hexdigest(),
                    images_file=images.name,
                    images_sha256=images.sha256,
                    images_bytes=images.bytes,
                    counts=count(row for item in fetched for row in item.rows),
                )
                writer.add_key_value_metadata(header_metadata(header))
            file.publish(articles_name(task.block))
    if old.header is not None and old.header.images_file not in (None, images.name):
        archive.folder.remove(str(old.header.images_file))
    pa.default_memory_pool().release_unused()  # Arrow would otherwise keep this memory
    return header


def _reader(task: Task, old: PreviousBlock) -> str:
    """Return the fingerprint of the reader of a block: the older one if its rows stay."""
    if old.header is None or task.retry or old.header.wants != task.wants.digest:
        return reader_fingerprint()
    return old.header.reader


def _article_rows(fetched: list[Fetched], digest: Any) -> Iterator[dict[str, object]]:
    """Yield the rows of a block as columns, and add each to the digest."""
    for item in fetched:
        for row in item.rows:
            held = item.xml.get(row.version)
            columns: dict[str, object] = {name: getattr(row, name) for name in LedgerRow.__slots__}
            columns["xml"] = xml = held.read() if held else None
            digest.update(row_digest(row, xml))
            columns["images"] = [
                {name: getattr(entry, name) for name in ImageEntry.__slots__}
                for entry in row.images
            ]
            yield columns


def _size_of_xml(row: dict[str, object]) -> int:
    xml = row["xml"]
    return len(xml) if isinstance(xml, bytes) else 0


@dataclass(frozen=True, slots=True)
class _ImagesFile:
    """An images file, as the header of its block describes it."""

    name: str | None = None
    sha256: str | None = None
    bytes: int | None = None


@contextmanager
def _images_file(
    archive: Archive, block: int, fetched: list[Fetched], old: PreviousBlock
) -> Iterator[_ImagesFile]:
    """Yield the images file, protected from sweeping until the body ends."""
    images = list(_images(fetched))
    if not images:
        yield _ImagesFile()
        return
    header = old.header
    if header is not None and [image for image, _held in images] == old.images:
        yield _ImagesFile(header.images_file, header.images_sha256, header.images_bytes)
        return
    options = {
        "compression": "none",
        "use_dictionary": False,
        "write_statistics": ["pmcid", "version", "name"],
        "write_page_checksum": True,
    }
    with archive.folder.create() as file:
        with pq.ParquetWriter(file, images_schema(), **options) as writer:
            for group in _groups(images, lambda image: image[1].size):
                writer.write_table(_image_table(group))
        name = images_name(block, file.sha256)
        file.publish(name)
        yield _ImagesFile(name, file.sha256, file.size)


def _images(fetched: list[Fetched]) -> Iterator[Image]:
    for item in fetched:
        md5s = {(row.version, entry.name): entry.md5 for row in item.rows for entry in row.images}
        for (version, name), held in item.images.items():
            yield (item.rows[0].pmcid, version, name, md5s[version, name] or ""), held


def _image_table(images: list[Image]) -> pa.Table:
    """Return a row group of images, whose bytes are copied only once."""
    offsets = [0, *accumulate(held.size for _image, held in images)]
    if len(images) == 1:
        data = images[0][1].read()
    else:
        data = bytearray(offsets[-1])
        for (_image, held), start, end in zip(images, offsets, offsets[1:], strict=False):
            data[start:end] = held.read()
    buffers = [None, pa.array(offsets, pa.int32()).buffers()[1], pa.py_buffer(data)]
    column = pa.Array.from_buffers(pa.binary(), len(images), buffers)
    ids = zip(*(image for image, _held in images), strict=True)
    return pa.table([*map(list, ids), column], schema=images_schema())


def _groups(items: Iterable[Item], size_of: Callable[[Item], int]) -> Iterator[list[Item]]:
    """Cut items into row groups by size; an item larger than a group gets its own."""
    group: list[Item] = []
    size = 0
    for item in items:
        more = size_of(item)
        if group and (size + more > _ROW_GROUP_BYTES or len(group) >= _ROW_GROUP_ROWS):
            yield group
            group, size = [], 0
        group.append(item)
        size += more
    if group:
        yield group
