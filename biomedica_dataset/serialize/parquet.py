"""Writes Parquet files that `datasets` reads, in which every image is one byte range.

Images are stored plain and uncompressed, all images of a row group in one data page, so that the
page ends where the column chunk ends and the place of each image follows from the lengths alone.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from datasets.io.parquet import get_parquet_column_options

from biomedica_dataset.schema import arrow_schema, features, to_table

if TYPE_CHECKING:
    from biomedica_dataset.storage import NewFile

ROW_GROUP_ROWS = 200
ROW_GROUP_BYTES = 64 * 2**20
"""Bytes of images after which a row group ends."""

_ONE_PAGE = 2**30  # bytes: above any row group, whose images are at most 64 MB and one more image
_IMAGE_BYTES = "image.bytes"
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
        self._buffered = 0
        self._lengths: list[list[int]] = []
        self._images = _ImageColumn()
        self.rows = self.memory = 0

    def write(self, row: Any) -> None:
        """Add one row."""
        self._buffer.append(row)
        self.rows += 1
        image = getattr(row, "image", None)
        if image is not None:
            self._buffered += len(image["bytes"])
        if len(self._buffer) >= ROW_GROUP_ROWS or self._buffered >= ROW_GROUP_BYTES:
            self.flush()

    def write_table(self, table: pa.Table) -> None:
        """Add the rows of a table without images, in large row groups."""
        self._writer.write_table(table.replace_schema_metadata(self._schema.metadata))
        self.rows += table.num_rows

    def flush(self) -> None:
        """End the row group."""
        if self._buffer:
            if "image" in self._schema.names:
                self._lengths.append([len(row.image["bytes"]) for row in self._buffer])
            table = to_table(self._table, self._buffer).replace_schema_metadata(
                self._schema.metadata
            )
            self._writer.write_table(table)
            self._buffer, self._buffered = [], 0

    def close(self) -> list[tuple[int, int]]:
        """End the file; return the (offset, length) in bytes of each row's image, if it has any."""
        self.flush()
        self._writer.close()
        footer = self._footer[0]
        groups = range(footer.num_row_groups)
        self.memory = sum(footer.row_group(group).total_byte_size for group in groups)
        if not self._lengths:
            return []
        column = next(
            i for i in range(footer.num_columns) if footer.schema.column(i).path == _IMAGE_BYTES
        )
        ranges: list[tuple[int, int]] = []
        for group, lengths in enumerate(self._lengths):
            chunk = footer.row_group(group).column(column)
            end = chunk.data_page_offset + chunk.total_compressed_size
            position = end - sum(_LENGTH_PREFIX + length for length in lengths)
            for length in lengths:
                ranges.append((position + _LENGTH_PREFIX, length))
                position += _LENGTH_PREFIX + length
        return ranges


class _ImageColumn:
    """Makes the image column of one row group after the other in the same memory.

    Arrow would take fresh memory for each, and touching that for the first time costs more than all
    the rest.
    """

    def __init__(self) -> None:
        self._memory = bytearray()

    def column(self, images: list[dict[str, Any]]) -> pa.StructArray:
        """Return the column; it is good until the next one is made."""
        data = [image["bytes"] for image in images]
        offsets = np.zeros(len(data) + 1, dtype=np.int32)
        np.cumsum([len(item) for item in data], out=offsets[1:])
        if len(self._memory) < offsets[-1]:
            self._memory = bytearray(offsets[-1])
        view = memoryview(self._memory)
        for item, start, end in zip(data, offsets, offsets[1:], strict=False):
            view[start:end] = item
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(self._memory)]
        values = pa.Array.from_buffers(pa.binary(), len(data), buffers)
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
    return schema, {**options, "data_page_size": _ONE_PAGE}
