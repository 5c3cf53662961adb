"""Aggregates votes into one label for each cluster: majorities, ties, contradictions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .agreement import answers_to
from .cluster_label import ClusterLabel
from .votes import FLAGS, SETS, SINGLE, Vote

if TYPE_CHECKING:
    from .taxonomy import Taxonomy


def aggregate(
    votes: Sequence[Vote], settled: Sequence[Vote], taxonomy: Taxonomy
) -> dict[int, ClusterLabel]:
    """Return the label of each cluster that was voted on.

    An answer needs the votes of more than half of those who answered; in a set, so does each
    concept. A subtype must belong to the chosen panel type, and a local concept to a chosen global
    concept; contradictory answers are not applied.

    Parameters
    ----------
    settled
        Answers of the adjudication; they replace the votes.
    """
    questions = (*SINGLE, *SETS, *FLAGS)
    answers = {question: answers_to(votes, question) for question in questions}
    final = {(vote.cluster, vote.question): vote.answer for vote in settled if vote.key is None}
    clusters = sorted({vote.cluster for vote in (*votes, *settled) if vote.key is None})
    labels = {}
    for cluster in clusters:
        people = {who for question in questions for who in answers[question].get(cluster, {})}
        label = ClusterLabel(cluster=cluster, votes=len(people))
        for question in questions:
            own = answers[question].get(cluster, {})
            if (cluster, question) in final:
                given = final[cluster, question]
                setattr(label, question, bool(given) if question in FLAGS else given or None)
            else:
                _apply_majority(label, question, own)
        _drop_contradictions(label, taxonomy, {name for number, name in final if number == cluster})
        if label.ambiguous or label.mixed:
            label.panel_type = label.panel_subtype = label.primary = label.secondary = None
        labels[cluster] = label
    return labels


def _apply_majority(label: ClusterLabel, question: str, own: Mapping[str, Any]) -> None:
    """Apply the majority answer; leave the question open if a third or more disagree."""
    people = len(own)
    if question in SETS:
        counts = Counter(concept for answer in own.values() for concept in answer)
        kept = sorted(concept for concept, n in counts.items() if 2 * n > people)
        setattr(label, question, kept or None)
        is_open = any(people < 3 * n < 2 * people for n in counts.values())
        is_open = is_open or bool(counts and not kept)
    else:
        (best, count), *_ = Counter(own.values()).most_common(1) or [(None, 0)]
        answer = best if 2 * count > people else None
        setattr(label, question, bool(answer) if question in FLAGS else answer)
        is_open = 3 * count < 2 * people
    if is_open:
        label.open.append(question)


def _drop_contradictions(label: ClusterLabel, taxonomy: Taxonomy, settled: Collection[str]) -> None:
    """Remove contradictory answers and open their questions; settled ones outweigh votes."""
    subtype, panel_type = label.panel_subtype, label.panel_type
    is_outvoted = "panel_type" in settled and "panel_subtype" not in settled
    if is_outvoted and subtype and taxonomy.type_of(subtype) != panel_type:
        label.panel_subtype = subtype = None
    if subtype and panel_type and taxonomy.type_of(subtype) != panel_type:
        label.contradictions.append(f"panel type {panel_type!r} with subtype {subtype!r}")
        label.panel_type = label.panel_subtype = None
        label.open += [question for question in SINGLE if question not in label.open]
    elif subtype and not panel_type:
        label.panel_subtype = None
    above = {name: taxonomy.primary_of(name) for name in label.secondary or []}
    stray = [name for name, concept in above.items() if concept not in (label.primary or [])]
    if stray:
        without = "local concept {!r} without its global {!r}"
        label.contradictions += [without.format(name, above[name]) for name in stray]
        label.secondary = [name for name in label.secondary or [] if name not in stray] or None
        label.open += [question for question in SETS if question not in label.open]


def wrong_images(votes: Sequence[Vote], labels: Mapping[int, ClusterLabel]) -> list[str]:
    """Return the keys that more than half of a cluster's annotators marked as wrong."""
    marks: Counter[tuple[int, str]] = Counter()
    for vote in votes:
        if vote.question == "wrong_images" and isinstance(vote.answer, list):
            marks.update((vote.cluster, key) for key in vote.answer)
    return sorted(
        key
        for (cluster, key), n in marks.items()
        if cluster in labels and 2 * n > labels[cluster].votes
    )
