"""A review session: the items to answer, and each annotator's answers, saved at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biomedica_dataset.annotation.labels.votes import AUDIT, VoteFile
from biomedica_dataset.errors import UsageError

from .work import VOTES, Work

if TYPE_CHECKING:
    from biomedica_dataset.annotation.labels.labels import Labels
    from biomedica_dataset.annotation.labels.taxonomy import Taxonomy

    from .sheets import Review
    from .thumbnails import Card

ADJUDICATION = "adjudication"


@dataclass(frozen=True, slots=True)
class Item:
    """What is asked about: a cluster, or in an audit one image of it."""

    cluster: int
    key: str | None = None


class ReviewSession(Work[Item, VoteFile]):
    """The work of all annotators on one review.

    Parameters
    ----------
    items
        Items to answer, in order.
    votes
        Folder for the answers.
    labels
        Labels to adjudicate or audit.
    """

    def __init__(
        self,
        review: Review,
        taxonomy: Taxonomy,
        items: list[Item],
        votes: Path,
        labels: Labels | None = None,
    ) -> None:
        super().__init__(items, votes)
        self.review, self.taxonomy, self.labels = review, taxonomy, labels

    def open_file(self, annotator: str) -> VoteFile:
        """Open the file of an annotator."""
        return VoteFile(self._votes, annotator, self.taxonomy, self.review.model)

    def answers(self, annotator: str, item: Item) -> dict[str, Any]:
        """Return the answers of an annotator to an item, by question."""
        with self._lock:
            return self._file(annotator).answers(item.cluster, item.key)

    def save(self, annotator: str, item: Item, question: str, answer: Any) -> None:
        """Save an answer; it is on disk when this returns. An empty answer withdraws it.

        Linked answers follow: a subtype sets its panel type, a local concept adds its global
        concept, and answers that no longer fit are withdrawn.
        """
        value = None if answer in ("", [], None) else answer
        with self._lock:
            file = self._file(annotator)
            if file.answers(item.cluster, item.key).get(question) != value:
                file.answer(item.cluster, question, value, item.key)
            given = file.answers(item.cluster, item.key)
            for linked, follows in self._linked(question, given).items():
                file.answer(item.cluster, linked, follows)

    def _linked(self, question: str, given: dict[str, Any]) -> dict[str, Any]:
        """Return the other answers that must change after an answer to a question."""
        names, kind = self.taxonomy, given.get("panel_type")
        subtype: str | None = given.get("panel_subtype")
        primary, secondary = given.get("primary", []), given.get("secondary", [])
        if question == "panel_subtype" and subtype and kind != names.type_of(subtype):
            return {"panel_type": names.type_of(subtype)}
        if question == "panel_type" and subtype and names.type_of(subtype) != kind:
            return {"panel_subtype": None}
        above = {name: names.primary_of(name) for name in secondary}
        if question == "secondary" and set(above.values()) - set(primary):
            return {"primary": sorted({*primary, *above.values()})}
        kept = [name for name in secondary if above[name] in primary]
        if question == "primary" and kept != secondary:
            return {"secondary": kept or None}
        return {}

    def audited(self, item: Item) -> list[str]:
        """Return the questions that an audit asks: those with an answer in the label."""
        label = self.labels.of(item.cluster) if self.labels else None
        return [name for name in AUDIT if getattr(label, name.removeprefix("fits_"), None)]

    def is_done(self, annotator: str, item: Item) -> bool:
        """Whether all required questions are answered."""
        given = self.answers(annotator, item)
        if item.key is not None:
            return set(self.audited(item)) <= given.keys()
        if self.labels is not None:
            label = self.labels.of(item.cluster)
            return label is None or set(label.open) <= given.keys()
        if given.get("ambiguous") or given.get("mixed"):
            return True  # the images get no label, whatever else is answered
        return {"panel_type", "primary"} <= given.keys()

    def cards(self, item: Item) -> list[tuple[str, Card]]:
        """Return the images to show of an item, each with its group."""
        groups = self.review.clusters[item.cluster].shown
        return [
            (group, self.review.cards[key])
            for group, keys in groups.items()
            for key in keys
            if key in self.review.cards and item.key in (None, key)
        ]


def open_session(
    review: Review,
    taxonomy: Taxonomy,
    labels: Labels | None = None,
    *,
    adjudicate: bool = False,
    audit: int | None = None,
) -> ReviewSession:
    """Return the session of a review, an adjudication or an audit.

    Parameters
    ----------
    labels
        Labels to adjudicate or audit.
    adjudicate
        Ask only about clusters with open questions.
    audit
        Number of random images to ask about in each labelled cluster.

    Raises
    ------
    UsageError
        Labels are missing or belong to other clusters, or nothing is left to do.
    """
    folder = Path(review.folder.root)
    if not adjudicate and audit is None:
        items = [Item(cluster) for cluster in review.clusters]
        return ReviewSession(review, taxonomy, items, folder / VOTES)
    if labels is None or labels.model != review.model:
        msg = "an adjudication or audit needs labels of these clusters; give them with --labels"
        raise UsageError(msg)
    known = {n: label for n, label in labels.all().items() if n in review.clusters}
    if adjudicate:
        items = [Item(cluster) for cluster, label in sorted(known.items()) if label.open]
        place = folder / ADJUDICATION
    else:
        _check_enough(review, known, audit or 0)
        items = [
            Item(cluster, key)
            for cluster, label in sorted(known.items())
            if label.panel_type or label.primary
            for key in review.clusters[cluster].shown["random"][:audit]
        ]
        place = folder / VOTES
    if not items:
        msg = "these labels have no open questions" if adjudicate else "no cluster has a label"
        raise UsageError(msg)
    return ReviewSession(review, taxonomy, items, place, labels)


def _check_enough(review: Review, clusters: Iterable[int], audit: int) -> None:
    for cluster in clusters:
        sample = review.clusters[cluster]
        random = len(sample.shown["random"])
        if random < min(audit, sample.size):
            msg = (
                f"an audit of {audit} images per cluster needs as many random images, but these "
                f"sheets have {random}; write sheets with --images {audit}"
            )
            raise UsageError(msg)
