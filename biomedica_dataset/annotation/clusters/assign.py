"""A run of assign: the cluster of every image, by a model or by a table made elsewhere."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from biomedica_dataset.annotation.blocks import (
    BlockRecord,
    read_record,
    stale_blocks,
    up_to_date_record,
    write_block,
)
from biomedica_dataset.annotation.embeddings.vectors import Embeddings
from biomedica_dataset.engine.launch import Launch
from biomedica_dataset.engine.lock import acquire
from biomedica_dataset.engine.pool import run_tasks
from biomedica_dataset.engine.progress import Progress
from biomedica_dataset.engine.report import told_part
from biomedica_dataset.errors import UsageError
from biomedica_dataset.io.folders import Folder

from .assignments import Assignments, as_table
from .cluster_model import ClusterModel

if TYPE_CHECKING:
    import os

    from biomedica_dataset.engine.lock import RunLock
    from biomedica_dataset.engine.progress import Counters


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignReport:
    """What a run of assign made.

    Parameters
    ----------
    images
        Images with a cluster; not counted while blocks are left.
    used
        Clusters that have one, of ``clusters``.
    written
        Blocks written by this run, of ``blocks``.
    left
        Blocks of other parts of the run that are not done.
    """

    images: int
    clusters: int
    used: int
    largest: int
    blocks: int
    written: int
    left: int = 0

    def __str__(self) -> str:
        """Return the report in words."""
        if self.left:
            return told_part(self.written, self.left, "blocks")
        lines = [
            f"{self.images:,} images in {self.used:,} of {self.clusters:,} clusters, "
            f"{self.largest:,} in the largest"
        ]
        if self.written:
            lines.append(f"{self.written:,} of {self.blocks:,} blocks written")
        else:
            lines.append("nothing to do: the assignments agree with vectors and clusters")
        return "\n".join(lines)


def assign(
    model: str | os.PathLike[str],
    embeddings: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    workers: int | None = None,
    launch: Launch | None = None,
    progress: Progress | None = None,
) -> AssignReport:
    """Write the cluster of every image, or bring those there into agreement with the vectors.

    Parameters
    ----------
    launch
        On what it runs, and as which part of a run; alone by default.

    Raises
    ------
    UsageError
        There is no such model, no such vectors, the vectors are of another encoder than those that
        the model was made of, or the output holds something else.
    """
    centers, vectors, folder = ClusterModel.open(model), Embeddings.open(embeddings), Folder(output)
    if centers.header.embeddings != vectors.digest:
        msg = (
            f"{model} is of vectors of {centers.header.model}, and {embeddings} holds vectors of "
            f"{vectors.model}; the two cannot be compared"
        )
        raise UsageError(msg)
    launch, progress = launch or Launch(), progress or Progress()
    with acquire(folder, launch) as lock:
        there = Assignments.begin(folder, vectors.width, centers.header.clusters, centers.digest)
        blocks = vectors.blocks()
        fingerprint_of = partial(_made_of, vectors)
        todo = stale_blocks(folder, blocks, fingerprint_of)
        mine = [block for block in todo if launch.takes(block)]
        progress.start(len(mine), "blocks")
        done = run_tasks(
            _work,
            mine,
            workers=workers,
            start=_start_worker,
            args=(str(model), vectors.folder.url, folder.url, lock),
            progress=progress,
            engine=launch.engine,
        )
        written = sum(is_new for _block, is_new in done)
        left = len(stale_blocks(folder, todo, fingerprint_of))
        if not left:
            there.finish(blocks, lock)
    sizes = np.zeros(there.clusters, np.int64)
    for block in [] if left else there.blocks():
        sizes += np.bincount(there.read(block)["cluster"], minlength=there.clusters)
    return AssignReport(
        images=int(sizes.sum()),
        clusters=there.clusters,
        used=int((sizes > 0).sum()),
        largest=int(sizes.max(initial=0)),
        blocks=len(blocks),
        written=written,
        left=left,
    )


def _made_of(vectors: Embeddings, block: int) -> str:
    record = read_record(vectors.folder, block)
    parts = vectors.digest, record.fingerprint if record else None
    return hashlib.sha256(repr(parts).encode()).hexdigest()


_worker: tuple[ClusterModel, Embeddings, Folder, RunLock, Progress] | None = None


def _start_worker(
    model: str, embeddings: str, output: str, lock: RunLock, counters: Counters
) -> None:
    global _worker  # noqa: PLW0603 - what a process of the pool keeps between its tasks
    progress = Progress(counters=counters)
    _worker = ClusterModel.open(model), Embeddings.open(embeddings), Folder(output), lock, progress


def _work(block: int) -> bool:
    """Write one block, unless another run has done it meanwhile; return whether it was written."""
    if _worker is None:
        msg = "the worker was not started by its pool"
        raise RuntimeError(msg)
    model, embeddings, folder, lock, progress = _worker
    lock.check()
    if up_to_date_record(folder, block, _made_of(embeddings, block)) is not None:
        progress.tick(1, 0, 0)
        return False
    keys, vectors = embeddings.vectors(block)
    clusters, distances = model.predict(vectors)
    record = BlockRecord(fingerprint=_made_of(embeddings, block), counts={"kept": len(keys)})
    write_block(folder, block, as_table(keys, clusters, distances), record)
    progress.tick(1, len(keys), vectors.nbytes)
    return True
