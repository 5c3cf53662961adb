"""`search build`: makes the figures of a dataset folder searchable."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, ClassVar

import pyarrow.compute as pc

from biomedica_dataset.card.write import publish
from biomedica_dataset.engine.fingerprint import code_fingerprint
from biomedica_dataset.engine.stage import Stage, WorkerContext
from biomedica_dataset.extras import require
from biomedica_dataset.folder.index_rows import read_index_table
from biomedica_dataset.folder.manifest import Manifest, read_manifest
from biomedica_dataset.folder.record import AGAIN, RECORDS, ShardFile
from biomedica_dataset.folder.search_files import (
    SEARCH,
    ImageModelId,
    SearchFile,
    SearchIndex,
    SearchPart,
)
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.io.typed import read_json
from biomedica_dataset.streaming.reading.panels import UNITS

from .build_report import SearchBuildReport, SearchRecord
from .documents import SearchDocument, read_documents
from .lexical import write_segment
from .vectors.bit_vectors import write_bits
from .vectors.image_vectors import centred, find_model, read_vectors
from .vectors.text_model import TextModel

if TYPE_CHECKING:
    from biomedica_dataset.engine.launch import Launch
    from biomedica_dataset.engine.lock import RunLock
    from biomedica_dataset.engine.outcome import StageRun
    from biomedica_dataset.engine.progress import Progress

    Run = StageRun["SearchRecord", int]

_CODE = ("search.documents", "search.lexical", "search.words")
_VECTORS_CODE = ("search.vectors.bit_vectors", "search.vectors.text_model")
_IMAGES_CODE = ("search.vectors.bit_vectors", "search.vectors.image_vectors")
_RECORDS = f"{RECORDS}/{SEARCH}"


@dataclass(frozen=True)
class SearchStage(Stage["ShardFile", SearchRecord, int]):
    """Writes segments of words for each file of the index: by group of licences, and of panels."""

    unit: ClassVar[str] = "rows"

    url: str
    text_model: str | None = None
    image_vectors: bool = False

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

    @cached_property
    def image_model(self) -> ImageModelId | None:
        """What made the vectors of images, if these are searched."""
        return find_model(self.output, self.manifest) if self.image_vectors else None

    def begin(self, lock: RunLock) -> None:
        """Refuse what is not a dataset folder or a model."""
        _ = self.manifest, self.model, self.image_model

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
        wanted = self._vectors_fingerprint(task), self._images_fingerprint(task)
        return record if record and (record.vectors, record.images) == wanted else None

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
        parts = before.parts if before else self._words(task, fingerprint, context.progress)
        vectors, images = self._vectors_fingerprint(task), self._images_fingerprint(task)
        if before is None or before.vectors != vectors:
            parts = [replace(part, text=self._text(task, part, vectors)) for part in parts]
        if before is None or before.images != images:
            parts = [replace(part, image=self._image(task, part, images)) for part in parts]
        made = SearchRecord(fingerprint, vectors, images, parts)
        record = json.dumps(asdict(made), indent=1).encode()
        self.output.write_bytes(_record_name(task), record)
        return self.number(task)

    def _words(self, task: ShardFile, fingerprint: str, progress: Progress) -> list[SearchPart]:
        """Write the words of a file of the index: of its figures, and of panels if it has any."""
        parts = []
        for unit in UNITS if self.manifest.rows("panels") else UNITS[:1]:
            for is_other in (False, True):
                name = _name(fingerprint, task.path, unit, is_other)
                documents = self._documents(task, unit, is_other=is_other)
                if unit == "figure":
                    documents = _counted(documents, progress)
                rows, words = write_segment(documents, name, self.output)
                if rows:
                    part = SearchPart(
                        index=task.path, is_other=is_other, unit=unit, rows=rows, segment=name,
                        words=words,
                    )  # fmt: skip
                    parts.append(part)
        return parts

    def _documents(self, task: ShardFile, unit: str, *, is_other: bool) -> Iterator[SearchDocument]:
        splits = self.manifest.splits
        return read_documents(self.output, task.path, splits, is_other=is_other, unit=unit)

    def _text(self, task: ShardFile, part: SearchPart, vectors: str) -> SearchFile | None:
        """Write the vectors of the captions and titles of a part."""
        if self.model is None:
            return None
        documents = self._documents(task, part.unit, is_other=part.is_other)
        name = f"{_name(vectors, task.path, part.unit, part.is_other)}.text"
        texts = ((one.caption, one.title) for one in documents)
        return write_bits(texts, self.model.encode_titled, name, self.output)

    def _image(self, task: ShardFile, part: SearchPart, images: str) -> SearchFile | None:
        """Write the vectors of the images of a part; there are none of panels."""
        if self.image_model is None or part.unit == "panel":
            return None
        vectors = read_vectors(
            self.output, task.path, self.manifest, self.image_model, is_other=part.is_other
        )
        name = f"{_name(images, task.path, part.unit, part.is_other)}.image"
        return write_bits(vectors, centred, name, self.output)

    def finish(self, run: Run) -> SearchIndex:
        """Name the files in the manifest, and remove those of an earlier state."""
        parts = [part for one in run.records.values() for part in one.parts]
        search = SearchIndex(
            text_model=self.model.id if self.model else None,
            image_model=self.image_model,
            parts=parts,
        )
        if search != self.manifest.search:
            self.publish(replace(self.manifest, search=search))
        named = {PurePosixPath(file.path).name for file in search.files}
        for name in self.output.names(SEARCH):
            if name not in named:
                self.output.remove(f"{SEARCH}/{name}")
        records = {PurePosixPath(_record_name(task)).name for task in self.tasks()}
        for name in self.output.names(_RECORDS):
            if name not in records:
                self.output.remove(f"{_RECORDS}/{name}")
        return search

    def publish(self, manifest: Manifest) -> None:
        """Write the card and the manifest."""
        publish(self.output, manifest)

    def _fingerprint(self, task: ShardFile) -> str:
        """Return the fingerprint of rows and texts, and of the code that reads them."""
        code = code_fingerprint(_CODE, ("tantivy",))
        texts = [*self._beside(task, "captions"), *self._beside(task, "panels")]
        return _digest([code, task.sha256, *texts])

    def _beside(self, task: ShardFile, config: str) -> list[str]:
        """Return path and digest of the files of another config with the rows of a file."""
        with self.output.reading(task.path, AGAIN) as file:
            images = pc.unique(read_index_table(file, ["file"])["file"]).to_pylist()
        shards = {PurePosixPath(path).name for path in images}
        files = self.manifest.config_files(config)
        return [
            f"{one.path} {one.sha256}" for one in files if PurePosixPath(one.path).name in shards
        ]

    def _vectors_fingerprint(self, task: ShardFile) -> str:
        """Return the fingerprint of captions, model and code; empty if there is no model."""
        if self.model is None:
            return ""
        code = code_fingerprint(_VECTORS_CODE)
        return _digest([self._fingerprint(task), repr(self.model.id), code])

    def _images_fingerprint(self, task: ShardFile) -> str:
        """Return the fingerprint of rows, vectors and code; empty if images are not searched."""
        if self.image_model is None:
            return ""
        code = code_fingerprint(_IMAGES_CODE)
        return _digest(
            [task.sha256, repr(self.image_model), code, *self._beside(task, "embeddings")]
        )


def _digest(inputs: list[str]) -> str:
    return hashlib.sha256("\n".join(inputs).encode()).hexdigest()


def _counted(documents: Iterator[SearchDocument], progress: Progress) -> Iterator[SearchDocument]:
    for one in documents:
        progress.tick(1, 0, 0)
        yield one


def _name(fingerprint: str, index: str, unit: str, is_other: bool) -> str:  # noqa: FBT001 - of a part
    """Return the name of the files of a part."""
    named = f"{fingerprint} {index} {unit} {is_other}"
    return hashlib.sha256(named.encode()).hexdigest()[:32]


def _record_name(task: ShardFile) -> str:
    return f"{_RECORDS}/{PurePosixPath(task.path).stem}.json"


def build_search(
    dataset: str | os.PathLike[str],
    *,
    text_model: str | None = None,
    image_vectors: bool = False,
    workers: int | None = None,
    launch: Launch | None = None,
    progress: Progress | None = None,
) -> SearchBuildReport:
    """Make the figures and panels of a dataset folder searchable, or bring that up to date.

    Parameters
    ----------
    dataset
        A dataset folder; the files are added to it, below ``search``.
    text_model
        A model of texts for transformers, its id on the Hub or a folder; without one, words alone
        are searched.
    image_vectors
        Whether to make images searchable by images, from the config ``embeddings``.
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
    stage = SearchStage(os.fspath(dataset), text_model, image_vectors)
    run = stage.run(launch, workers=workers, progress=progress)
    search = run.finished or SearchIndex()
    return SearchBuildReport(search, stage.url, len(run.made), run.left)
