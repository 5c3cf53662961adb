"""Reads and prefetches rows of a dataset folder.

Images and captions are fetched by joined byte ranges, other columns by row groups.
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pyarrow as pa

from biomedica_dataset.engine.timings import Timings, measured
from biomedica_dataset.folder.parquet import caption_digest
from biomedica_dataset.io.transfer import DamagedError
from biomedica_dataset.schema import IndexRow, column_names

from .boxes import check_boxes
from .decoding import FetchedImage
from .places import Files, until_valid
from .ranges import PLACES, RangeColumn, Span
from .texts import Texts

if TYPE_CHECKING:
    from .index import Index

_THREADS = 24
_RUNS_AHEAD, _MOST_RUNS_AHEAD = 2, 64
_ROWS_AHEAD, _BYTES_AHEAD = 512, 64 * 2**20

Row = dict[str, Any]


_Part = Future[dict[int, Row]]  # some columns of some rows, by position


class Reader:
    """Reads chosen rows by position; can be pickled for another process.

    Parameters
    ----------
    table
        The chosen rows of the index.
    columns
        Columns of a row, in order.
    verify
        Whether to check the SHA-256 of each image; always done if ``image_hash`` is among the
        columns. Captions are always checked.
    """

    def __init__(
        self,
        index: Index,
        table: pa.Table,
        columns: Sequence[str],
        *,
        verify: bool = False,
        timings: Timings | None = None,
    ) -> None:
        self._timings = timings
        indexed = set(column_names(IndexRow))
        self._place, self._columns = index.place, list(columns)
        self._addresses: dict[str, str] = {}  # kept for the next epoch, and for other processes
        asked = dict.fromkeys(columns)
        if verify and "image" in columns:
            asked["image_hash"] = None
        self._asked = len(asked)
        self._unindexed = [name for name in asked if name not in indexed and name != "image"]
        self._placed = [RangeColumn.of(table, name) for name in PLACES if name in asked]
        self._text = [name for name in self._unindexed if name not in PLACES]
        self._reads_text = bool(self._text)
        self._known = table.select([name for name in columns if name in indexed])
        coded = table["file"].combine_chunks().dictionary_encode()
        self._files: list[str] = coded.dictionary.to_pylist()
        self._file = coded.indices.to_numpy(zero_copy_only=False)
        self._row = table["row"].to_numpy()
        self._keys, self._decodes = table["key"], table["image_decodes"]
        self._captions = table.select(["caption_length", "caption_digest"])
        self._sizes = table.select(["image_width", "image_height"])
        self._shards = {name: index.files[name] for name in self._files}

    def rows(self, runs: Iterable[np.ndarray]) -> Generator[Row, None, None]:
        """Yield rows in the order of their positions; see `in_runs`."""
        with closing(self.in_runs(runs)) as found:
            yield from chain.from_iterable(found)

    def in_runs(self, runs: Iterable[np.ndarray]) -> Generator[Iterator[Row], None, None]:
        """Yield the rows of each run in the order of their positions, prefetching the next runs.

        Parameters
        ----------
        runs
            Positions; each int64 of shape (rows,).

        Raises
        ------
        SourceError
            Bytes cannot be fetched after all retries, or do not match the index.
        """
        files = self._place.open(self._addresses)
        # Separate threads for texts, so that waiting for a footer does not delay images.
        pools = [_pool(_THREADS if self._placed else 1), _pool(_THREADS if self._reads_text else 1)]
        texts = self._texts(files)
        ahead: deque[tuple[np.ndarray, list[_Part]]] = deque()
        waiting = iter(runs)
        try:
            while True:
                while self._has_room([run for run, _parts in ahead]):
                    run = next(waiting, None)
                    if run is None:
                        break
                    ahead.append((run, self._submit(run, files, texts, pools)))
                if not ahead:
                    return
                yield self._in_order(files, *ahead.popleft())
        finally:
            files.close()
            for pool in pools:
                pool.shutdown(cancel_futures=True)
            files.close()  # connections that a thread opened meanwhile

    def _texts(self, files: Files) -> list[Texts]:
        """Return the files of texts that rows are read from."""
        return [Texts(files, self._shards, self._text, timings=self._timings)]

    def _has_room(self, ahead: list[np.ndarray]) -> bool:
        """Whether to prefetch another run: enough to hide the latency of requests."""
        rows = sum(map(len, ahead))
        weight = sum(int(c.length[run].sum()) for c in self._placed for run in ahead)
        is_little = rows < _ROWS_AHEAD and weight < _BYTES_AHEAD and len(ahead) < _MOST_RUNS_AHEAD
        return len(ahead) < _RUNS_AHEAD or is_little

    def cost(self, runs: Iterable[np.ndarray]) -> tuple[int, int]:
        """Return the number and bytes of requests for images and captions only."""
        spans = [
            span
            for run in runs
            for positions in self._by_file(run)
            for column in self._placed
            for span in column.spans(positions)
        ]
        return len(spans), sum(span.length for span in spans)

    def _submit(
        self, run: np.ndarray, files: Files, texts: list[Texts], pools: list[ThreadPoolExecutor]
    ) -> list[_Part]:
        """Submit the requests of a run, in the order of files and offsets."""
        parts = []
        for positions in self._by_file(run):
            file = self._files[self._file[positions[0]]]
            parts.append(pools[1].submit(self._other_columns, texts, file, positions))
            for column in self._placed:
                for span in column.spans(positions):
                    mine = positions[span.members]
                    read = partial(self._values, files, file, column, span, mine)
                    parts.append(pools[0].submit(until_valid, files, file, read))
        return parts

    def _other_columns(
        self, texts: list[Texts], file: str, positions: np.ndarray
    ) -> dict[int, Row]:
        rows: list[Row] = [{} for _ in positions]
        if self._known.num_columns:
            rows = self._known.take(pa.array(positions)).to_pylist()
        if self._text:
            table = texts[0].rows(file, self._row[positions])
            rows = [row | text for row, text in zip(rows, table.to_pylist(), strict=True)]
        return dict(zip(positions.tolist(), rows, strict=True))

    def _values(
        self, files: Files, file: str, column: RangeColumn, span: Span, positions: np.ndarray
    ) -> dict[int, Row]:
        """Return the values of a request; images with their SHA-256 if it is checked."""
        with measured(self._timings, "network"):
            data = memoryview(files.range(file, span.start, span.length))
        starts = (column.offset[positions] - span.start).tolist()
        ends = (column.offset[positions] - span.start + column.length[positions]).tolist()
        places = list(zip(starts, ends, strict=True))
        cut: dict[Any, Any] = {(a, b): bytes(data[a:b]) for a, b in set(places)}  # panels share one
        if column.name == "image":
            cut = {place: (image, self._digest(image)) for place, image in cut.items()}
        values = [cut[place] for place in places]
        if column.name == "caption":
            expected = self._captions.take(pa.array(positions)).to_pylist()
            several = zip(positions.tolist(), values, expected, strict=True)
            values = [self._caption(*one) for one in several]
        return {p: {column.name: v} for p, v in zip(positions.tolist(), values, strict=True)}

    def _digest(self, image: bytes) -> str | None:
        if "image_hash" not in self._text:
            return None
        with measured(self._timings, "checking"):
            return hashlib.sha256(image).hexdigest()

    def _in_order(self, files: Files, run: np.ndarray, parts: list[_Part]) -> Iterator[Row]:
        rows: dict[int, Row] = {position: {} for position in run.tolist()}
        coming = iter(parts)
        for position in run.tolist():
            row = rows[position]
            while len(row) < self._asked:
                with measured(self._timings, "waiting for bytes"):
                    part = next(coming).result()
                for found, columns in part.items():
                    rows[found].update(columns)
            yield self._finished(files, position, rows.pop(position))

    def _finished(self, files: Files, position: int, row: Row) -> Row:
        if "image" in row:
            image, digest = row["image"]
            if digest is not None and digest != row["image_hash"]:
                file = self._files[self._file[position]]
                image = until_valid(files, file, partial(self._image, files, file, position, row))
            key, decodes = self._keys[position].as_py(), self._decodes[position].as_py()
            row["image"] = FetchedImage(image, row.get("image_file_name"), key, decodes)
            row["image"].timings = self._timings
        if row.get("panels"):
            (size,) = self._sizes.slice(position, 1).to_pylist()
            check_boxes(self._place.url, self._keys[position].as_py(), row["panels"], size)
        return {name: row[name] for name in self._columns}

    def _image(self, files: Files, file: str, position: int, row: Row) -> bytes:
        """Return an image that has its digest, read again."""
        (column,) = (column for column in self._placed if column.name == "image")
        (span,) = column.spans(np.array([position]))
        found = self._values(files, file, column, span, np.array([position]))
        image, digest = found[position]["image"]
        if digest != row["image_hash"]:
            self._refuse("image", position, "another SHA-256")
        return bytes(image)

    def _caption(self, position: int, value: bytes, expected: Row) -> str:
        text = value.decode(errors="replace")
        if len(text) != expected["caption_length"]:
            self._refuse("caption", position, "another length")
        if expected["caption_digest"] not in (None, caption_digest(value)):
            self._refuse("caption", position, "another SHA-256")
        return text

    def _refuse(self, what: str, position: int, differs: str) -> NoReturn:
        file, key = self._files[self._file[position]], self._keys[position]
        msg = (
            f"{self._place.url}/{file}: the {what} of {key} has {differs} than expected: the file "
            "has changed or was damaged in transit; open the dataset again, or run "
            "`biomedica verify` on its source"
        )
        raise DamagedError(msg)

    def _by_file(self, run: np.ndarray) -> list[np.ndarray]:
        """Return positions as an array per file, in the order of its rows."""
        order = run[np.lexsort((self._row[run], self._file[run]))]
        parts = np.split(order, np.flatnonzero(np.diff(self._file[order])) + 1)
        return [part for part in parts if len(part)]


def _pool(threads: int) -> ThreadPoolExecutor:
    """Return a pool with running threads: starting them among busy ones is slow."""
    pool, all_started = ThreadPoolExecutor(threads), threading.Barrier(threads)
    for _ in range(threads):
        pool.submit(all_started.wait)
    return pool
