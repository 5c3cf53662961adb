"""`assign`: finds the cluster of every image, by a model or by a table made elsewhere."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from biomedica_dataset.annotation.block_stage import BlocksReport, BlockStage
from biomedica_dataset.annotation.blocks import read_record
from biomedica_dataset.annotation.embeddings.vectors import Embeddings
from biomedica_dataset.engine.fingerprint import digest_of
from biomedica_dataset.errors import UsageError

from .assignments import Assignments, AssignmentsHeader, as_table
from .cluster_model import ClusterModel
from .imported import ImportReport, import_assignments

if TYPE_CHECKING:
    from biomedica_dataset.engine.launch import Launch
    from biomedica_dataset.engine.lock import RunLock
    from biomedica_dataset.engine.progress import Progress
    from biomedica_dataset.engine.stage import WorkerContext


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AssignReport(BlocksReport):
    """The result of a run of assign.

    Parameters
    ----------
    images
        Images with a cluster; not counted while blocks are left.
    used
        Clusters with an image, out of ``clusters``.
    """

    what: ClassVar[str] = "the assignments"

    images: int
    clusters: int
    used: int
    largest: int

    def lines(self) -> list[str]:
        """Return the sizes of the clusters."""
        if self.left:
            return []
        return [
            f"{self.images:,} images in {self.used:,} of {self.clusters:,} clusters, "
            f"{self.largest:,} in the largest"
        ]


@dataclass(frozen=True)
class AssignStage(BlockStage[int, None]):
    """Assigns the images of each block to clusters."""

    clusters: str
    embeddings: str

    @cached_property
    def model(self) -> ClusterModel:
        """The clusters."""
        return ClusterModel.open(self.clusters)

    @cached_property
    def vectors(self) -> Embeddings:
        """The vectors of the images."""
        return Embeddings.open(self.embeddings)

    def check(self) -> None:
        """Refuse clusters whose encoder is not that of the vectors."""
        if self.model.header.embeddings != self.vectors.digest:
            msg = (
                f"{self.clusters} was made from vectors of {self.model.header.model}, but "
                f"{self.embeddings} has vectors of {self.vectors.model}; the two cannot be "
                "compared"
            )
            raise UsageError(msg)

    def begin(self, lock: RunLock) -> None:
        """Begin the assignments."""
        clusters, digest = self.model.header.clusters, self.model.digest
        Assignments.begin(self.output, AssignmentsHeader(self.vectors.width, clusters, digest))

    def tasks(self) -> list[int]:
        """Return the blocks that have vectors."""
        return self.vectors.blocks()

    def fingerprint(self, task: int) -> str:
        """Return the fingerprint of a block's vectors."""
        record = read_record(self.vectors.folder, task)
        return digest_of(self.vectors.digest, record.fingerprint if record else None)

    def make(self, task: int, context: WorkerContext) -> None:
        """Write the clusters of a block's images."""
        keys, vectors = self.vectors.vectors(task)
        clusters, distances = self.model.predict(vectors)
        self.write(task, as_table(keys, clusters, distances), {"kept": len(keys)})
        context.progress.tick(1, len(keys), vectors.nbytes)


def assign(
    embeddings: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    clusters: str | os.PathLike[str],
    workers: int | None = None,
    launch: Launch | None = None,
    progress: Progress | None = None,
) -> AssignReport | ImportReport:
    """Write the cluster of every image, or update existing assignments.

    Parameters
    ----------
    embeddings
        The vectors of the images, or the archive if ``clusters`` is a table.
    clusters
        The clusters that `cluster` made, or a table made elsewhere: see `import_assignments`.
    launch
        Where it runs, and as which part of a run; alone by default.

    Raises
    ------
    UsageError
        There are no such clusters or vectors, the clusters were made from vectors of another
        encoder, or the output is something else.

    Examples
    --------
    >>> assign("embeddings", "assignments", clusters="none")
    Traceback (most recent call last):
        ...
    biomedica_dataset.errors.UsageError: none is not a folder of clusters: it has no ...
    """
    if Path(clusters).is_file():
        return import_assignments(
            embeddings, output, table=clusters, workers=workers, launch=launch, progress=progress
        )
    stage = AssignStage(os.fspath(output), os.fspath(clusters), os.fspath(embeddings))
    stage.check()
    run = stage.run(launch, workers=workers, progress=progress)
    assigned = Assignments.open(output)
    sizes = np.zeros(assigned.clusters, np.int64)
    for block in [] if run.left else assigned.blocks():
        sizes += np.bincount(assigned.read(block)["cluster"], minlength=assigned.clusters)
    return AssignReport(
        images=int(sizes.sum()),
        clusters=assigned.clusters,
        used=int((sizes > 0).sum()),
        largest=int(sizes.max(initial=0)),
        blocks=run.blocks,
        written=len(run.made),
        left=run.left,
    )
