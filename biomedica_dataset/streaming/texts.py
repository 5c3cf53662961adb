"""Reads the columns of a shard other than the image: its footer, then the column chunks."""

from __future__ import annotations

import io
import struct
import threading
from collections import OrderedDict
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from biomedica_dataset.errors import ArchiveError
from biomedica_dataset.schema import Pair, later_columns, with_later_columns

from .places import until_valid
from .ranges import Span, join

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .places import Files

_TAIL = 8  # the length of the footer and the magic number
_FOOTER_BASE, _FOOTER_GROUP = 13_000, 11_500  # bytes, measured; too low a guess costs a request
_GROUP_ROWS = 200
_GROUPS_KEPT = 48
_GAP, _MOST = 1024, 8 * 2**20


_Footer = tuple[Any, np.ndarray, list[int]]  # metadata of Arrow, cumulative rows of groups, columns


class Shared:
    """A cache of recent values, each made once by the first of many threads."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._values: OrderedDict[Any, Future[Any]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return the value of a key, making it if necessary."""
        with self._lock:
            found = self._values.get(key)
            if found is None:
                mine = self._values[key] = Future()
                while len(self._values) > self._kept:
                    self._values.popitem(last=False)
            else:
                self._values.move_to_end(key)
        if found is not None:
            return found.result()
        try:
            mine.set_result(make())
        except BaseException as error:
            with self._lock:
                self._values.pop(key, None)
            mine.set_exception(error)
            raise
        return mine.result()


class Texts:
    """Columns of the shards of a dataset folder.

    Parameters
    ----------
    sizes
        Size of each file.
    columns
        Columns to read, without the image.
    """

    def __init__(self, files: Files, sizes: dict[str, int], columns: Sequence[str]) -> None:
        self._files, self._sizes, self._columns = files, sizes, list(columns)
        self._footers = Shared(4096)
        self._groups = Shared(_GROUPS_KEPT)

    def rows(self, file: str, rows: np.ndarray, expected: int) -> pa.Table:
        """Return rows of a shard.

        Parameters
        ----------
        rows
            Row numbers in the file, ascending; int64 of shape (rows,).
        expected
            Number of rows of the file in the index, to estimate the size of the footer.
        """
        footer, ends, wanted = self._footer(file, rows, expected)
        groups = np.searchsorted(ends, rows, side="right")
        parts = []
        for group in np.unique(groups).tolist():
            read = partial(self._group, file, footer, wanted, group)
            table = self._groups.get((file, group), read)
            begin = ends[group - 1] if group else 0
            parts.append(table.take(pa.array(rows[groups == group] - begin)))
        return pa.concat_tables(parts)

    def groups(self, file: str, rows: np.ndarray, expected: int) -> tuple[np.ndarray, pa.Table]:
        """Return all rows of the row groups that have some rows, with their numbers."""
        footer, ends, wanted = self._footer(file, rows, expected)
        groups = np.unique(np.searchsorted(ends, rows, side="right")).tolist()
        numbers = [np.arange(ends[group - 1] if group else 0, ends[group]) for group in groups]
        tables = [self._group(file, footer, wanted, group) for group in groups]
        return np.concatenate(numbers), pa.concat_tables(tables)

    def cost(self, file: str, rows: np.ndarray, expected: int) -> tuple[int, int]:
        """Return the number and bytes of requests for `groups`, after that for the footer."""
        footer, ends, wanted = self._footer(file, rows, expected)
        groups = np.unique(np.searchsorted(ends, rows, side="right")).tolist()
        spans = [span for group in groups for span in _spans(footer, wanted, group)]
        return len(spans), sum(span.length for span in spans)

    def _footer(self, file: str, rows: np.ndarray, expected: int) -> _Footer:
        """Return the footer of a file that has these rows."""
        read = partial(self._read_footer, file, expected)
        found: _Footer = self._footers.get(file, partial(until_valid, self._files, file, read))
        ends = found[1]
        if len(rows) and rows[-1] >= ends[-1]:
            msg = (
                f"{self._files.base}/{file} has {ends[-1]} rows, but the index names row "
                f"{rows[-1]}; the file is damaged"
            )
            raise ArchiveError(msg)
        return found

    def _group(self, file: str, footer: Any, wanted: list[int], group: int) -> pa.Table:
        read = partial(self._read, file, footer, wanted, group)
        return until_valid(self._files, file, read)

    def _read(self, file: str, footer: Any, wanted: list[int], group: int) -> pa.Table:
        sparse = _Sparse(self._sizes[file])
        for span in _spans(footer, wanted, group):
            sparse.add(span.start, bytes(self._files.range(file, span.start, span.length)))
        try:
            source = pa.PythonFile(sparse, mode="r")
            opened = pq.ParquetFile(
                source, metadata=footer, pre_buffer=False, page_checksum_verification=True
            )
            read = opened.read_row_group(group, columns=self._columns, use_threads=False)
            return with_later_columns(read, Pair, self._columns)
        except (pa.ArrowException, OSError, ValueError) as error:
            msg = f"row group {group} of {self._files.base}/{file} cannot be read: {error}"
            raise ArchiveError(msg) from error

    def _read_footer(self, file: str, expected: int) -> _Footer:
        size = self._sizes[file]
        guess = min(size, _FOOTER_BASE + _FOOTER_GROUP * -(-expected // _GROUP_ROWS))
        tail = bytes(self._files.range(file, size - guess, guess))
        length = struct.unpack("<I", tail[-_TAIL : -_TAIL + 4])[0] + _TAIL
        if tail[-4:] != b"PAR1" or length > size:
            why = "it is half written or damaged"
            msg = f"{self._files.base}/{file} is not a Parquet file of {size} bytes; {why}"
            raise ArchiveError(msg)
        if length > len(tail):
            rest = length - len(tail)
            tail = bytes(self._files.range(file, size - length, rest)) + tail
        try:
            footer = pq.read_metadata(pa.BufferReader(tail[-length:]))
        except (pa.ArrowException, OSError, ValueError) as error:
            msg = f"the footer of {self._files.base}/{file} cannot be read: {error}"
            raise ArchiveError(msg) from error
        names = [footer.schema.column(i).path.split(".")[0] for i in range(footer.num_columns)]
        missing = set(self._columns) - set(names) - later_columns(Pair)
        if missing:
            lacking = ", ".join(sorted(missing))
            msg = f"{self._files.base}/{file} has no column {lacking}; serialize it again"
            raise ArchiveError(msg)
        wanted = [i for i, name in enumerate(names) if name in self._columns]
        groups = range(footer.num_row_groups)
        return footer, np.cumsum([footer.row_group(g).num_rows for g in groups]), wanted


def _spans(footer: Any, wanted: list[int], group: int) -> list[Span]:
    """Return the ranges to request for some columns of a row group."""
    chunks = []
    for column in wanted:
        chunk = footer.row_group(group).column(column)
        first = chunk.dictionary_page_offset or chunk.data_page_offset
        start = min(first, chunk.data_page_offset)
        chunks.append((start, chunk.total_compressed_size))
    return join(chunks, _GAP, _MOST)


class _Sparse(io.RawIOBase):
    """A file with only some ranges in memory."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size, self._position = size, 0
        self._parts: list[tuple[int, memoryview]] = []

    def add(self, start: int, data: Any) -> None:
        self._parts.append((start, memoryview(data)))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = base + offset
        return self._position

    def read(self, count: int = -1) -> bytes:
        stop = self._size if count < 0 else min(self._size, self._position + count)
        for start, data in self._parts:
            if start <= self._position and stop <= start + len(data):
                found = bytes(data[self._position - start : stop - start])
                self._position = stop
                return found
        msg = f"bytes {self._position} to {stop} were not fetched"
        raise OSError(msg)
