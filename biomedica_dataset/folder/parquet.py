"""Writes Parquet files for `datasets` in which every image and caption is one byte range.

Both are stored plain and uncompressed, with one data page per row group, so that the page ends
where the column chunk ends and the lengths alone give the position of each value. Captions take
half a percent of the bytes of images; compressed, reading one would mean reading its whole row
group. The index has a digest of each caption, and every page a checksum.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from biomedica_dataset.images.stored_image import image_length
from biomedica_dataset.schema import DocumentRow, arrow_schema, to_table

if TYPE_CHECKING:
    from biomedica_dataset.io.partial import NewFile

ROW_GROUP_ROWS = 200
DOCUMENT_GROUP_ROWS = 32
"""The same for documents, of which a few are read at a time."""

ROW_GROUP_BYTES = 64 * 2**20
"""Maximum bytes of images in a row group; a larger image has its own."""

ROW_GROUP_TEXT = 16 * 2**20
"""Maximum characters of text in a row group; a longer row has its own."""

_ONE_PAGE = 2**30  # bytes: more than any row group has
_PLACED = {
    "image.bytes": ("image_offset", "image_length"),
    "caption": ("caption_offset", "caption_bytes"),
}
"""Columns whose values have a position in the index, and the index columns of that position."""

_PLAIN = (*_PLACED, "image.path")
_VECTOR = "image_embedding.list.element"  # its numbers rarely repeat
_LENGTH_PREFIX = 4  # a plain byte array is its length in four bytes, then the bytes


class TableWriter:
    """Writes rows of one table to a file.

    Parameters
    ----------
    file
        The file to write to.
    table
        A table of `schema`.
    metadata
        Added to the metadata of the file's schema.

    Attributes
    ----------
    rows
        Rows written so far.
    memory
        Bytes of all columns before compression; set when the file is closed.
    """

    def __init__(self, file: NewFile, table: type, metadata: dict[bytes, bytes]) -> None:
        self._table = table
        self._group_rows = DOCUMENT_GROUP_ROWS if table is DocumentRow else ROW_GROUP_ROWS
        schema, options = _options(table)
        self._schema = schema.with_metadata({**(schema.metadata or {}), **metadata})
        self._footer: list[Any] = []
        self._writer = pq.ParquetWriter(
            file, self._schema, metadata_collector=self._footer, write_page_index=True, **options
        )
        self._buffer: list[Any] = []
        self._buffered = self._characters = 0
        self._lengths: list[dict[str, list[int]]] = []
        self._digests: list[int] = []
        self._images = _ImageColumn()
        self.rows = self.memory = 0

    def write(self, row: Any) -> None:
        """Add one row."""
        size, characters = image_length(getattr(row, "image", None)), _characters(row)
        if (
            len(self._buffer) >= self._group_rows
            or self._buffered + size > ROW_GROUP_BYTES
            or self._characters + characters > ROW_GROUP_TEXT
        ):
            self.flush()
        self._buffer.append(row)
        self._buffered += size
        self._characters += characters
        self.rows += 1
        if characters > ROW_GROUP_TEXT:
            self.flush()

    def write_table(self, table: pa.Table) -> None:
        """Add the rows of a table without images, in large row groups."""
        self._writer.write_table(table.replace_schema_metadata(self._schema.metadata))
        self.rows += table.num_rows

    def flush(self) -> None:
        """End the row group."""
        if self._buffer:
            ready = {}
            if "image" in self._schema.names:
                lengths = [image_length(row.image) for row in self._buffer]
                captions = [row.caption.encode() for row in self._buffer]
                self._lengths.append({"image.bytes": lengths, "caption": list(map(len, captions))})
                self._digests += map(caption_digest, captions)
                ready["image"] = self._images.column([row.image for row in self._buffer], lengths)
            table = to_table(self._table, self._buffer, **ready)
            self._writer.write_table(table.replace_schema_metadata(self._schema.metadata))
            self._buffer, self._buffered, self._characters = [], 0, 0

    def close(self) -> list[dict[str, Any]]:
        """End the file; return the position of each row's image and caption, if it has any.

        The names are those of the index: ``image_offset``, ``image_length``, ``caption_offset``,
        ``caption_bytes`` and ``caption_digest``.
        """
        self.flush()
        self._writer.close()
        footer = self._footer[0]
        groups = range(footer.num_row_groups)
        self.memory = sum(footer.row_group(group).total_byte_size for group in groups)
        if not self._lengths:
            return []
        columns = {footer.schema.column(i).path: i for i in range(footer.num_columns)}
        places: list[dict[str, Any]] = [{"caption_digest": digest} for digest in self._digests]
        for path, names in _PLACED.items():
            ranges = (
                place
                for group, lengths in enumerate(self._lengths)
                for place in _places(footer.row_group(group).column(columns[path]), lengths[path])
            )
            for row, place in zip(places, ranges, strict=True):
                row.update(zip(names, place, strict=True))
        return places


def caption_digest(caption: bytes) -> int:
    """Return what the index has of a caption to find damage: 8 bytes of its SHA-256.

    Examples
    --------
    >>> caption_digest(b"A cell.")
    -2183355276847434212
    """
    return int.from_bytes(hashlib.sha256(caption).digest()[:8], signed=True)


def _characters(row: Any) -> int:
    """Return how many characters the texts of a row have."""
    texts = 0
    for value in vars(row).values():
        if isinstance(value, str):
            texts += len(value)
        elif isinstance(value, list):
            texts += sum(map(_characters_of_item, value))
    return texts


def _characters_of_item(item: Any) -> int:
    if isinstance(item, dict):
        return sum(len(part) for part in item.values() if isinstance(part, str))
    return len(item) if isinstance(item, str) else 0


def _places(chunk: Any, lengths: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the (offset, length) in bytes of each value of a column chunk of one plain page."""
    position = chunk.data_page_offset + chunk.total_compressed_size
    position -= sum(_LENGTH_PREFIX + length for length in lengths)
    for length in lengths:
        yield position + _LENGTH_PREFIX, length
        position += _LENGTH_PREFIX + length


class _ImageColumn:
    """Builds the image column of each row group in the same memory.

    Arrow would allocate new memory for each, whose first use costs more than everything else.
    """

    def __init__(self) -> None:
        self._memory = bytearray()

    def column(self, images: list[Mapping[str, Any]], lengths: list[int]) -> pa.StructArray:
        """Return the column, which is valid until the next call."""
        offsets = np.zeros(len(images) + 1, dtype=np.int32)
        np.cumsum(lengths, out=offsets[1:])
        memory = self._memory
        if len(memory) < offsets[-1]:
            memory = bytearray(offsets[-1])
            if len(memory) <= ROW_GROUP_BYTES:  # do not keep the memory of one larger image
                self._memory = memory
        view = memoryview(memory)
        for image, start, end in zip(images, offsets, offsets[1:], strict=False):
            view[start:end] = image["bytes"]
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(memory)]
        values = pa.Array.from_buffers(pa.binary(), len(images), buffers)
        paths = pa.array([image["path"] for image in images], pa.string())
        return pa.StructArray.from_arrays([values, paths], names=["bytes", "path"])


@cache
def _options(table: type) -> tuple[pa.Schema, dict[str, Any]]:
    """Return schema and options: those of `datasets`, but with zstd and plain captions."""
    schema = arrow_schema(table)
    leaves = [path for field in schema for path in _leaves(field.name, field.type)]
    plain = _PLAIN if "image" in schema.names else ()
    options: dict[str, Any] = {
        "compression": {leaf: "none" if leaf in plain else "zstd" for leaf in leaves},
        "use_dictionary": [leaf for leaf in leaves if leaf not in (*plain, _VECTOR)],
        "column_encoding": dict.fromkeys(plain, "PLAIN"),
    }
    if plain:
        # The smallest and the largest image are useless, and each would be stored several times.
        options["write_statistics"] = [leaf for leaf in leaves if leaf != "image.bytes"]
    return schema, {**options, "data_page_size": _ONE_PAGE, "write_page_checksum": True}


def _leaves(path: str, of: pa.DataType) -> Iterator[str]:
    """Yield the paths of the columns that Parquet stores for one of Arrow."""
    if pa.types.is_struct(of):
        for part in of:
            yield from _leaves(f"{path}.{part.name}", part.type)
    elif pa.types.is_list(of):
        yield from _leaves(f"{path}.list.element", of.value_type)
    else:
        yield path
