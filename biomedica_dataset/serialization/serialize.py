"""A run of serialize: brings every shard into agreement with the archive, then writes the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.card.write import CARD, publish
from biomedica_dataset.engine.launch import Launch
from biomedica_dataset.engine.lock import acquire
from biomedica_dataset.engine.progress import Progress
from biomedica_dataset.engine.report import Tally, told_part, total
from biomedica_dataset.folder.changes import changes
from biomedica_dataset.folder.manifest import MANIFEST, Manifest, make_manifest, read_manifest
from biomedica_dataset.folder.parquet import TableWriter
from biomedica_dataset.folder.partition import Started, begin
from biomedica_dataset.folder.record import (
    RECORDS,
    ShardFile,
    ShardRecord,
    read_index,
    read_record,
    record_name,
)
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.joins import JoinFolders, Joins
from biomedica_dataset.plotting import can_plot
from biomedica_dataset.schema import IndexRow

from .shard import build_shard, fingerprint
from .vectors import join_vectors, vector_folders, vectors_fingerprint
from .work import build_all

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from biomedica_dataset.folder.splits import Splits

    from .work import WorkerContext

_STARTED = f"{RECORDS}/shards.json"
_NO_PLOTS = "the card has no plots: pip install 'biomedica-dataset[plots]'"
_INDEX_SHARDS = 64  # shards an index file, so that the whole index is few files to resolve
_ALL_SHARD_BLOCKS = (
    2  # of 1000 PMCIDs each: 200 to 500 MB a shard on all of PMC, and under 10,000 files a folder
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SerializeReport:
    """What a run of serialize made.

    Parameters
    ----------
    manifest
        Where other parts are not done, that of what is there; it was not written then.
    rewritten
        Shards written by this run, of ``shards``.
    left
        Shards of other parts of the run that are not done.
    labels, vectors
        Pairs by what was joined to them: ``kept``, or why they have no label or vector.
    problems
        Articles that give no row, each with its reason.
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
            *([] if can_plot() else [_NO_PLOTS]),
        ]
        if self.left:
            lines.append(told_part(self.rewritten, self.left, "shards"))
        elif self.rewritten:
            lines.append(f"{self.rewritten:,} of {self.shards:,} shards written")
        else:
            lines.append("nothing to do: the dataset folder agrees with the archive")
        return "\n".join(lines)


def serialize(  # noqa: PLR0913 - each is given by name
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    mesh: str | os.PathLike[str] | None = None,
    clusters: str | os.PathLike[str] | None = None,
    labels: str | os.PathLike[str] | None = None,
    embeddings: str | os.PathLike[str] | None = None,
    splits: Splits | None = None,
    workers: int | None = None,
    launch: Launch | None = None,
    progress: Progress | None = None,
) -> SerializeReport:
    """Write the dataset folder of an archive, or bring it into agreement with it.

    Parameters
    ----------
    source
        The archive.
    output
        The dataset folder: new, empty, or written by an earlier run.
    mesh
        Folder of a MeSH table of the archive's articles; without one their terms are null.
    clusters, labels
        Folders of the clusters of the archive's images, and of the labels of those clusters.
    embeddings
        Folder of the vectors of the archive's images; they become the config ``embeddings``.
    splits
        Train, validation and test; a folder stays split as it was begun, and a new one is all
        ``train`` by default.
    workers
        Processes; as many as there are processors by default.
    launch
        On what it runs, and as which part of a run; alone by default.

    Raises
    ------
    UsageError
        The source is no archive, the output holds something else or is split otherwise, or what is
        to be joined is not there or of another archive.
    """
    archive, folder = Archive.open(source), Folder(output)
    folders = JoinFolders(mesh=mesh, clusters=clusters, labels=labels, embeddings=embeddings)
    joins = Joins.open(folders)
    joins.check(archive)
    launch, progress = launch or Launch(), progress or Progress()
    with acquire(folder, launch) as lock:
        started = begin(folder, archive, marker=_STARTED, of_all=_ALL_SHARD_BLOCKS, splits=splits)
        shards: dict[int, list[int]] = {}
        for block in archive.blocks():
            shards.setdefault(block // started.blocks, []).append(block)
        records = _agreeing(archive, folder, shards, joins)
        todo = {shard: blocks for shard, blocks in shards.items() if shard not in records}
        mine = [(shard, blocks) for shard, blocks in todo.items() if launch.takes(shard)]
        if mine:
            _retract(folder)
        places = archive.folder.url, folder.url, folders, started.splits, lock
        written = build_all(
            _build, archive, mine, places,
            workers=workers, progress=progress, engine=launch.engine,
        )  # fmt: skip
        records |= _agreeing(archive, folder, todo, joins)
        ordered = [records[shard] for shard in sorted(records)]
        if len(records) < len(shards):
            manifest = make_manifest(archive, started, joins, ordered, [], None)
        else:
            lock.check()
            gone = _gone(folder, shards)
            if written or gone or not _says(folder, joins):
                _retract(folder, gone)
                manifest = _publish(archive, folder, started, joins, ordered)
            else:
                manifest = read_manifest(folder)
            lock.release()
    return SerializeReport(
        manifest=manifest,
        shards=len(shards),
        rewritten=written,
        left=len(shards) - len(records),
        labels=total(record.labels for record in ordered),
        vectors=total(record.embedded for record in ordered),
        problems=[problem for record in ordered for problem in record.problems],
    )


def _differs(archive: Archive, record: ShardRecord | None, blocks: list[int], joins: Joins) -> bool:
    """Whether a shard is to be written: its rows, or the vectors beside them."""
    return (
        record is None
        or record.fingerprint != fingerprint(archive, blocks, joins)
        or record.vectors != vectors_fingerprint(joins.embeddings, blocks)
    )


def _is_whole(folder: Folder, record: ShardRecord) -> bool:
    """Whether the files of a shard are there, as long as they were."""
    return all(
        folder.exists(file.path) and folder.size(file.path) == file.bytes for file in record.files
    )


def _build(at: WorkerContext, shard: int, blocks: list[int]) -> bool:
    """Write a shard, unless it is there and agrees; return whether it was written."""
    record = read_record(at.folder, shard)
    if record is not None and not _is_whole(at.folder, record):
        record = None
    if not _differs(at.archive, record, blocks, at.joins):
        return False
    if record is None or record.fingerprint != fingerprint(at.archive, blocks, at.joins):
        tick = at.progress.tick
        record = build_shard(at.archive, at.folder, shard, blocks, tick, at.joins, at.splits)
    join_vectors(at.folder, record, at.splits, at.joins.embeddings, blocks)
    return True


def _agreeing(
    archive: Archive, folder: Folder, shards: Mapping[int, list[int]], joins: Joins
) -> dict[int, ShardRecord]:
    """Return the records of those shards that agree with the archive and what is joined."""

    def agreeing(shard: int) -> ShardRecord | None:
        record = read_record(folder, shard)
        if _differs(archive, record, shards[shard], joins):
            return None
        return record if record is not None and _is_whole(folder, record) else None

    found = zip(shards, folder.map(agreeing, shards), strict=True)
    return {shard: record for shard, record in found if record is not None}


def _says(folder: Folder, joins: Joins) -> bool:
    """Whether there is a manifest, and of the same joins: an audit changes no row."""
    if not folder.exists(MANIFEST):
        return False
    stored = read_manifest(folder)
    return (stored.joined, stored.audit) == (joins.describe(), joins.audit())


def _gone(folder: Folder, shards: dict[int, list[int]]) -> list[int]:
    """Return the shards of an earlier state that the archive has no block of any more."""
    records = (name for name in folder.names(RECORDS) if name.endswith(".parquet"))
    there = [int(name.removesuffix(".parquet")) for name in records]
    return [shard for shard in there if shard not in shards]


def _retract(folder: Folder, gone: Sequence[int] = ()) -> None:
    """Take card and manifest away while the rest changes, and remove shards that have gone."""
    folder.remove(CARD)
    folder.remove(MANIFEST)
    for shard in gone:
        record = read_record(folder, shard)
        for file in record.files if record else []:
            folder.remove(file.path)
        folder.remove(record_name(shard))


def _publish(
    archive: Archive,
    folder: Folder,
    started: Started,
    joins: Joins,
    records: list[ShardRecord],
) -> Manifest:
    index = _write_index(folder, records)
    since = changes(folder, [file.path for file in index])
    manifest = make_manifest(archive, started, joins, records, index, since)
    named = {file.path for file in manifest.files}
    for below in ("index", *vector_folders(started.splits)):
        for name in folder.names(below):
            if f"{below}/{name}" not in named:
                folder.remove(f"{below}/{name}")
    return publish(folder, manifest)


def _write_index(folder: Folder, records: list[ShardRecord]) -> list[ShardFile]:
    """Write the index: the rows of the shards' records, many shards a file."""
    bundles: dict[int, list[ShardRecord]] = {}
    for record in records:
        if record.files:
            bundles.setdefault(record.shard // _INDEX_SHARDS, []).append(record)
    written = []
    for bundle, members in sorted(bundles.items()):
        path = f"index/{bundle:04d}.parquet"
        with folder.create() as file:
            writer = TableWriter(file, IndexRow, {})
            writer.write_table(pa.concat_tables(read_index(folder, one.shard) for one in members))
            writer.close()
            file.publish(path)
        written.append(ShardFile(path, "index", writer.rows, file.size, writer.memory, file.sha256))
    return written
