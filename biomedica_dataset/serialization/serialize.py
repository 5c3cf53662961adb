"""`serialize`: from an archive to the dataset folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.card.write import CARD
from biomedica_dataset.engine.report import total
from biomedica_dataset.engine.stage import Stage, WorkerContext
from biomedica_dataset.folder.manifest import MANIFEST, Manifest, read_manifest
from biomedica_dataset.folder.partition import Partition, begin
from biomedica_dataset.folder.record import RECORDS, ShardRecord, read_record
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.joins import JoinFolders, Joins

from .attributes import BlockRows
from .image_groups import ImageGroups, find_groups, groups_of_duplicates
from .report import SerializeReport
from .shard import ShardSource, build_shard, kept
from .vectors import join_vectors, vectors_fingerprint
from .write_dataset import manifest_of, remove_shard, write_dataset

if TYPE_CHECKING:
    from biomedica_dataset.engine.launch import Launch
    from biomedica_dataset.engine.lock import RunLock
    from biomedica_dataset.engine.outcome import StageRun
    from biomedica_dataset.engine.progress import Progress
    from biomedica_dataset.folder.splits import Splits

    Run = StageRun[ShardRecord, int]

Shard = tuple[int, list[int]]
"""Number and blocks of a shard."""

_MARKER = f"{RECORDS}/shards.json"
_ALL_SHARD_BLOCKS = (
    2  # of 1000 PMCIDs each: 200 to 500 MB per shard of all PMC, and under 10,000 files per folder
)


@dataclass(frozen=True)
class SerializeStage(Stage[Shard, ShardRecord, int]):
    """Writes the shards of a dataset folder, then index, card and manifest.

    Parameters
    ----------
    splits, split_by
        The requested splits; ``None`` takes those that the folder was begun with.
    check_images, documents
        Whether to decode each image, and to write the articles as documents.
    """

    unit: ClassVar[str] = "articles"

    source: str
    url: str
    folders: JoinFolders
    splits: Splits | str | None
    split_by: str | None
    check_images: bool
    documents: bool = False

    @cached_property
    def output(self) -> Folder:
        """The dataset folder."""
        return Folder(self.url)

    @cached_property
    def archive(self) -> Archive:
        """The archive."""
        return Archive.open(self.source)

    @cached_property
    def joins(self) -> Joins:
        """What is joined to the rows."""
        return Joins.open(self.folders)

    @cached_property
    def partition(self) -> Partition:
        """How the folder was begun; the first access begins it."""
        return begin(
            self.output, self.archive, marker=_MARKER, of_all=_ALL_SHARD_BLOCKS,
            splits=self.splits, split_by=self.split_by,
        )  # fmt: skip

    @cached_property
    def groups(self) -> ImageGroups:
        """The groups of articles that stay in one split; none if articles are split alone."""
        by = self.partition.splits.by
        if by == "duplicates":
            return groups_of_duplicates(self.joins.duplicates())
        return find_groups(self.archive) if by == "image" else ImageGroups()

    @property
    def inputs(self) -> ShardSource:
        """What shards are made from."""
        splits = self.partition.splits
        return ShardSource(
            self.archive, self.joins, splits, self.groups, self.check_images, self.documents
        )

    def begin(self, lock: RunLock) -> None:
        """Begin the dataset folder, and find the groups for all processes of this run."""
        _ = self.groups

    def tasks(self) -> list[Shard]:
        """Return the shards with their blocks."""
        shards: dict[int, list[int]] = {}
        for block in self.archive.blocks():
            shards.setdefault(block // self.partition.blocks, []).append(block)
        return list(shards.items())

    def number(self, task: Shard) -> int:
        """Return the number of a shard."""
        return task[0]

    def size(self, task: Shard) -> int:
        """Return the articles of a shard."""
        return kept(self.archive, task[1])

    def record(self, task: Shard) -> ShardRecord | None:
        """Return the record of a shard whose rows, vectors and files are up to date."""
        record = self._rows_record(task)
        vectors = vectors_fingerprint(self.joins.embeddings, task[1])
        return record if record is not None and record.vectors == vectors else None

    def _rows_record(self, task: Shard) -> ShardRecord | None:
        """Return the record of a shard whose rows are up to date, whatever its vectors."""
        shard, blocks = task
        record = read_record(self.output, shard)
        if record is None or record.fingerprint != self.inputs.fingerprint(blocks):
            return None
        return record if record.is_whole(self.output) else None

    def make(self, task: Shard, context: WorkerContext) -> int:
        """Write a shard: its rows, unless they are up to date, and the vectors beside them."""
        shard, blocks = task
        splits, joins, tick = self.partition.splits, self.joins, context.progress.tick
        record = self._rows_record(task)
        if record is None:
            record = build_shard(self.inputs, self.output, shard, blocks, tick)
        join_vectors(self.output, record, splits, joins.embeddings, blocks)
        return shard

    def retract(self) -> None:
        """Remove card and manifest while the rest changes."""
        self.output.remove(CARD)
        self.output.remove(MANIFEST)

    def finish(self, run: Run) -> Manifest:
        """Write index, card and manifest, where anything has changed."""
        gone = self._gone(run)
        if not (run.made or gone) and self._has_manifest():
            return read_manifest(self.output)
        self.retract()
        for shard in gone:
            remove_shard(self.output, shard)
        return write_dataset(
            self.inputs, self.output, self.partition.blocks, list(run.records.values())
        )

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for another process, which finds no groups again."""
        return {**super().__getstate__(), "groups": self.groups}

    def _has_manifest(self) -> bool:
        """Whether there are a card and a manifest of the same joins; an audit changes no rows."""
        if not (self.output.exists(CARD) and self.output.exists(MANIFEST)):
            return False
        stored = read_manifest(self.output)
        given = [BlockRows(tables).attribute for tables in self.joins.attributes]
        are_there = all(attribute in stored.attributes for attribute in given)
        joined = self.joins.describe(), self.joins.audit()
        return are_there and (stored.joined, stored.audit) == joined

    def _gone(self, run: Run) -> list[int]:
        """Return the shards of an earlier state whose blocks the archive no longer has."""
        records = (name for name in self.output.names(RECORDS) if name.endswith(".parquet"))
        there = [int(name.removesuffix(".parquet")) for name in records]
        return [shard for shard in there if shard not in run.records]


def serialize(  # noqa: PLR0913 - each is given by name
    archive: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    mesh: str | os.PathLike[str] | None = None,
    clusters: str | os.PathLike[str] | None = None,
    labels: str | os.PathLike[str] | None = None,
    embeddings: str | os.PathLike[str] | None = None,
    panels: str | os.PathLike[str] | None = None,
    attributes: Sequence[str | os.PathLike[str]] = (),
    splits: Splits | str | None = None,
    split_by: str | None = None,
    check_images: bool = False,
    documents: bool = False,
    workers: int | None = None,
    launch: Launch | None = None,
    progress: Progress | None = None,
) -> SerializeReport:
    """Write the dataset folder of an archive, or update an existing one.

    Parameters
    ----------
    output
        The dataset folder: new, empty, or written by an earlier run.
    mesh
        Folder of a MeSH table of the archive's articles; without it, terms are null.
    clusters, labels
        Folders of the clusters of the archive's images, and of the labels of those clusters; or of
        a probe, whose labels are those of single images, and which becomes an attribute too.
    embeddings
        Folder of the vectors of the archive's images; they become the config ``embeddings``.
    panels
        Folder of the panels of the archive's figures; they become a column of the pairs and the
        config ``panels``. Panels of an image that changed since are left out and counted.
    attributes
        Folders of what is known of the images, such as their clusters; each becomes a config, and
        conditions name its columns, as ``assignments.cluster``. An existing folder keeps others.
    splits
        Train, validation and test, such as ``0.9,0.05,0.05``; an existing folder keeps its
        splits, and a new one is all ``train`` by default.
    split_by
        What stays in one split: an ``article``, or with ``image`` all articles that share an image
        byte by byte, directly or through others, or with ``duplicates`` all articles that a group
        of copies connects, by the folder of them among ``attributes``. An existing folder keeps its
        own.
    check_images
        Decode each image of the shards written, and keep in the index whether it can be.
    documents
        Also write each article as blocks in reading order, with its figures: the config
        ``documents``.
    workers
        Processes; as many as there are processors by default.
    launch
        Where it runs, and as which part of a run; alone by default.

    Raises
    ------
    UsageError
        There is no such archive, the output is something else or has other splits, or a folder to
        join is missing or belongs to another archive.

    Examples
    --------
    >>> report = serialize("archive", "folder", splits="0.8,0.1,0.1", workers=1)
    >>> report.manifest.rows("all"), report.problems
    (62, [])
    """
    folders = JoinFolders(
        mesh=mesh, clusters=clusters, labels=labels, embeddings=embeddings, panels=panels,
        attributes=tuple(attributes),
    )  # fmt: skip
    stage = SerializeStage(
        os.fspath(archive), os.fspath(output), folders, splits, split_by, check_images, documents
    )
    stage.joins.check(stage.archive)
    if split_by == "duplicates":
        stage.joins.duplicates()  # refused before the output is begun
    run = stage.run(launch, workers=workers, progress=progress)
    records = list(run.records.values())
    manifest: Manifest = run.finished or manifest_of(
        stage.inputs, stage.partition.blocks, records, [], None
    )
    return SerializeReport(
        manifest=manifest,
        shards=run.blocks,
        rewritten=len(run.made),
        left=run.left,
        labels=total(record.labels for record in records),
        vectors=total(record.embedded for record in records),
        images=total(record.images for record in records),
        undecodable=[one for record in records for one in record.undecodable],
        problems=[problem for record in records for problem in record.problems],
    )
