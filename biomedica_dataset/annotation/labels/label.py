"""The label stage: votes in; labels of clusters, agreement and audit out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biomedica_dataset.annotation.clusters.assignments import Assignments
from biomedica_dataset.engine.launch import Launch
from biomedica_dataset.engine.lock import acquire
from biomedica_dataset.engine.report import Shown
from biomedica_dataset.errors import BiomedicaError, UsageError
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.io.headers import refuse_foreign

from .aggregate import aggregate, wrong_images
from .agreement import Agreement, agreements
from .audit import Purity, letters_agree, purities
from .labels import ADJUDICATION, HEADER, TABLE, Labels, write_labels
from .published import Published, read_published
from .read_votes import open_questions, read_votes, refuse_completed
from .taxonomy import Taxonomy

if TYPE_CHECKING:
    from .cluster_label import ClusterLabel

    Url = str | os.PathLike[str]

_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class LabelsReport(Shown):
    """Labels and statistics computed from the votes.

    Parameters
    ----------
    letters
        Panel types compared with the panel letters in captions; only with a dataset folder.
    """

    annotators: list[str]
    labels: dict[int, ClusterLabel]
    agreement: list[Agreement]
    purity: list[Purity]
    letters: dict[str, Any] | None
    wrong: list[str]
    published: Published | None

    def __str__(self) -> str:
        return "\n".join(line.removeprefix("## ") for line in self.lines() if line)

    def lines(self) -> Iterator[str]:
        """Yield the report as lines of Markdown."""
        labels = self.labels.values()
        whole = sum(not label.open for label in labels)
        yield f"{len(self.labels):,} clusters, {len(self.annotators)} annotators"
        yield f"- settled: {whole:,}; open: {len(self.labels) - whole:,}"
        yield f"- ambiguous: {sum(label.ambiguous for label in labels):,}"
        yield f"- mixed, should be split: {sum(label.mixed for label in labels):,}"
        yield f"- images removed from their cluster: {len(self.wrong):,}"
        problems = Counter(text for label in labels for text in label.contradictions)
        if problems:
            yield ""
            yield f"## Contradictions, not applied: {sum(problems.values()):,}"
            order = sorted(problems, key=lambda one: (not one.startswith("panel"), -problems[one]))
            yield from (f"- {problems[text]:,} x {text}" for text in order[:_SHOWN])
        if self.published is not None:
            yield from self.published.lines()
        yield ""
        yield "## Agreement"
        for one in self.agreement:
            yield f"- {_words(one)}"
        if not self.agreement:
            yield "- no cluster was answered by two or more annotators"
        yield from self._checks()

    def _checks(self) -> Iterator[str]:
        if self.purity:
            yield ""
            yield "## Audit: share of images that the label fits, 95 % interval"
            for one in self.purity:
                share = f"{one.right / one.images:.0%} ({one.low:.0%} to {one.high:.0%})"
                yield f"- {one.question.removeprefix('fits_')}, {one.of}: {share} of {one.images:,}"
        if self.letters and self.letters["images"]:
            share = self.letters["agree"] / self.letters["images"]
            yield ""
            yield "## Panel type compared with the panel letters in captions"
            yield f"- the two agree on {share:.0%} of {self.letters['images']:,} images"


def _words(one: Agreement) -> str:
    parts = [f"{one.question}: {one.clusters:,} cluster{'s' * (one.clusters != 1)}"]
    parts += [f"{one.percent:.0%} equal"] if one.percent is not None else []
    parts += [f"Cohen's kappa {one.kappa:.2f}"] if one.kappa is not None else []
    if one.alpha is not None:
        interval = f" ({one.low:.2f} to {one.high:.2f})" if one.low is not None else ""
        parts.append(f"Krippendorff's alpha {one.alpha:.2f}{interval}")
    return ", ".join(parts)


def label(  # noqa: PLR0913 - each is given by name
    votes: Sequence[Url],
    output: Url,
    *,
    assignments: Url | None = None,
    taxonomy: Url | None = None,
    adjudication: Url | None = None,
    dataset: Url | None = None,
    published: Url | None = None,
    take_over: bool = False,
) -> LabelsReport:
    """Aggregate votes into labels of clusters and write them.

    Parameters
    ----------
    votes
        Files of votes or completed tables of questions, one per annotator.
    assignments
        The clusters that were voted on.
    taxonomy
        A file; the built-in one by default.
    adjudication
        Votes that settle open questions.
    dataset
        A dataset folder; panel types are compared with the panel letters in its captions.
    published
        Folder with the labels published by the original project, to use instead of votes.
    take_over
        Take the output over from another run.

    Raises
    ------
    UsageError
        There are no votes; a vote is invalid or belongs to another taxonomy or other clusters; or
        the output is neither empty nor a folder of labels.

    Examples
    --------
    >>> label([], "labels", published="none")
    Traceback (most recent call last):
        ...
    biomedica_dataset.errors.UsageError: ...
    """
    folder = Folder(output)
    with acquire(folder, Launch(take_over=take_over)) as lock:
        refuse_foreign(folder, "a folder of labels", TABLE, HEADER)
        names = Taxonomy.load(taxonomy)
        there = None if assignments is None else Assignments.open(assignments)
        clusters, count = (there.model, there.clusters) if there else ("published", None)
        if there is None and published is None:
            msg = "the clusters of the votes are missing; give them with --assignments FOLDER"
            raise UsageError(msg)
        old = None if published is None else read_published(published, names, clusters)
        cast = [*(old.votes if old else []), *read_votes(votes, names, clusters, count)]
        if not cast:
            msg = "there are no votes; give files of votes, or --published FOLDER"
            raise UsageError(msg)
        settled = read_votes([adjudication], names, clusters, count) if adjudication else []
        labels = aggregate(cast, settled, names)
        report = LabelsReport(
            annotators=sorted({vote.annotator for vote in cast}),
            labels=labels,
            agreement=agreements(cast),
            purity=purities(cast, labels),
            letters=letters_agree(_letters(there, dataset), labels) if there and dataset else None,
            wrong=wrong_images(cast, labels),
            published=old,
        )
        header = {
            "model": clusters,
            "taxonomy": names.as_json(),
            "annotators": report.annotators,
            "agreement": [asdict(one) for one in report.agreement],
            "audit": [asdict(one) for one in report.purity],
            "panel_letters": report.letters,
            "wrong_images": report.wrong,
        }
        texts = {
            **_table_to_settle(folder, labels.values(), clusters, adjudication),
            "report.md": ("\n".join(report.lines()) + "\n").encode(),
        }
        lock.check()
        write_labels(folder, labels, [*cast, *settled], header, texts)
    return report


def _table_to_settle(
    folder: Folder, labels: Iterable[ClusterLabel], clusters: str, given: Url | None
) -> dict[str, bytes]:
    """Return the table of the open questions, unless the one there is completed and given."""
    table, before = open_questions((label for label in labels if label.open), clusters), None
    with suppress(BiomedicaError):  # no labels yet, or none that can be read
        old = Labels.open(folder.url)
        before = open_questions((one for one in old.all().values() if one.open), old.model)
    try:
        refuse_completed(folder, ADJUDICATION, (table, before), "give it with --adjudication")
    except UsageError:
        if given and folder.is_local and Path(given).samefile(folder.path(ADJUDICATION)):
            return {}
        raise
    return {ADJUDICATION: table}


def _letters(assignments: Assignments, dataset: Url) -> Iterator[tuple[int, int | None]]:
    """Yield the cluster and number of panel letters of each image of a dataset folder."""
    import pyarrow.parquet as pq

    folder = Folder(dataset)
    clusters = assignments.of_pmcids(0, 10**12) if assignments.blocks() else {}
    names = folder.names("index")
    if not names:
        msg = f"{folder.url} is not a dataset folder: it has no files in index/"
        raise UsageError(msg)
    for name in names:
        path = f"index/{name}"
        with folder.reading(path, "Serialize again.") as file:
            table = pq.read_table(file, columns=["key", "image_panel_count"])
        for key, count in zip(*(column.to_pylist() for column in table.columns), strict=True):
            if key in clusters:
                yield clusters[key], count
