"""`probe`: probabilities of concepts for each image, learned from what experts said."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from biomedica_dataset.annotation.block_stage import BlocksReport, BlockStage
from biomedica_dataset.annotation.clusters.assignments import Assignments
from biomedica_dataset.annotation.clusters.cluster_model import check_finite
from biomedica_dataset.annotation.embeddings.vectors import Embeddings
from biomedica_dataset.annotation.labels.labels import HEADER, VOTES, Labels
from biomedica_dataset.engine.fingerprint import code_fingerprint
from biomedica_dataset.engine.launch import Launch
from biomedica_dataset.engine.report import Tally
from biomedica_dataset.errors import ArchiveError, UsageError

from .examples import audit_answers, choose_examples
from .fit import FEWEST
from .learn import Knowledge, learn
from .probabilities import CONCEPTS, Concept, Probe, ProbeHeader, Trained, write_concepts

if TYPE_CHECKING:
    from biomedica_dataset.annotation.blocks import BlockRecord
    from biomedica_dataset.engine.lock import RunLock
    from biomedica_dataset.engine.outcome import StageRun
    from biomedica_dataset.engine.progress import Progress
    from biomedica_dataset.engine.stage import WorkerContext

    Url = str | os.PathLike[str]
    Array = np.ndarray[Any, Any]

_CODE = ("annotation.probe.examples", "annotation.probe.learn")
_AUDIT = "audit more with `biomedica annotate review --audit`, and run `annotate labels` again"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ProbeReport(BlocksReport):
    """The result of a run of probe.

    Parameters
    ----------
    images
        Labelled images; kept are those that the probe was trained on.
    audited
        Those of them that an audit asked about.
    tried
        Concepts of labels; kept are those that the probe knows.
    concepts
        These, each beside the labels of clusters.
    """

    what: ClassVar[str] = "the probabilities"

    images: Tally
    audited: int
    tried: Tally
    precision: float
    concepts: list[Concept]

    def lines(self) -> list[str]:
        """Return what the probe was trained on, and how each concept does on the audit."""
        return [
            *self.images.lines("labelled images"),
            f"audited images: {self.audited:,}",
            *self.tried.lines("concepts"),
            f"labels for a precision of {self.precision:.0%}, on audited images, 95 % intervals:",
            *(line for concept in self.concepts for line in _in_words(concept)),
        ]


def _in_words(one: Concept) -> list[str]:
    start = (
        f"from {one.threshold:.2f} on, {one.probe}"
        if one.threshold is not None
        else "abstains: no threshold is precise enough, or the audit is too small"
    )
    title = f"- {one.question.replace('_', ' ')}, {one.name}"
    return [f"{title}: {start}", f"  labels of clusters: {one.clusters}"]


@dataclass(frozen=True)
class ProbeStage(BlockStage[int, None]):
    """Writes the probabilities of the images of each block.

    Parameters
    ----------
    embeddings, labels, assignments
        Folders of the vectors, of the labels of clusters, and of the clusters of images.
    precision
        The stated precision of labels.
    """

    embeddings: str
    labels: str
    assignments: str
    precision: float

    @cached_property
    def vectors(self) -> Embeddings:
        """The vectors."""
        return Embeddings.open(self.embeddings)

    @cached_property
    def named(self) -> Labels:
        """The labels of clusters."""
        return Labels.open(self.labels)

    @cached_property
    def clusters(self) -> Assignments:
        """The clusters of images."""
        return Assignments.open(self.assignments)

    def check(self) -> None:
        """Refuse labels of other clusters, clusters of another archive, and a very small audit."""
        if self.named.model != self.clusters.model:
            msg = f"{self.labels} has labels of clusters other than those of {self.assignments}"
            raise UsageError(msg)
        self.clusters.check_width(self.vectors.width, "name the vectors of its archive")
        audited = len(audit_answers(self.named.votes()))
        if audited < FEWEST:
            msg = (
                f"{self.labels} has {audited} audited images; a threshold needs {FEWEST} or more: "
                f"{_AUDIT}"
            )
            raise UsageError(msg)

    @cached_property
    def state(self) -> str:
        """The digest of all inputs: what is said of any image may change every probability."""
        code = code_fingerprint(_CODE, ("scikit-learn",))
        digest = hashlib.sha256(code.encode())
        for name in (HEADER, VOTES):
            digest.update(self.named.folder.read_bytes(name))
        parts = self.vectors.state(), self.clusters.state(), self.precision
        digest.update(repr(parts).encode())
        return digest.hexdigest()

    @cached_property
    def learned(self) -> tuple[Knowledge, Trained]:
        """The concepts, fitted when a block is to be written, and what is stored of them."""
        from threadpoolctl import threadpool_limits

        examples = choose_examples(self.named, self.clusters)
        rows = self._vectors_of({example.key for example in examples})
        kept = [example for example in examples if example.key in rows]
        if not kept:
            msg = (
                f"no labelled image of {self.assignments} has a vector in {self.embeddings}; give "
                "the vectors that the clusters were made from"
            )
            raise UsageError(msg)
        vectors = np.stack([rows[example.key] for example in kept]).astype(np.float32)
        check_finite(vectors)
        with threadpool_limits(limits=1):  # several would add in another order elsewhere
            knowledge = learn(kept, vectors, self.named, self.precision)
        if not knowledge.concepts:
            reasons = ", ".join(f"{n} {reason}" for reason, n in knowledge.tried.items())
            msg = (
                f"{self.labels} has no concept that can be learned ({reasons}); label clusters of "
                "two concepts or more, each with images of several articles"
            )
            raise UsageError(msg)
        images = Counter({"kept": len(kept), "no vector": len(examples) - len(kept)})
        trained = Trained(
            state=self.state, precision=self.precision, images=dict(+images),
            audited=sum(bool(example.fits) for example in kept),
            tried=knowledge.tried, concepts=knowledge.concepts,
        )  # fmt: skip
        return knowledge, trained

    def _vectors_of(self, keys: set[str]) -> dict[str, Array]:
        found: dict[str, Array] = {}
        for block in self.vectors.blocks():
            own, vectors = self.vectors.vectors(block)
            found |= {key: vectors[row].copy() for row, key in enumerate(own) if key in keys}
        return found

    def begin(self, lock: RunLock) -> None:
        """Begin the folder, and remove concepts that no longer describe its blocks."""
        header = ProbeHeader(self.vectors.width, self.vectors.digest, str(self.vectors.model))
        probe = Probe.begin(self.output, header)
        try:
            is_current = self.output.exists(CONCEPTS) and probe.trained.state == self.state
        except ArchiveError:
            is_current = False
        if not is_current:
            self.output.remove(CONCEPTS)

    def tasks(self) -> list[int]:
        """Return the blocks that have vectors."""
        return self.vectors.blocks()

    def fingerprint(self, task: int) -> str:
        """Return the fingerprint of all inputs."""
        return self.state

    def make(self, task: int, context: WorkerContext) -> None:
        """Write the probabilities of a block's images."""
        keys, vectors = self.vectors.vectors(task)
        check_finite(vectors)
        knowledge, trained = self.learned
        chances = knowledge.probabilities(vectors)
        columns = {"key": pa.array(keys, pa.string())}
        for number, one in enumerate(trained.concepts):
            columns[one.column] = pa.array(chances[:, number])
        self.write(task, pa.table(columns), {"kept": len(keys)})
        context.progress.tick(1, len(keys), 0)

    def finish(self, run: StageRun[BlockRecord, None]) -> None:
        """Write the concepts, and remove blocks without vectors."""
        if run.made or not self.output.exists(CONCEPTS):
            write_concepts(self.output, self.learned[1])
        super().finish(run)


def probe(
    embeddings: Url,
    output: Url,
    *,
    labels: Url,
    assignments: Url,
    precision: float = 0.95,
    take_over: bool = False,
    progress: Progress | None = None,
) -> ProbeReport:
    """Learn from what experts said which concepts single images show.

    For each concept of the labels a logistic regression on the vectors is trained: on images of
    labelled clusters, less those that experts removed, and ten times as much on audited images. It
    is cross-validated by article and calibrated. An image gets a label if its probability reaches a
    threshold from which on, in the audit, so many images show the concept.

    Parameters
    ----------
    embeddings
        Vectors of the images, also of those whose clusters have no label.
    labels
        What `label` wrote, of votes with an audit.
    assignments
        The clusters that these labels are of.
    precision
        Share of audited images with a label that show its concept, at least.
    take_over
        Take the output over from another run.

    Raises
    ------
    UsageError
        A folder is missing or belongs to another, the audit has fewer than ten images, no concept
        can be told from others, or the output is something else.

    Examples
    --------
    >>> probe("none", "probe", labels="labels", assignments="assignments")
    Traceback (most recent call last):
        ...
    biomedica_dataset.errors.UsageError: ...
    """
    stage = ProbeStage(
        url=os.fspath(output), embeddings=os.fspath(embeddings), labels=os.fspath(labels),
        assignments=os.fspath(assignments), precision=precision,
    )  # fmt: skip
    stage.check()
    run = stage.run(Launch(take_over=take_over), workers=1, progress=progress)
    trained = Probe.open(output).trained
    return ProbeReport(
        images=Tally.of(trained.images),
        audited=trained.audited,
        tried=Tally.of(trained.tried),
        precision=trained.precision,
        concepts=trained.concepts,
        blocks=run.blocks,
        written=len(run.made),
        left=run.left,
    )
