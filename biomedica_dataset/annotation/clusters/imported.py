"""Assignments that were made elsewhere: a table with PMCID, file name and cluster."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from biomedica_dataset.annotation.block_stage import BlocksReport, BlockStage
from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.engine.fingerprint import digest_of
from biomedica_dataset.engine.report import total
from biomedica_dataset.errors import UsageError
from biomedica_dataset.keys import file_stem, pair_key, pmcid
from biomedica_dataset.rows import rows_fingerprint, rows_of

from .assignments import Assignments, AssignmentsHeader, as_table

if TYPE_CHECKING:
    from biomedica_dataset.engine.launch import Launch
    from biomedica_dataset.engine.lock import RunLock
    from biomedica_dataset.engine.progress import Progress
    from biomedica_dataset.engine.stage import WorkerContext

_PMCID = ("pmcid", "article_accession_id")
_FILE = ("image_file_name", "file_name", "image_cluster_id")
_CLUSTER = ("cluster", "image_label_id")
_MOST = 2**31  # clusters are int32


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ImportReport(BlocksReport):
    """The result of importing a table made elsewhere.

    Parameters
    ----------
    rows
        Rows of the table.
    repeated
        Rows that name an image again, with the same cluster.
    matched
        Images of the archive that the table names.
    images
        Images of the archive.
    """

    what: ClassVar[str] = "the assignments"

    rows: int
    repeated: int
    matched: int
    images: int
    clusters: int

    def lines(self) -> list[str]:
        """Return the rows of the table and the images of the archive."""
        if self.left:
            return []
        return [
            f"rows: {self.rows:,} seen = {self.matched:,} matched + {self.repeated:,} repeated + "
            f"{self.rows - self.repeated - self.matched:,} not matching any image of this archive",
            f"images: {self.images:,} seen = {self.matched:,} with a cluster + "
            f"{self.images - self.matched:,} without; {self.clusters:,} clusters",
        ]


_Task = tuple[int, dict[str, int]]


@dataclass(frozen=True)
class ImportStage(BlockStage[_Task, None]):
    """Assigns the images of each block to the clusters of a table.

    Parameters
    ----------
    clusters
        Clusters by block and by key.
    count, digest
        Number of clusters, and the digest of the table.
    """

    source: str
    clusters: Mapping[int, dict[str, int]]
    count: int
    digest: str

    @cached_property
    def archive(self) -> Archive:
        """The archive of the images."""
        return Archive.open(self.source)

    def begin(self, lock: RunLock) -> None:
        """Begin the assignments."""
        header = AssignmentsHeader(self.archive.width, self.count, self.digest)
        Assignments.begin(self.output, header)

    def tasks(self) -> list[_Task]:
        """Return the blocks of the archive with their clusters."""
        return [(block, self.clusters.get(block, {})) for block in self.archive.blocks()]

    def number(self, task: _Task) -> int:
        """Return the number of a block."""
        return task[0]

    def fingerprint(self, task: _Task) -> str:
        """Return the fingerprint of a block's articles and clusters."""
        block, clusters = task
        digest = self.archive.header(block).digest
        return digest_of(rows_fingerprint(), digest, sorted(clusters.items()))

    def make(self, task: _Task, context: WorkerContext) -> None:
        """Write the clusters of a block's images."""
        block, clusters = task
        keys = [
            pair.key
            for row, images in self.archive.articles(block)
            for _group, pair in rows_of(row, images).pairs
        ]
        own = [key for key in keys if key in clusters]
        table = as_table(own, [clusters[key] for key in own], [None] * len(own))
        counts = {"kept": len(own), "not in the table": len(keys) - len(own)}
        self.write(task, table, counts)
        context.progress.tick(1, len(own), 0)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for another process, whose tasks carry the clusters."""
        return {**super().__getstate__(), "clusters": {}}


def import_assignments(
    archive: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    table: str | os.PathLike[str],
    workers: int | None = None,
    launch: Launch | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Write the clusters that a table gives to the images of an archive.

    Parameters
    ----------
    table
        CSV, JSON lines or Parquet with a column of PMCIDs (``pmcid`` or ``article_accession_id``),
        one of file names, with or without extension (``image_file_name``, ``file_name``, or
        ``image_cluster_id``, as in the published dataset), and one of clusters, numbered from 0
        (``cluster`` or ``image_label_id``).
    launch
        Where it runs, and as which part of a run; alone by default.

    Raises
    ------
    UsageError
        The table lacks a column, gives one image two clusters, or the output is something else.
    """
    clusters, digest, rows = _read(Path(table))
    count = max(clusters.values(), default=-1) + 1
    width = Archive.open(archive).width
    by_block: dict[int, dict[str, int]] = {}
    for key, cluster in clusters.items():
        by_block.setdefault(pmcid(key) // width, {})[key] = cluster
    stage = ImportStage(os.fspath(output), os.fspath(archive), by_block, count, digest)
    run = stage.run(launch, workers=workers, progress=progress)
    counts = total(record.counts for record in run.records.values())
    return ImportReport(
        rows=rows,
        repeated=rows - len(clusters),
        matched=counts.get("kept", 0),
        images=sum(counts.values()),
        clusters=count,
        blocks=run.blocks,
        written=len(run.made),
        left=run.left,
    )


def _read(path: Path) -> tuple[dict[str, int], str, int]:
    """Return the clusters by key, their digest, and the number of rows."""
    try:
        table = _table(path)
        columns = [_column(table, names, path) for names in (_PMCID, _FILE, _CLUSTER)]
    except (OSError, pa.ArrowInvalid) as error:
        msg = f"{path} cannot be read as a table of clusters: {error}"
        raise UsageError(msg) from error
    found: dict[str, int] = {}
    for number, (article, name, cluster) in enumerate(zip(*columns, strict=True), start=1):
        if not isinstance(cluster, int) or not 0 <= cluster < _MOST:
            allowed = f"expected an integer from 0 to {_MOST - 1}"
            msg = f"{path}, row {number}: cluster is {cluster!r}; {allowed}"
            raise UsageError(msg)
        digits = str(article).removeprefix("PMC")
        if not digits.isdecimal():
            msg = f"{path}, row {number}: the PMCID is {article!r}; expected PMC13900 or 13900"
            raise UsageError(msg)
        key = pair_key(f"PMC{digits}", file_stem(str(name)))
        if found.setdefault(key, cluster) != cluster:
            msg = f"{path}, row {number}: {key} has cluster {found[key]} and cluster {cluster}"
            raise UsageError(msg)
    digest = hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()
    return found, digest, len(columns[0])


def _table(path: Path) -> pa.Table:
    from pyarrow import csv, json, parquet

    if path.suffix == ".parquet":
        return parquet.read_table(path)
    return json.read_json(path) if path.suffix in (".jsonl", ".json") else csv.read_csv(path)


def _column(table: pa.Table, names: tuple[str, ...], path: Path) -> list[Any]:
    for name in names:
        if name in table.column_names:
            column = table[name]
            if names is _CLUSTER and pa.types.is_string(column.type):
                column = pc.cast(column, pa.int64())
            values: list[Any] = column.to_pylist()
            return values
    msg = f"{path} has no column {' or '.join(names)}; it has {', '.join(table.column_names[:20])}"
    raise UsageError(msg)
