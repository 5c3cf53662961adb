"""A run of serialize: brings every shard into agreement with the archive, then writes the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from biomedica_dataset.extract.ledger import Archive
from biomedica_dataset.pool import run_tasks
from biomedica_dataset.progress import Progress
from biomedica_dataset.pubmed.table import MeshTable
from biomedica_dataset.report import Tally
from biomedica_dataset.schema import IndexRow
from biomedica_dataset.storage import Folder

from .card import CARD, write_card
from .manifest import MANIFEST, Manifest, make_manifest, read_manifest
from .parquet import TableWriter
from .shard import (
    RECORDS,
    ShardFile,
    ShardRecord,
    build_shard,
    fingerprint,
    read_record,
    record_name,
)
from .started import blocks_together

if TYPE_CHECKING:
    import os

    from biomedica_dataset.progress import Counters

_STARTED = f"{RECORDS}/shards.json"
_INDEX_SHARDS = 64  # shards an index file, so that the whole index is few files to resolve
_ALL_SHARD_BLOCKS = (
    2  # of 1000 PMCIDs each: 200 to 500 MB a shard on all of PMC, and under 10,000 files a folder
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SerializeReport:
    """What a run of serialize made.

    Parameters
    ----------
    rewritten
        Shards written by this run, of ``shards``.
    problems
        Articles that give no row, each with its reason.
    """

    manifest: Manifest
    shards: int
    rewritten: int
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
            *(f"unreadable: {problem}" for problem in self.problems[:20]),
        ]
        if self.rewritten:
            lines.append(f"{self.rewritten:,} of {self.shards:,} shards written")
        else:
            lines.append("nothing to do: the dataset folder agrees with the archive")
        return "\n".join(lines)


def serialize(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    mesh: str | os.PathLike[str] | None = None,
    workers: int | None = None,
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
    workers
        Processes; as many as there are processors by default.

    Raises
    ------
    UsageError
        The source is no archive, the output holds something else, or there is no MeSH table.
    """
    archive, folder = Archive.open(source), Folder(output)
    table = None if mesh is None else MeshTable.open(mesh)
    shard_blocks = blocks_together(folder, archive, marker=_STARTED, of_all=_ALL_SHARD_BLOCKS)
    shards: dict[int, list[int]] = {}
    for block in archive.blocks():
        shards.setdefault(block // shard_blocks, []).append(block)
    old = {shard: read_record(folder, shard) for shard in shards}
    todo = [(s, blocks) for s, blocks in shards.items() if _differs(archive, old[s], blocks, table)]
    records = {shard: record for shard, record in old.items() if record is not None}
    gone = _gone(folder, shards)
    if todo or gone or not folder.exists(MANIFEST):
        _retract(folder, gone)
        records |= _build(archive, folder, todo, table, workers, progress or Progress())
        manifest = _publish(archive, folder, shard_blocks, [records[s] for s in sorted(shards)])
    else:
        manifest = read_manifest(folder)
    problems = [problem for s in sorted(shards) for problem in records[s].problems]
    return SerializeReport(
        manifest=manifest, shards=len(shards), rewritten=len(todo), problems=problems
    )


def _differs(
    archive: Archive, record: ShardRecord | None, blocks: list[int], mesh: MeshTable | None
) -> bool:
    return record is None or record.fingerprint != fingerprint(archive, blocks, mesh)


def _gone(folder: Folder, shards: dict[int, list[int]]) -> list[int]:
    """Return the shards of an earlier state that the archive has no block of any more."""
    records = (name for name in folder.names(RECORDS) if name.endswith(".parquet"))
    there = [int(name.removesuffix(".parquet")) for name in records]
    return [shard for shard in there if shard not in shards]


def _retract(folder: Folder, gone: list[int]) -> None:
    """Take card and manifest away while the rest changes, and remove shards that have gone."""
    folder.remove(CARD)
    folder.remove(MANIFEST)
    for shard in gone:
        record = read_record(folder, shard)
        for file in record.files if record else []:
            folder.remove(file.path)
        folder.remove(record_name(shard))


def _build(
    archive: Archive,
    folder: Folder,
    todo: list[tuple[int, list[int]]],
    mesh: MeshTable | None,
    workers: int | None,
    progress: Progress,
) -> dict[int, ShardRecord]:
    blocks = [block for _shard, blocks in todo for block in blocks]
    kept = sum(archive.header(block).counts["articles"].get("kept", 0) for block in blocks)
    progress.start(kept, "articles")
    results = run_tasks(
        _work,
        todo,
        workers=workers,
        start=_start_worker,
        args=(archive.folder.url, folder.url, mesh.url if mesh else None),
        progress=progress,
    )
    return {task[0]: record for task, record in results}


@dataclass(frozen=True, slots=True)
class _Worker:
    archive: Archive
    folder: Folder
    mesh: MeshTable | None
    progress: Progress


_worker: _Worker | None = None


def _start_worker(archive: str, folder: str, mesh: str | None, counters: Counters) -> None:
    global _worker  # noqa: PLW0603 - what a process of the pool keeps between its tasks
    table = MeshTable.open(mesh) if mesh else None
    _worker = _Worker(Archive.open(archive), Folder(folder), table, Progress(counters=counters))


def _work(task: tuple[int, list[int]]) -> ShardRecord:
    if _worker is None:
        msg = "the worker was not started by its pool"
        raise RuntimeError(msg)
    tick, mesh = _worker.progress.tick, _worker.mesh
    return build_shard(_worker.archive, _worker.folder, *task, tick, mesh)


def _publish(
    archive: Archive, folder: Folder, shard_blocks: int, records: list[ShardRecord]
) -> Manifest:
    index = _write_index(folder, records)
    manifest = make_manifest(archive, shard_blocks, records, index)
    for name in folder.names("index"):
        if f"index/{name}" not in {file.path for file in index}:
            folder.remove(f"index/{name}")
    write_card(folder, manifest)
    folder.write_bytes(MANIFEST, manifest.as_json())
    return manifest


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
            writer.write_table(pa.concat_tables(_index_part(folder, record) for record in members))
            writer.close()
            file.publish(path)
        written.append(ShardFile(path, "index", writer.rows, file.size, writer.memory, file.sha256))
    return written


def _index_part(folder: Folder, record: ShardRecord) -> pa.Table:
    with folder.open(record_name(record.shard)) as file:
        return pq.read_table(file).replace_schema_metadata(None)
