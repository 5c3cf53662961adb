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

from .documents import read_documents
from .lexical import write_segment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from biomedica_dataset.engine.launch import Launch
    from biomedica_dataset.engine.lock import RunLock
    from biomedica_dataset.engine.outcome import StageRun
    from biomedica_dataset.engine.progress import Progress
    from biomedica_dataset.engine.stage import WorkerContext
    from biomedica_dataset.folder.manifest import Manifest
    from biomedica_dataset.folder.record import ShardFile

    from .documents import SearchDocument

    Run = StageRun["SearchRecord", int]

_CODE = ("search.documents", "search.lexical", "search.words")
_RECORDS = f"{RECORDS}/{SEARCH}"


@dataclass(frozen=True, slots=True)
class SearchRecord:
    """The parts of a file of the index, and what they were made from."""

    fingerprint: str
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

    @cached_property
    def output(self) -> Folder:
        """The dataset folder."""
        return Folder(self.url)

    @cached_property
    def manifest(self) -> Manifest:
        """What the folder holds."""
        return read_manifest(self.output)

    def begin(self, lock: RunLock) -> None:
        """Refuse a folder that is not a dataset folder."""
        _ = self.manifest

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
        name = _record_name(task)
        if not self.output.exists(name):
            return None
        record = read_json(self.output, name, SearchRecord, "Remove it and build again.")
        is_same = record.fingerprint == self._fingerprint(task)
        return record if is_same and record.is_whole(self.output) else None

    def make(self, task: ShardFile, context: WorkerContext) -> int:
        """Write the parts of a file of the index, and last their record."""
        fingerprint, parts = self._fingerprint(task), []
        for is_other in (False, True):
            name = hashlib.sha256(f"{fingerprint} {task.path} {is_other}".encode()).hexdigest()[:32]
            splits = self.manifest.splits
            read = read_documents(self.output, task.path, splits, is_other=is_other)
            rows, words = write_segment(_counted(read, context.progress), name, self.output)
            if rows:
                parts.append(
                    SearchPart(
                        index=task.path, is_other=is_other, rows=rows, segment=name, words=words
                    )
                )
        record = json.dumps(asdict(SearchRecord(fingerprint, parts)), indent=1).encode()
        self.output.write_bytes(_record_name(task), record)
        return self.number(task)

    def finish(self, run: Run) -> SearchIndex:
        """Name the files in the manifest, and remove those of an earlier state."""
        search = SearchIndex(parts=[part for one in run.records.values() for part in one.parts])
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


def _counted(documents: Iterator[SearchDocument], progress: Progress) -> Iterator[SearchDocument]:
    for one in documents:
        progress.tick(1, 0, 0)
        yield one


def _record_name(task: ShardFile) -> str:
    return f"{_RECORDS}/{PurePosixPath(task.path).stem}.json"


def build_search(
    dataset: str | os.PathLike[str],
    *,
    workers: int | None = None,
    launch: Launch | None = None,
    progress: Progress | None = None,
) -> SearchBuildReport:
    """Make the figures of a dataset folder searchable, or bring their search up to date.

    Parameters
    ----------
    dataset
        A dataset folder; the files are added to it, below ``search``.
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
    stage = SearchStage(os.fspath(dataset))
    run = stage.run(launch, workers=workers, progress=progress)
    search = run.finished or SearchIndex()
    return SearchBuildReport(search, stage.url, len(run.made), run.left)
