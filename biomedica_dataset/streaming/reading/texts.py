"""Reads the columns of a shard other than the image: its footer, then the column chunks."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from biomedica_dataset.engine.timings import Timings, measured
from biomedica_dataset.folder.panel_rows import config_columns
from biomedica_dataset.io.failures import reading
from biomedica_dataset.io.tables import CheckedFile, Column

from .places import Files, until_valid
from .ranges import Span, join

if TYPE_CHECKING:
    from biomedica_dataset.folder.record import ShardFile


_TAIL = 8  # the length of the footer and the magic number
_FOOTER_BASE, _FOOTER_GROUP = 13_000, 11_500  # bytes, measured; too low a guess costs a request
_GROUP_ROWS = 200
_GROUPS_KEPT = 48
_GAP, _MOST = 1024, 8 * 2**20
_LARGEST = 2**28  # bytes of a footer
_DAMAGED = "It is damaged, or half written: get it from its source again, or serialize it again."


@dataclass(frozen=True, slots=True)
class _Footer:
    """The footer of a shard, and of its row groups the cumulative rows and the ranges to read."""

    table: CheckedFile
    ends: np.ndarray
    spans: list[list[Span]]

    def first(self, group: int) -> int:
        """Return the number of the first row of a row group."""
        return int(self.ends[group - 1]) if group else 0


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
        except BaseException as error:  # others wait for it, also if this thread is interrupted
            with self._lock:
                self._values.pop(key, None)
            mine.set_exception(error)
            raise
        return mine.result()


class Texts:
    """Columns of the shards of a dataset folder.

    Parameters
    ----------
    shards
        The files by path, as the manifest has them.
    columns
        Columns to read, without the image.
    known
        What the columns may hold; by default what those of each file's table may.
    """

    def __init__(
        self,
        files: Files,
        shards: Mapping[str, ShardFile],
        columns: Sequence[str],
        known: Mapping[str, Column] | None = None,
        timings: Timings | None = None,
    ) -> None:
        self._known, self._timings = known, timings
        self._files, self._shards, self._columns = files, shards, list(columns)
        self._footers = Shared(4096)
        self._groups = Shared(_GROUPS_KEPT)

    def rows(self, file: str, rows: np.ndarray) -> pa.Table:
        """Return rows of a shard.

        Parameters
        ----------
        rows
            Row numbers in the file, ascending; int64 of shape (rows,).
        """
        footer = self._footer(file)
        groups = np.searchsorted(footer.ends, rows, side="right")
        parts = []
        for group in np.unique(groups).tolist():
            table = self._groups.get((file, group), partial(self._group, file, footer, group))
            parts.append(table.take(pa.array(rows[groups == group] - footer.first(group))))
        return pa.concat_tables(parts)

    def groups(self, file: str, rows: np.ndarray) -> tuple[np.ndarray, pa.Table]:
        """Return all rows of the row groups that have some rows, with their numbers."""
        footer = self._footer(file)
        groups = np.unique(np.searchsorted(footer.ends, rows, side="right")).tolist()
        numbers = [np.arange(footer.first(group), footer.ends[group]) for group in groups]
        tables = [self._group(file, footer, group) for group in groups]
        return np.concatenate(numbers), pa.concat_tables(tables)

    def each_group(self, file: str) -> Iterator[pa.Table]:
        """Yield the row groups of a shard, which are not kept."""
        footer = self._footer(file)
        for group in range(len(footer.ends)):
            yield self._group(file, footer, group)

    def cost(self, file: str, rows: np.ndarray) -> tuple[int, int]:
        """Return the number and bytes of requests for `groups`, after that for the footer."""
        footer = self._footer(file)
        groups = np.unique(np.searchsorted(footer.ends, rows, side="right")).tolist()
        spans = [span for group in groups for span in footer.spans[group]]
        return len(spans), sum(span.length for span in spans)

    def _footer(self, file: str) -> _Footer:
        read = partial(self._read_footer, file)
        found: _Footer = self._footers.get(file, partial(until_valid, self._files, file, read))
        return found

    def _group(self, file: str, footer: _Footer, group: int) -> pa.Table:
        return until_valid(self._files, file, partial(self._read, file, footer, group))

    def _read(self, file: str, footer: _Footer, group: int) -> pa.Table:
        with reading(f"row group {group} of {self._files.base}/{file}", _DAMAGED):
            sparse = _Sparse(self._shards[file].bytes)
            for span in footer.spans[group]:
                sparse.add(span.start, self._range(file, span.start, span.length))
            with measured(self._timings, "decompression"):
                return footer.table.read(pa.PythonFile(sparse, mode="r"), group, use_threads=False)

    def _range(self, file: str, start: int, length: int) -> bytes:
        with measured(self._timings, "network"):
            return bytes(self._files.range(file, start, length))

    def _read_footer(self, file: str) -> _Footer:
        shard = self._shards[file]
        with reading(f"{self._files.base}/{file}", _DAMAGED):
            guess = min(shard.bytes, _FOOTER_BASE + _FOOTER_GROUP * -(-shard.rows // _GROUP_ROWS))
            tail = self._range(file, shard.bytes - guess, guess)
            length = int.from_bytes(tail[-_TAIL:-4], "little") + _TAIL
            if tail[-4:] != b"PAR1" or length > min(shard.bytes, _LARGEST):
                msg = f"it is not a Parquet file of {shard.bytes} bytes"
                raise ValueError(msg)
            if length > len(tail):
                rest = length - len(tail)
                tail = self._range(file, shard.bytes - length, rest) + tail
            found = pq.read_metadata(pa.BufferReader(tail[-length:]))
            known = self._known or config_columns(shard.config)
            table = CheckedFile(found, shard.bytes, {name: known[name] for name in self._columns})
            groups = [found.row_group(number) for number in range(found.num_row_groups)]
            if sum(group.num_rows for group in groups) != shard.rows:
                msg = f"its row groups do not have the {shard.rows} rows of the manifest"
                raise ValueError(msg)
            ends = np.cumsum([group.num_rows for group in groups])
            return _Footer(table, ends, [_spans(one, self._columns, shard.bytes) for one in groups])


def _spans(group: Any, columns: Sequence[str], size: int) -> list[Span]:
    """Return the ranges to request for some columns of a row group."""
    chunks = []
    for chunk in (group.column(i) for i in range(group.num_columns)):
        if chunk.path_in_schema.partition(".")[0] in columns:
            first = chunk.dictionary_page_offset or chunk.data_page_offset
            start, length = min(first, chunk.data_page_offset), chunk.total_compressed_size
            if not (0 <= start <= size and 0 <= length <= size - start):
                msg = f"{chunk.path_in_schema} is beyond the end of the file"
                raise ValueError(msg)
            chunks.append((start, length))
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
