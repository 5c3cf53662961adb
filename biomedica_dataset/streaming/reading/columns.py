"""Columns that the index lacks, for some of its rows: read file by file, and kept by digest.

They come from the ``captions`` config if the folder has it, or else from the shards of images.
What was read from another machine is kept, under the SHA-256 of the file, for the next query.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from biomedica_dataset.errors import ArchiveError
from biomedica_dataset.folder.record import path_beside
from biomedica_dataset.licenses import LICENSE_GROUPS
from biomedica_dataset.schema import CaptionRow, column_names

from .index import Index, cache_folder, keep
from .texts import Texts

if TYPE_CHECKING:
    from .places import Files

logger = logging.getLogger(__name__)

_THREADS = 24
_AHEAD = 48  # files


@dataclass(frozen=True, slots=True)
class TextCost:
    """What it costs to read columns that the index lacks.

    Parameters
    ----------
    requests, bytes
        Sent and received, or still to be.
    kept
        Rows that an earlier query has left on this machine.
    """

    columns: tuple[str, ...]
    rows: int
    requests: int
    bytes: int
    kept: int = 0

    def plus(self, other: TextCost) -> TextCost:
        """Return the cost of both."""
        return TextCost(
            tuple(dict.fromkeys((*self.columns, *other.columns))),
            max(self.rows, other.rows),
            self.requests + other.requests,
            self.bytes + other.bytes,
            max(self.kept, other.kept),
        )

    def __str__(self) -> str:
        kept = f"; {self.kept:,} rows are kept from before" if self.kept else ""
        size = f"{self.bytes / 1e6:,.2f} MB in {self.requests:,} requests"
        return f"{', '.join(self.columns)} of {self.rows:,} rows: {size}{kept}"


@dataclass(frozen=True, slots=True)
class _Part:
    """Some rows of one file, as positions in the table and as row numbers, both ascending."""

    file: str
    positions: np.ndarray
    rows: np.ndarray
    kept: dict[str, tuple[np.ndarray, pa.ChunkedArray]]

    def missing(self, columns: list[str]) -> tuple[list[str], np.ndarray]:
        """Return the columns to read, and the rows for which to read them."""
        lacking = {name: ~np.isin(self.rows, self.kept[name][0]) for name in columns}
        names = [name for name, absent in lacking.items() if absent.any()]
        either = np.logical_or.reduce([lacking[name] for name in names or columns])
        return names, self.rows[either]


class ColumnReader:
    """Reads columns for rows of an index; use it once.

    Parameters
    ----------
    table
        Rows of the index.
    columns
        Columns to read.
    keeps
        Whether to keep what is read, if it comes from another machine.
    """

    def __init__(
        self, index: Index, table: pa.Table, columns: list[str], *, keeps: bool = True
    ) -> None:
        self._index, self._columns = index, columns
        self._cache = cache_folder() / "texts" if keeps and not index.place.is_local else None
        self._parts = list(self._split(table))
        self.cost = TextCost(tuple(columns), len(table), 0, 0)

    def read(self, tell: Callable[[str], None]) -> Iterator[tuple[np.ndarray, pa.Table]]:
        """Yield positions in the table with their columns, file by file.

        Parameters
        ----------
        tell
            Called with the cost in words before anything but footers is read.
        """
        with closing(self._index.place.open()) as files, ThreadPoolExecutor(_THREADS) as pool:
            readers: dict[tuple[str, ...], Texts] = {}
            for part in self._parts:
                names = tuple(part.missing(self._columns)[0])
                if names and names not in readers:
                    readers[names] = Texts(files, self._index.files, names)
            self._estimate(files, readers, pool)
            tell(f"to read: {self.cost}")
            yield from self._read(partial(self._part, readers), pool)
            self._count(files.traffic.requests, files.traffic.received)

    def _split(self, table: pa.Table) -> Iterator[_Part]:
        """Yield the rows of each file, where they are read and with what is kept of them."""
        coded = table["file"].combine_chunks().dictionary_encode()
        names, numbers = coded.dictionary.to_pylist(), coded.indices.to_numpy()
        rows = table["row"].to_numpy()
        order = np.lexsort((rows, numbers))
        splits = self._index.manifest.splits
        for positions in np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1):
            if len(positions):
                read = file = names[numbers[positions[0]]]
                if set(self._columns) <= _IN_CAPTIONS and file.split("/")[0] in LICENSE_GROUPS:
                    beside = path_beside(file, "captions", splits)
                    read = beside if beside in self._index.files else file
                if read not in self._index.files:  # of a table beside the images
                    msg = f"{self._index.place.url} has no {read}; the folder is half written"
                    raise ArchiveError(msg)
                kept = {name: _kept(self._place(read, name)) for name in self._columns}
                yield _Part(read, positions, rows[positions], kept)

    def _estimate(
        self, files: Files, readers: dict[tuple[str, ...], Texts], pool: ThreadPoolExecutor
    ) -> None:
        def cost(part: _Part) -> tuple[int, int, int]:
            names, rows = part.missing(self._columns)
            if not names:
                return 0, 0, 0
            return len(rows), *readers[tuple(names)].cost(part.file, rows)

        costs = list(pool.map(cost, self._parts))
        lacking, requests, size = (
            (sum(each) for each in zip(*costs, strict=True)) if costs else (0, 0, 0)
        )
        kept = self.cost.rows - lacking if self._cache is not None else 0
        traffic = files.traffic
        self.cost = TextCost(
            self.cost.columns,
            self.cost.rows,
            requests + traffic.requests,
            size + traffic.received,
            kept,
        )

    def _count(self, requests: int, received: int) -> None:
        self.cost = TextCost(self.cost.columns, self.cost.rows, requests, received, self.cost.kept)

    def _read(
        self, read: Callable[[_Part], pa.Table], pool: ThreadPoolExecutor
    ) -> Iterator[tuple[np.ndarray, pa.Table]]:
        """Yield the parts in order, with few of them in memory."""
        ahead: deque[tuple[_Part, Future[pa.Table]]] = deque()
        for part in self._parts:
            ahead.append((part, pool.submit(read, part)))
            if len(ahead) > _AHEAD:
                done, table = ahead.popleft()
                yield done.positions, table.result()
        for done, table in ahead:
            yield done.positions, table.result()

    def _part(self, readers: dict[tuple[str, ...], Texts], part: _Part) -> pa.Table:
        names, missing = part.missing(self._columns)
        known = dict(part.kept)
        if names:
            rows, found = readers[tuple(names)].groups(part.file, missing)
            for name in names:
                known[name] = _merged(known[name], rows, found[name])
                place = self._place(part.file, name)
                if place is not None:
                    _write(place, *known[name])
        columns = {}
        for name, (rows, values) in known.items():
            columns[name] = values.take(pa.array(np.searchsorted(rows, part.rows)))
        return pa.table(columns)

    def _place(self, file: str, column: str) -> Path | None:
        if self._cache is None:
            return None
        return self._cache / self._index.files[file].sha256 / column


_IN_CAPTIONS = frozenset(column_names(CaptionRow))
_NOTHING = (np.empty(0, np.int64), pa.chunked_array([], type=pa.string()))


def _merged(
    kept: tuple[np.ndarray, pa.ChunkedArray], rows: np.ndarray, values: pa.ChunkedArray
) -> tuple[np.ndarray, pa.ChunkedArray]:
    """Return values by row, ascending: those kept, and those of whole row groups just read."""
    fresh = ~np.isin(rows, kept[0])
    rows, values = rows[fresh], values.filter(pa.array(fresh))
    if len(kept[0]):
        rows = np.concatenate([kept[0], rows])
        values = pa.chunked_array([*kept[1].chunks, *values.chunks], type=values.type)
    order = np.argsort(rows)
    return rows[order], values.take(pa.array(order))


def _kept(place: Path | None) -> tuple[np.ndarray, pa.ChunkedArray]:
    """Return what is kept of a column of a file: row numbers, ascending, and values."""
    if place is None or not place.is_file():
        return _NOTHING
    try:
        with pa.memory_map(str(place)) as file:
            table = pa.ipc.open_file(file).read_all()
        return table["row"].to_numpy(), table["value"]
    except (pa.ArrowInvalid, OSError, KeyError) as error:
        logger.info("%s is read again: %s", place, error)
        return _NOTHING


def _write(place: Path, rows: np.ndarray, values: pa.ChunkedArray) -> None:
    table = pa.table({"row": pa.array(rows), "value": values})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(
        sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")
    ) as file:
        file.write_table(table)
    keep(sink.getvalue().to_pybytes(), place)


def read_columns(index: Index, table: pa.Table, columns: list[str]) -> pa.Table:
    """Return columns missing from the index, for some of its rows in order."""
    parts = list(ColumnReader(index, table, columns, keeps=False).read(logger.debug))
    order = np.argsort(np.concatenate([positions for positions, _ in parts]))
    return pa.concat_tables(part for _, part in parts).take(pa.array(order))
