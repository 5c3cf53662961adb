"""`search build`: makes the figures of a dataset folder searchable."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, ClassVar

import pyarrow.compute as pc

from biomedica_dataset.card.write import publish
from biomedica_dataset.engine.fingerprint import code_fingerprint
from biomedica_dataset.engine.report import Shown, part_message
from biomedica_dataset.engine.stage import Stage
from biomedica_dataset.extras import require
from biomedica_dataset.folder.index_rows import read_index_table
from biomedica_dataset.folder.manifest import read_manifest
from biomedica_dataset.folder.record import AGAIN, RECORDS
from biomedica_dataset.folder.search_files import SEARCH, SearchIndex, SearchPart
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.io.typed import read_json

from .bit_vectors import write_bits
from .documents import read_documents
from .lexical import write_segment
from .text_model import TextModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from biomedica_dataset.engine.launch import Launch
    from biomedica_dataset.engine.lock import RunLock
    from biomedica_dataset.engine.outcome import StageRun
    from biomedica_dataset.engine.progress import Progress
    from biomedica_dataset.engine.stage import WorkerContext
    from biomedica_dataset.folder.manifest import Manifest
    from biomedica_dataset.folder.record import ShardFile
    from biomedica_dataset.folder.search_files import SearchFile

    from .documents import SearchDocument

    Run = StageRun["SearchRecord", int]

_CODE = ("search.documents", "search.lexical", "search.words")
_VECTORS_CODE = ("search.bit_vectors", "search.text_model")
_RECORDS = f"{RECORDS}/{SEARCH}"


@dataclass(frozen=True, slots=True)
class SearchRecord:
    """The parts of a file of the index, and what they were made from.

    Parameters
    ----------
    fingerprint, vectors
        Fingerprints of the inputs of words and of vectors; ``vectors`` is empty if there are none.
    """

    fingerprint: str
    vectors: str = ""
    parts: list[SearchPart] = field(default_factory=list)

    def is_whole(self, folder: Folder) -> bool:
        """Whether the files exist and have their original sizes."""
        files = [file for part in self.parts for file in part.files]
        return all(folder.exists(one.path) and folder.size(one.path) == one.bytes for one in files)


@dataclass(frozen=True, slots=True, repr=False)
class SearchBuildReport(Shown):
    """What can be found, and what this run made.

    Parameters
    ----------
    written, left
        Files of the index whose rows this run read, and those of other parts that are not done.
    """

    search: SearchIndex
    url: str
    written: int
    left: int

    def __str__(self) -> str:
        """Return the report in words."""
        if self.left:
            return part_message(self.written, self.left, "files of the index")
        size = f"{self.search.rows:,} rows can be found, {self.search.bytes / 1e6:,.1f} MB"
        if not self.written:
            return f"{size}; nothing to do: {self.url}/{SEARCH} is up to date"
        return f'{size}\nnext: biomedica search {self.url} "a few words"'


@dataclass(frozen=True)
class SearchStage(Stage["ShardFile", SearchRecord, int]):
    """Writes a segment of words for each file of the index and group of licences."""

    unit: ClassVar[str] = "rows"

    url: str
    text_model: str | None = None

    @cached_property
    def output(self) -> Folder:
        """The dataset folder."""
        return Folder(self.url)

    @cached_property
    def manifest(self) -> Manifest:
        """What the folder holds."""
        return read_manifest(self.output)

    @cached_property
    def model(self) -> TextModel | None:
        """The model of the vectors of captions."""
        return TextModel(self.text_model) if self.text_model is not None else None

    def begin(self, lock: RunLock) -> None:
        """Refuse what is not a dataset folder or a model."""
        _ = self.manifest, self.model

    def tasks(self) -> list[ShardFile]:
        """Return the files of the index."""
        return self.manifest.config_files("index")

    def number(self, task: ShardFile) -> int:
        """Return the place of a file of the index."""
        return [file.path for file in self.tasks()].index(task.path)

    def size(self, task: ShardFile) -> int:
        """Return its rows."""
        return task.rows

    def record(self, task: ShardFile) -> SearchRecord | None:
        """Return the record of the rows of a file of the index, if it is up to date."""
        record = self._words_record(task)
        return record if record and record.vectors == self._vectors_fingerprint(task) else None

    def _words_record(self, task: ShardFile) -> SearchRecord | None:
        """Return the record of rows whose words are up to date, whatever their vectors."""
        name = _record_name(task)
        if not self.output.exists(name):
            return None
        record = read_json(self.output, name, SearchRecord, "Remove it and build again.")
        is_same = record.fingerprint == self._fingerprint(task)
        return record if is_same and record.is_whole(self.output) else None

    def make(self, task: ShardFile, context: WorkerContext) -> int:
        """Write the parts of a file of the index, and last their record."""
        fingerprint, before = self._fingerprint(task), self._words_record(task)
        parts = before.parts if before else []
        for is_other in (False, True) if before is None else ():
            name = _name(fingerprint, task.path, is_other)
            documents = _counted(self._documents(task, is_other=is_other), context.progress)
            rows, words = write_segment(documents, name, self.output)
            if rows:
                part = SearchPart(
                    index=task.path, is_other=is_other, rows=rows, segment=name, words=words
                )
                parts.append(part)
        vectors = self._vectors_fingerprint(task)
        parts = [replace(part, text=self._text(task, part, vectors)) for part in parts]
        record = json.dumps(asdict(SearchRecord(fingerprint, vectors, parts)), indent=1).encode()
        self.output.write_bytes(_record_name(task), record)
        return self.number(task)

    def _documents(self, task: ShardFile, *, is_other: bool) -> Iterator[SearchDocument]:
        return read_documents(self.output, task.path, self.manifest.splits, is_other=is_other)

    def _text(self, task: ShardFile, part: SearchPart, vectors: str) -> SearchFile | None:
        """Write the vectors of the captions of a part."""
        if self.model is None:
            return None
        captions = (one.caption for one in self._documents(task, is_other=part.is_other))
        name = f"{_name(vectors, task.path, part.is_other)}.text"
        return write_bits(captions, self.model.encode, name, self.output)

    def finish(self, run: Run) -> SearchIndex:
        """Name the files in the manifest, and remove those of an earlier state."""
        parts = [part for one in run.records.values() for part in one.parts]
        search = SearchIndex(text_model=self.model.id if self.model else None, parts=parts)
        if search != self.manifest.search:
            publish(self.output, replace(self.manifest, search=search))
        named = {PurePosixPath(file.path).name for file in search.files}
        for name in self.output.names(SEARCH):
            if name not in named:
                self.output.remove(f"{SEARCH}/{name}")
        records = {PurePosixPath(_record_name(task)).name for task in self.tasks()}
        for name in self.output.names(_RECORDS):
            if name not in records:
                self.output.remove(f"{_RECORDS}/{name}")
        return search

    def _fingerprint(self, task: ShardFile) -> str:
        """Return the fingerprint of rows and texts, and of the code that reads them."""
        with self.output.reading(task.path, AGAIN) as file:
            images = pc.unique(read_index_table(file, ["file"])["file"]).to_pylist()
        shards = {PurePosixPath(path).name for path in images}
        texts = [
            f"{file.path} {file.sha256}"
            for file in self.manifest.config_files("captions")
            if PurePosixPath(file.path).name in shards
        ]
        code = code_fingerprint(_CODE, ("tantivy",))
        return hashlib.sha256("\n".join([code, task.sha256, *texts]).encode()).hexdigest()

    def _vectors_fingerprint(self, task: ShardFile) -> str:
        """Return the fingerprint of captions, model and code; empty if there is no model."""
        if self.model is None:
            return ""
        inputs = [self._fingerprint(task), repr(self.model.id), code_fingerprint(_VECTORS_CODE)]
        return hashlib.sha256("\n".join(inputs).encode()).hexdigest()


def _counted(documents: Iterator[SearchDocument], progress: Progress) -> Iterator[SearchDocument]:
    for one in documents:
        progress.tick(1, 0, 0)
        yield one


def _name(fingerprint: str, index: str, is_other: bool) -> str:  # noqa: FBT001 - of a part
    """Return the name of the files of a part."""
    return hashlib.sha256(f"{fingerprint} {index} {is_other}".encode()).hexdigest()[:32]


def _record_name(task: ShardFile) -> str:
    return f"{_RECORDS}/{PurePosixPath(task.path).stem}.json"


def build_search(
    dataset: str | os.PathLike[str],
    *,
    text_model: str | None = None,
    workers: int | None = None,
    launch: Launch | None = None,
    progress: Progress | None = None,
) -> SearchBuildReport:
    """Make the figures of a dataset folder searchable, or bring their search up to date.

    Parameters
    ----------
    dataset
        A dataset folder; the files are added to it, below ``search``.
    text_model
        A model of texts for transformers, its id on the Hub or a folder; without one, words alone
        are searched.
    workers
        Processes; as many as there are processors by default. Each holds the words of up to 64
        shards.
    launch
        Where it runs, and as which part of a run; alone by default.
    progress
        Shown while rows are read; silent by default.

    Raises
    ------
    UsageError
        It is not a finished dataset folder, or a library is missing.

    Examples
    --------
    >>> build_search("biomedica", workers=1).search.rows
    62
    """
    require("tantivy", "search")
    stage = SearchStage(os.fspath(dataset), text_model)
    run = stage.run(launch, workers=workers, progress=progress)
    search = run.finished or SearchIndex()
    return SearchBuildReport(search, stage.url, len(run.made), run.left)
