"""Reads and prefetches documents: their blocks by row groups, their images by byte ranges."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from biomedica_dataset.errors import ArchiveError
from biomedica_dataset.folder.document_rows import CONFIG, DOCUMENT_RULES
from biomedica_dataset.folder.record import path_beside
from biomedica_dataset.io.tables import columns_of
from biomedica_dataset.schema import DocumentRow, column_names

from .panel_reader import PanelReader
from .panels import expand
from .shards import Reader, Row
from .texts import Shared, Texts

if TYPE_CHECKING:
    from biomedica_dataset.engine.timings import Timings

    from .index import Index

ENTRIES = ("texts", "images", "kinds", "keys", "licenses", "credits")
"""Columns of a document that are lists of equal length: an entry for each text and each image."""

PANEL = "panel"
"""What an entry is that shows a part of a figure; others are of the kind of their block."""

_AHEAD = 2  # runs whose texts are read before their images are asked for
_FILES_KEPT = 64
_OF_FIGURES = (
    "key", "file", "row", "image_offset", "image_length", "image_width", "image_height",
    "image_decodes", "caption_length", "caption_digest", "panel_scores",
)  # fmt: skip
"""Columns of the index that a reader of panels uses."""


@dataclass(frozen=True, slots=True)
class ShownImages:
    """Which images of a document are read, and at most how many; see `open_dataset`.

    Parameters
    ----------
    min_score
        Least score of the panels that are read in place of their figure; ``None`` for figures.
    margin
        What is seen around a panel.
    """

    which: str
    most: int | None
    min_score: float | None = None
    margin: float = 0.0


class DocumentReader:
    """Reads documents by position; can be pickled for another process.

    Parameters
    ----------
    table
        The chosen documents: ``file`` and ``row``.
    columns
        Columns of a document, in order: those of `DocumentRow`, and `ENTRIES`.
    images
        Which images are read.
    is_allowed
        Whether a figure or table may be shown, by the group of its document and its licence.
    """

    def __init__(
        self,
        index: Index,
        table: pa.Table,
        columns: Sequence[str],
        images: ShownImages,
        is_allowed: Callable[[str, str | None], bool],
        *,
        verify: bool = False,
        timings: Timings | None = None,
    ) -> None:
        self._place, self._columns, self._images = index.place, list(columns), images
        self._is_allowed = is_allowed
        self._table, self._timings = table, timings
        self._read = [name for name in column_names(DocumentRow) if name in columns]
        self._read = list(dict.fromkeys(["blocks", *self._read]))
        self._shards = {path: index.files[path] for path in set(table["file"].to_pylist())}
        shown = index.table
        given: Any = {"verify": verify, "timings": timings}
        if images.min_score is None:
            self._reader = Reader(index, shown, ["key", "image"], **given)
        else:
            shown = _panels(index, self._shards, images.min_score)
            margin = images.margin
            self._reader = PanelReader(index, shown, ["key", "image"], margin=margin, **given)
        self._keys = shown["key"]
        self._beside = _beside(shown["file"], index)

    def rows(self, runs: Iterable[np.ndarray]) -> Generator[Row, None, None]:
        """Yield documents in the order of their positions, prefetching the next runs.

        Raises
        ------
        SourceError
            Bytes cannot be fetched after all retries, or do not match the index.
        ArchiveError
            A document shows a figure that the index does not have beside it.
        """
        files = self._place.open()
        known = columns_of(DocumentRow, DOCUMENT_RULES)
        texts = Texts(files, self._shards, self._read, known, timings=self._timings)
        found, waiting = Shared(_FILES_KEPT), deque[Any]()

        def figures() -> Iterator[np.ndarray]:
            for documents in read:
                waiting.append(documents)
                yield np.array([p for one in documents for p in one["positions"]], np.int64)

        with closing(files), ThreadPoolExecutor(_AHEAD) as pool:
            read = _in_order(pool, partial(self._documents, texts, found), runs)
            with closing(self._reader.in_runs(figures())) as images:
                for of_run in images:
                    for document in waiting.popleft():
                        yield self._finished(document, of_run)

    def _documents(self, texts: Texts, found: Shared, run: np.ndarray) -> list[Row]:
        """Return the documents of a run in its order, with the positions of their figures."""
        rows = self._table.take(pa.array(run)).to_pylist()
        documents: dict[int, Row] = {}
        for file in dict.fromkeys(row["file"] for row in rows):
            places = {row["row"]: n for n, row in enumerate(rows) if row["file"] == file}
            numbers = np.array(sorted(places), np.int64)
            positions = found.get(file, partial(self._positions, file))
            for number, row in zip(numbers, texts.rows(file, numbers).to_pylist(), strict=True):
                row["positions"] = self._shown(row, file, positions)
                documents[places[int(number)]] = row
        return [documents[n] for n in range(len(rows))]

    def _positions(self, file: str) -> dict[str, list[int]]:
        own, found = self._beside.get(file, np.empty(0, np.int64)), dict[str, list[int]]()
        for key, position in zip(
            self._keys.take(pa.array(own)).to_pylist(), own.tolist(), strict=True
        ):
            found.setdefault(key, []).append(position)
        return found

    def _shown(self, document: Row, file: str, positions: dict[str, list[int]]) -> list[int]:
        """Remove what may not be shown, and keys of images that are not; return those that are."""
        shown: list[int] = []
        which, most = self._images.which, self._images.most
        group, document["shown"] = file.split("/")[1], {}
        document["blocks"] = [
            block for block in document["blocks"]
            if not _floats(block) or self._is_allowed(group, block["license"])
        ]  # fmt: skip
        for number, block in enumerate(document["blocks"]):
            is_wanted = which == "all" or (which == "cited" and block["is_cited"])
            if block["key"] is None or not is_wanted or len(shown) == most:
                continue
            if block["key"] not in positions:
                msg = (
                    f"{self._place.url}/{file} shows {block['key']}, which the index does not have "
                    "beside it: the folder is half written or damaged; serialize it again"
                )
                raise ArchiveError(msg)
            images = positions[block["key"]][: None if most is None else most - len(shown)]
            shown += images
            document["shown"][number] = len(images)
        return shown

    def _finished(self, document: Row, images: Iterator[Row]) -> Row:
        entries: list[tuple[Any, ...]] = []
        for number, block in enumerate(document["blocks"]):
            rights = block["license"], block["credit"]
            for image in islice(images, document["shown"].get(number, 0)):
                kind = block["kind"] if image["key"] == block["key"] else PANEL
                entries.append((None, image["image"], kind, image["key"], *rights))
            text = "\n".join(filter(None, (block["text"], block["html"])))
            if text:
                entries.append((text, None, block["kind"], block["key"], *rights))
        lists = zip(*entries, strict=True) if entries else ((),) * len(ENTRIES)
        row = document | dict(zip(ENTRIES, map(list, lists), strict=True))
        return {name: row[name] for name in self._columns}


def _beside(files: pa.ChunkedArray, index: Index) -> dict[str, np.ndarray]:
    """Return the positions of the images beside each file of documents."""
    coded = files.combine_chunks().dictionary_encode()
    numbers = coded.indices.to_numpy(zero_copy_only=False)
    order = np.argsort(numbers, kind="stable")
    own = np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)
    paths = coded.dictionary.to_pylist()
    beside = [path_beside(path, CONFIG, index.manifest.splits) for path in paths]
    return dict(zip(beside, own, strict=False))  # without images there is one part, and no file


def _panels(index: Index, documents: Container[str], min_score: float) -> pa.Table:
    """Return the panels, or figures without one, that are beside some files of documents."""
    splits, files = index.manifest.splits, pc.unique(index.table["file"]).to_pylist()
    beside = [file for file in files if path_beside(file, CONFIG, splits) in documents]
    table = index.table.select(_OF_FIGURES)
    table = table.append_column("figure", pa.array(np.arange(len(table))))
    table = table.filter(pc.is_in(table["file"], value_set=pa.array(beside, pa.string())))
    return expand(index, table, min_score)


def _floats(block: Row) -> bool:
    return block["key"] is not None or block["html"] is not None


def _in_order(
    pool: ThreadPoolExecutor, read: Callable[[np.ndarray], list[Row]], runs: Iterable[np.ndarray]
) -> Iterator[list[Row]]:
    """Yield what is read for each run, reading the next ones meanwhile."""
    ahead: deque[Future[list[Row]]] = deque()
    for run in runs:
        ahead.append(pool.submit(read, run))
        if len(ahead) > _AHEAD:
            yield ahead.popleft().result()
    for one in ahead:
        yield one.result()
