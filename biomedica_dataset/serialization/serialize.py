"""`serialize`: from an archive to the dataset folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.card.write import CARD
from biomedica_dataset.engine.report import Shown, Tally, part_message, total
from biomedica_dataset.engine.stage import Stage
from biomedica_dataset.extras import install_command
from biomedica_dataset.folder.manifest import MANIFEST, Manifest, make_manifest, read_manifest
from biomedica_dataset.folder.partition import Partition, begin
from biomedica_dataset.folder.record import RECORDS, ShardRecord, read_record
from biomedica_dataset.folder.splits import Splits
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.joins import JoinFolders, Joins
from biomedica_dataset.plotting import can_plot

from .shard import build_shard, fingerprint, kept
from .vectors import join_vectors, vectors_fingerprint
from .write_dataset import remove_shard, write_dataset

if TYPE_CHECKING:
    from biomedica_dataset.engine.launch import Launch
    from biomedica_dataset.engine.lock import RunLock
    from biomedica_dataset.engine.outcome import StageRun
    from biomedica_dataset.engine.progress import Progress
    from biomedica_dataset.engine.stage import WorkerContext

    Run = StageRun[ShardRecord, int]

Shard = tuple[int, list[int]]
"""Number and blocks of a shard."""

_MARKER = f"{RECORDS}/shards.json"
_ALL_SHARD_BLOCKS = (
    2  # of 1000 PMCIDs each: 200 to 500 MB per shard of all PMC, and under 10,000 files per folder
)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SerializeReport(Shown):
    """The result of a run of serialize.

    Parameters
    ----------
    manifest
        The manifest; if other parts are not done, it covers what exists and was not written.
    rewritten
        Shards written by this run, out of ``shards``.
    left
        Shards of other parts of the run that are not done.
    labels, vectors
        Number of pairs by outcome of the join: ``kept``, or why they have no label or vector.
    problems
        Articles without a row, each with the reason.
    """

    manifest: Manifest
    shards: int
    rewritten: int
    left: int = 0
    labels: dict[str, int]
    vectors: dict[str, int]
    problems: list[str]

    def __str__(self) -> str:
        """Return the report in words."""
        lines = [
            *Tally.of(self.manifest.figures).lines("figures"),
            *(
                f"{config}: {rows:,} rows, {self.manifest.config_bytes(config) / 1e6:,.1f} MB"
                for config in self.manifest.configs()
                if (rows := self.manifest.rows(config))
            ),
            *(Tally.of(self.labels).lines("labels") if self.labels else []),
            *(Tally.of(self.vectors).lines("vectors") if self.vectors else []),
            *(f"unreadable: {problem}" for problem in self.problems[:20]),
            *([] if can_plot() else [f"the card has no plots: {install_command('plots')}"]),
        ]
        if self.left:
            lines.append(part_message(self.rewritten, self.left, "shards"))
        elif self.rewritten:
            lines.append(f"{self.rewritten:,} of {self.shards:,} shards written")
        else:
            lines.append("nothing to do: the dataset folder is up to date")
        return "\n".join(lines)


@dataclass(frozen=True)
class SerializeStage(Stage[Shard, ShardRecord, int]):
    """Writes the shards of a dataset folder, then index, card and manifest.

    Parameters
    ----------
    splits
        The requested splits; ``None`` takes those that the folder was begun with.
    """

    unit: ClassVar[str] = "articles"

    source: str
    url: str
    folders: JoinFolders
    splits: Splits | None

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
            self.output, self.archive, marker=_MARKER, of_all=_ALL_SHARD_BLOCKS, splits=self.splits
        )

    def begin(self, lock: RunLock) -> None:
        """Begin the dataset folder."""
        _ = self.partition

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
        if record is None or record.fingerprint != fingerprint(self.archive, blocks, self.joins):
            return None
        return record if record.is_whole(self.output) else None

    def make(self, task: Shard, context: WorkerContext) -> int:
        """Write a shard: its rows, unless they are up to date, and the vectors beside them."""
        shard, blocks = task
        splits, joins, tick = self.partition.splits, self.joins, context.progress.tick
        record = self._rows_record(task)
        if record is None:
            record = build_shard(self.archive, self.output, shard, blocks, tick, joins, splits)
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
            self.archive, self.output, self.partition, self.joins, list(run.records.values())
        )

    def _has_manifest(self) -> bool:
        """Whether there are a card and a manifest of the same joins; an audit changes no rows."""
        if not (self.output.exists(CARD) and self.output.exists(MANIFEST)):
            return False
        stored = read_manifest(self.output)
        return (stored.joined, stored.audit) == (self.joins.describe(), self.joins.audit())

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
    splits: Splits | str | None = None,
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
        Folders of the clusters of the archive's images, and of the labels of those clusters.
    embeddings
        Folder of the vectors of the archive's images; they become the config ``embeddings``.
    splits
        Train, validation and test, such as ``0.9,0.05,0.05``; an existing folder keeps its
        splits, and a new one is all ``train`` by default.
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
    folders = JoinFolders(mesh=mesh, clusters=clusters, labels=labels, embeddings=embeddings)
    asked = Splits.parse(splits) if isinstance(splits, str) else splits
    stage = SerializeStage(os.fspath(archive), os.fspath(output), folders, asked)
    stage.joins.check(stage.archive)
    run = stage.run(launch, workers=workers, progress=progress)
    records = list(run.records.values())
    manifest: Manifest = run.finished or make_manifest(
        stage.archive, stage.partition, stage.joins, records, [], None
    )
    return SerializeReport(
        manifest=manifest,
        shards=run.blocks,
        rewritten=len(run.made),
        left=run.left,
        labels=total(record.labels for record in records),
        vectors=total(record.embedded for record in records),
        problems=[problem for record in records for problem in record.problems],
    )
