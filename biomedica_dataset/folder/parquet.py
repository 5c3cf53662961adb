"""Writes Parquet files that `datasets` reads, in which every image and caption is one byte range.

Both are stored plain and uncompressed, all of a row group in one data page, so that the page ends
where the column chunk ends and the place of each value follows from the lengths alone. Captions
weigh half a percent of the images; compressed, one of them would cost those of its row group.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from datasets.io.parquet import get_parquet_column_options

from biomedica_dataset.schema import arrow_schema, features, image_length, to_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from biomedica_dataset.io.partial import NewFile

ROW_GROUP_ROWS = 200
ROW_GROUP_BYTES = 64 * 2**20
"""Bytes of images that a row group has at most, but for one larger image alone."""

ROW_GROUP_TEXT = 16 * 2**20
"""Characters of text that a row group has at most, but for one longer row alone."""

_ONE_PAGE = 2**30  # bytes: above any row group, whose images are at most 64 MB and one more image
_PLACED = {
    "image.bytes": ("image_offset", "image_length"),
    "caption": ("caption_offset", "caption_bytes"),
}
"""Columns of a table with images whose values are placed, and where the index has the places."""

_VECTOR = "image_embedding.list.element"  # its numbers hardly repeat
_LENGTH_PREFIX = 4  # a plain byte array is its length in four bytes, then the bytes


class TableWriter:
    """Writes rows of one table to a file.

    Parameters
    ----------
    file
        Where the bytes go.
    table
        A table of `schema`.
    metadata
        Added to the metadata of the file's schema.

    Attributes
    ----------
    rows
        Rows written so far.
    memory
        Bytes of all columns before compression, once the file is closed.
    """

    def __init__(self, file: NewFile, table: type, metadata: dict[bytes, bytes]) -> None:
        self._table = table
        schema, options = _options(table)
        self._schema = schema.with_metadata({**(schema.metadata or {}), **metadata})
        self._footer: list[Any] = []
        self._writer = pq.ParquetWriter(
            file, self._schema, metadata_collector=self._footer, write_page_index=True, **options
        )
        self._buffer: list[Any] = []
        self._buffered = self._characters = 0
        self._lengths: list[dict[str, list[int]]] = []
        self._images = _ImageColumn()
        self.rows = self.memory = 0

    def write(self, row: Any) -> None:
        """Add one row."""
        size, characters = image_length(getattr(row, "image", None)), _characters(row)
        if (
            len(self._buffer) >= ROW_GROUP_ROWS
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
                captions = [len(row.caption.encode()) for row in self._buffer]
                self._lengths.append({"image.bytes": lengths, "caption": captions})
                ready["image"] = self._images.column([row.image for row in self._buffer], lengths)
            table = to_table(self._table, self._buffer, **ready)
            self._writer.write_table(table.replace_schema_metadata(self._schema.metadata))
            self._buffer, self._buffered, self._characters = [], 0, 0

    def close(self) -> list[dict[str, Any]]:
        """End the file; return the places of each row's image and caption, if it has any.

        They are named as in the index: ``image_offset``, ``image_length``, ``caption_offset`` and
        ``caption_bytes``.
        """
        self.flush()
        self._writer.close()
        footer = self._footer[0]
        groups = range(footer.num_row_groups)
        self.memory = sum(footer.row_group(group).total_byte_size for group in groups)
        if not self._lengths:
            return []
        columns = {footer.schema.column(i).path: i for i in range(footer.num_columns)}
        places: list[dict[str, Any]] = [{} for _ in range(self.rows)]
        for path, names in _PLACED.items():
            ranges = (
                place
                for group, lengths in enumerate(self._lengths)
                for place in _places(footer.row_group(group).column(columns[path]), lengths[path])
            )
            for row, place in zip(places, ranges, strict=True):
                row.update(zip(names, place, strict=True))
        return places


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
        item = item.get("citation")  # of the structures only references hold long texts
    return len(item) if isinstance(item, str) else 0


def _places(chunk: Any, lengths: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the (offset, length) in bytes of each value of a column chunk of one plain page."""
    position = chunk.data_page_offset + chunk.total_compressed_size
    position -= sum(_LENGTH_PREFIX + length for length in lengths)
    for length in lengths:
        yield position + _LENGTH_PREFIX, length
        position += _LENGTH_PREFIX + length


class _ImageColumn:
    """Makes the image column of one row group after the other in the same memory.

    Arrow would take fresh memory for each, and touching that for the first time costs more than all
    the rest.
    """

    def __init__(self) -> None:
        self._memory = bytearray()

    def column(self, images: list[Mapping[str, Any]], lengths: list[int]) -> pa.StructArray:
        """Return the column; it is good until the next one is made."""
        offsets = np.zeros(len(images) + 1, dtype=np.int32)
        np.cumsum(lengths, out=offsets[1:])
        memory = self._memory
        if len(memory) < offsets[-1]:
            memory = bytearray(offsets[-1])
            if len(memory) <= ROW_GROUP_BYTES:  # that of one larger image is not kept
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
    schema = arrow_schema(table)
    options = get_parquet_column_options(features(table), schema)
    options["compression"] = {
        leaf: "zstd" if codec == "snappy" else codec
        for leaf, codec in options["compression"].items()
    }
    if "image" in schema.names:
        for path in _PLACED:
            options["compression"][path] = "none"
            options["column_encoding"][path] = "PLAIN"
        options["use_dictionary"] = [n for n in options["use_dictionary"] if n not in _PLACED]
        # The least and the greatest image say nothing, and each would be held several times.
        options["write_statistics"] = [n for n in options["compression"] if n != "image.bytes"]
    options["use_dictionary"] = [n for n in options["use_dictionary"] if n != _VECTOR]
    return schema, {**options, "data_page_size": _ONE_PAGE}
