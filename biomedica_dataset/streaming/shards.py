"""Rows of a dataset folder, fetched ahead: pictures by joined ranges, the rest by row groups."""

from __future__ import annotations

import hashlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from biomedica_dataset.errors import SourceError
from biomedica_dataset.schema import IndexRow, column_names

from .ranges import Span, join
from .texts import Texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .index import Index
    from .places import Files

_THREADS = 24
_TEXT_THREADS = 24
_GAP = 4096  # bytes: next to a picture of 150 kB not worth a request
_MOST = 4 * 2**20
_RUNS_AHEAD = 2
_ROWS_AHEAD = 96

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Part:
    """Some rows of a file, under way.

    Parameters
    ----------
    text
        Their columns without the picture, and those of other parts, by position.
    """

    file: str
    positions: np.ndarray
    text: Future[dict[int, Row]]
    pictures: Future[list[tuple[bytes, str | None]]] | None


class Reader:
    """Reads rows by their positions among chosen rows; it can be sent to another process.

    Parameters
    ----------
    table
        The chosen rows of the index.
    columns
        What a row consists of, in order.
    verify
        Whether the SHA-256 of each picture is checked; it is wherever ``image_hash`` is one of the
        columns.
    """

    def __init__(
        self, index: Index, table: pa.Table, columns: Sequence[str], *, verify: bool = False
    ) -> None:
        indexed = set(column_names(IndexRow))
        self._place, self._columns = index.place, list(columns)
        self._addresses: dict[str, str] = {}  # kept for the next epoch, and for other processes
        self._with_image = "image" in columns
        asked = dict.fromkeys(columns)
        if verify and self._with_image:
            asked["image_hash"] = None
        self._text = [name for name in asked if name not in indexed and name != "image"]
        self._known = table.select([name for name in columns if name in indexed])
        coded = table["file"].combine_chunks().dictionary_encode()
        self._files: list[str] = coded.dictionary.to_pylist()
        self._file = coded.indices.to_numpy(zero_copy_only=False)
        self._row = table["row"].to_numpy()
        self._offset = table["image_offset"].to_numpy()
        self._length = table["image_length"].to_numpy()
        self._sizes = {name: index.files.get(name, 0) for name in self._files}
        counts = pc.value_counts(index.table["file"]).to_pylist()
        self._expected = {count["values"]: count["counts"] for count in counts}
        missing = [name for name in self._files if name not in index.files]
        if missing:
            msg = (
                f"{index.place.url}: the index names {missing[0]}, and the manifest does not; "
                "it is half written"
            )
            raise SourceError(msg)

    def rows(self, runs: Iterable[np.ndarray]) -> Iterator[Row]:
        """Yield rows in the order of their positions, the requests of the next runs under way.

        Parameters
        ----------
        runs
            Positions; each int64 of shape (rows,).

        Raises
        ------
        SourceError
            Bytes cannot be had after all retries, or differ from what the index says.
        """
        files = self._place.open(self._addresses)
        # Texts have threads of their own, so that waiting for a footer holds up no picture.
        pools = [ThreadPoolExecutor(_THREADS), ThreadPoolExecutor(_TEXT_THREADS)]
        texts = Texts(files, self._sizes, self._text)
        ahead: deque[tuple[np.ndarray, deque[_Part]]] = deque()
        waiting = iter(runs)
        try:
            while True:
                while len(ahead) < _RUNS_AHEAD or sum(len(r) for r, _ in ahead) < _ROWS_AHEAD:
                    run = next(waiting, None)
                    if run is None:
                        break
                    ahead.append((run, deque(self._submit(run, files, texts, pools))))
                if not ahead:
                    return
                yield from self._in_order(*ahead.popleft())
        finally:
            files.close()
            for pool in pools:
                pool.shutdown(cancel_futures=True)
            files.close()  # what a thread opened between the two

    def cost(self, runs: Iterable[np.ndarray]) -> tuple[int, int]:
        """Return requests for pictures and the bytes they move; footers and text come on top."""
        spans = [
            span
            for run in runs
            for part in self._by_file(self._sorted(run))
            for span in self._spans(part)
        ]
        return len(spans), sum(span.length for span in spans)

    def _submit(
        self, run: np.ndarray, files: Files, texts: Texts, pools: list[ThreadPoolExecutor]
    ) -> Iterator[_Part]:
        """Ask for all that a run needs, in the order of files and places."""
        for positions in self._by_file(self._sorted(run)):
            file = self._files[self._file[positions[0]]]
            text = pools[1].submit(self._rows_without_image, texts, file, positions)
            if not self._with_image:
                yield _Part(file, positions, text, None)
                continue
            for span in self._spans(positions):
                mine = positions[span.members]
                pictures = pools[0].submit(self._pictures, files, file, span, mine)
                yield _Part(file, mine, text, pictures)

    def _sorted(self, run: np.ndarray) -> np.ndarray:
        return run[np.lexsort((self._row[run], self._file[run]))]

    def _spans(self, positions: np.ndarray) -> list[Span]:
        starts, lengths = self._offset[positions].tolist(), self._length[positions].tolist()
        return join(list(zip(starts, lengths, strict=True)), _GAP, _MOST)

    def _rows_without_image(self, texts: Texts, file: str, positions: np.ndarray) -> dict[int, Row]:
        rows: list[Row] = [{} for _ in positions]
        if self._known.num_columns:
            rows = self._known.take(pa.array(positions)).to_pylist()
        if self._text:
            table = texts.rows(file, self._row[positions], self._expected[file])
            rows = [row | text for row, text in zip(rows, table.to_pylist(), strict=True)]
        return dict(zip(positions.tolist(), rows, strict=True))

    def _pictures(
        self, files: Files, file: str, span: Span, positions: np.ndarray
    ) -> list[tuple[bytes, str | None]]:
        """Return the pictures of a request, with their SHA-256 where it is checked."""
        data = memoryview(files.range(file, span.start, span.length))
        starts = (self._offset[positions] - span.start).tolist()
        ends = (self._offset[positions] - span.start + self._length[positions]).tolist()
        images = [bytes(data[start:end]) for start, end in zip(starts, ends, strict=True)]
        checked = "image_hash" in self._text
        return [(i, hashlib.sha256(i).hexdigest() if checked else None) for i in images]

    def _in_order(self, run: np.ndarray, parts: deque[_Part]) -> Iterator[Row]:
        there: dict[int, Row] = {}
        for position in run.tolist():
            while position not in there:
                there.update(self._joined(parts.popleft()))
            yield there.pop(position)

    def _joined(self, part: _Part) -> Iterator[tuple[int, Row]]:
        rows = part.text.result()
        pictures = part.pictures.result() if part.pictures else [(b"", None)] * len(part.positions)
        for position, (image, digest) in zip(part.positions.tolist(), pictures, strict=True):
            row = rows[position]
            if part.pictures:
                self._check(row, digest, part.file)
                row["image"] = {"bytes": image, "path": row.get("image_file_name")}
            yield position, {name: row[name] for name in self._columns}

    def texts(self) -> pa.Table:
        """Return the columns that the index does not have, of all rows in order."""
        files = self._place.open(self._addresses)
        texts = Texts(files, self._sizes, self._text)
        order = np.lexsort((self._row, self._file))

        def read(part: np.ndarray) -> pa.Table:
            file = self._files[self._file[part[0]]]
            return texts.rows(file, self._row[part], self._expected[file])

        with closing(files), ThreadPoolExecutor(_THREADS) as pool:
            table = pa.concat_tables(pool.map(read, self._by_file(order)))
        return table.take(pa.array(np.argsort(order))).select(self._text)

    def _by_file(self, order: np.ndarray) -> list[np.ndarray]:
        """Return positions that are sorted by file as a list for each file."""
        return np.split(order, np.flatnonzero(np.diff(self._file[order])) + 1)

    def _check(self, row: Row, digest: str | None, file: str) -> None:
        if digest is not None and digest != row["image_hash"]:
            msg = (
                f"a picture of {self._place.url}/{file} ({row.get('key', digest)}) has another "
                "SHA-256 than its row says: the file has changed, or was spoilt on the way; "
                "open the "
                "dataset again, or run biomedica verify on its source"
            )
            raise SourceError(msg)


def read_columns(index: Index, table: pa.Table, columns: list[str]) -> pa.Table:
    """Return columns that the index does not have, of some of its rows, in their order."""
    reader = Reader(index, table, columns)
    return reader.texts()
