"""A run of labels: votes in, the labels of clusters out, with what there is to know of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from biomedica_dataset.annotation.clusters.assignments import Assignments
from biomedica_dataset.errors import UsageError
from biomedica_dataset.io.folders import Folder

from .aggregate import decide, wrong_images
from .agreement import Agreement, agreements
from .audit import Purity, letters_agree, purities
from .labels import HEADER, TABLE, ClusterLabel, write_labels
from .published import Published, read_published
from .read_votes import open_questions, read_votes
from .taxonomy import Taxonomy

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

    Path = str | os.PathLike[str]

_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsReport:
    """What became of the votes.

    Parameters
    ----------
    letters
        How panel types go with the panel letters in captions, where a dataset folder was given.
    """

    annotators: list[str]
    labels: dict[int, ClusterLabel]
    agreement: list[Agreement]
    purity: list[Purity]
    letters: dict[str, Any] | None
    wrong: list[str]
    published: Published | None

    def __str__(self) -> str:
        """Return the report in words."""
        return "\n".join(line.removeprefix("## ") for line in self.lines() if line)

    def lines(self) -> Iterator[str]:
        """Yield the report as lines of Markdown."""
        labels = self.labels.values()
        whole = sum(not label.open for label in labels)
        yield f"{len(self.labels):,} clusters, {len(self.annotators)} annotators"
        yield f"- settled: {whole:,}; left to a person: {len(self.labels) - whole:,}"
        yield f"- ambiguous: {sum(label.ambiguous for label in labels):,}"
        yield f"- mixed, to be split: {sum(label.mixed for label in labels):,}"
        yield f"- images taken out of their cluster: {len(self.wrong):,}"
        problems = Counter(text for label in labels for text in label.contradictions)
        if problems:
            yield ""
            yield f"## Contradictions, not handed down: {sum(problems.values()):,}"
            order = sorted(
                problems, key=lambda text: (not text.startswith("panel"), -problems[text])
            )
            yield from (f"- {problems[text]:,} x {text}" for text in order[:_SHOWN])
        if self.published is not None:
            yield from self.published.lines()
        yield ""
        yield "## Agreement"
        for one in self.agreement:
            yield f"- {_words(one)}"
        if not self.agreement:
            yield "- no cluster was answered by two annotators"
        yield from self._checks()

    def _checks(self) -> Iterator[str]:
        if self.purity:
            yield ""
            yield "## Audit: share of images of which the label is true, 95 % interval"
            for one in self.purity:
                share = f"{one.right / one.images:.0%} ({one.low:.0%} to {one.high:.0%})"
                yield f"- {one.question.removeprefix('fits_')}, {one.of}: {share} of {one.images:,}"
        if self.letters and self.letters["images"]:
            share = self.letters["agree"] / self.letters["images"]
            yield ""
            yield "## Panel type beside the panel letters in captions"
            yield f"- the two agree on {share:.0%} of {self.letters['images']:,} images"


def _words(one: Agreement) -> str:
    parts = [f"{one.question}: {one.clusters:,} clusters"]
    parts += [f"{one.percent:.0%} equal"] if one.percent is not None else []
    parts += [f"Cohen's kappa {one.kappa:.2f}"] if one.kappa is not None else []
    if one.alpha is not None:
        interval = f" ({one.low:.2f} to {one.high:.2f})" if one.low is not None else ""
        parts.append(f"Krippendorff's alpha {one.alpha:.2f}{interval}")
    return ", ".join(parts)


def make_labels(
    votes: Sequence[Path],
    output: Path,
    *,
    assignments: Path | None = None,
    taxonomy: Path | None = None,
    adjudication: Path | None = None,
    dataset: Path | None = None,
    published: Path | None = None,
) -> LabelsReport:
    """Write the labels that votes give.

    Parameters
    ----------
    votes
        Files of votes or filled-in tables of questions, one for each annotator.
    assignments
        The clusters that were voted on.
    taxonomy
        A file; the built-in one by default.
    adjudication
        Votes that settle what was open.
    dataset
        A dataset folder: its captions tell how many panels a figure has.
    published
        Folder of the labels that the original project published, instead of votes.

    Raises
    ------
    UsageError
        There are no votes, one is of another taxonomy or other clusters or names what there is
        not, or the output holds something else.
    """
    names = Taxonomy.load(taxonomy)
    there = None if assignments is None else Assignments.open(assignments)
    folder = _begun(output)
    model, clusters = (there.model, there.clusters) if there else ("published", None)
    if there is None and published is None:
        msg = "name the clusters that were voted on: --assignments FOLDER"
        raise UsageError(msg)
    old = None if published is None else read_published(published, names, model)
    cast = [*(old.votes if old else []), *read_votes(votes, names, model, clusters)]
    if not cast:
        msg = "there are no votes; name their files, or --published FOLDER"
        raise UsageError(msg)
    settled = read_votes([adjudication], names, model, clusters) if adjudication else []
    labels = decide(cast, settled, names)
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
        "model": model,
        "taxonomy": names.as_json(),
        "annotators": report.annotators,
        "agreement": [asdict(one) for one in report.agreement],
        "audit": [asdict(one) for one in report.purity],
        "panel_letters": report.letters,
        "wrong_images": report.wrong,
    }
    open_ones = [label for label in labels.values() if label.open]
    folder.write_bytes("adjudication.csv", open_questions(open_ones, model))
    write_labels(folder, labels, [*cast, *settled], header, "\n".join(report.lines()) + "\n")
    return report


def _begun(output: Path) -> Folder:
    folder = Folder(output)
    folder.sweep()
    if not (folder.exists(HEADER) or folder.exists(TABLE) or folder.is_empty()):
        msg = f"{folder.url} holds something else than labels; name a new folder"
        raise UsageError(msg)
    return folder


def _letters(assignments: Assignments, dataset: Path) -> Iterator[tuple[int, int | None]]:
    """Yield cluster and number of panel letters of the images that a dataset folder lists."""
    import pyarrow.parquet as pq

    folder = Folder(dataset)
    clusters = assignments.of_pmcids(0, 10**12) if assignments.blocks() else {}
    names = folder.names("index")
    if not names:
        msg = f"{folder.url} is no dataset folder: it has no files in index/"
        raise UsageError(msg)
    for name in names:
        path = f"index/{name}"
        with folder.reading(path, "Serialize again.") as file:
            table = pq.read_table(file, columns=["key", "image_panel_count"])
        for key, count in zip(*(column.to_pylist() for column in table.columns), strict=True):
            if key in clusters:
                yield clusters[key], count
