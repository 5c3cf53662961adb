"""What experts said of single images: through the labels of their clusters, and in an audit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from biomedica_dataset.annotation.labels.votes import AUDIT, Vote
from biomedica_dataset.annotation.review.sample import Smallest, drawn

if TYPE_CHECKING:
    from biomedica_dataset.annotation.clusters.assignments import Assignments
    from biomedica_dataset.annotation.labels.cluster_label import ClusterLabel
    from biomedica_dataset.annotation.labels.labels import Labels

QUESTIONS = tuple(question.removeprefix("fits_") for question in AUDIT)
"""Questions about a cluster that an audit also asks of single images."""

_ABOVE = {"secondary": "primary"}
_MOST, _LEAST = 50_000, 10  # images in all, and of a cluster where there are many

Answers = frozenset[tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class Example:
    """An image that experts said something of.

    Parameters
    ----------
    cluster
        Its cluster, which has a label.
    fits
        Whether the label fits the image, by question, where an audit asked.
    """

    key: str
    cluster: int
    fits: Answers = frozenset()


def audit_answers(votes: Iterable[Vote]) -> dict[tuple[int, str], Answers]:
    """Return what an audit says by cluster and image: what most annotators say; ties are left out.

    Examples
    --------
    >>> audit_answers([])
    {}
    """
    balance: Counter[tuple[int, str, str]] = Counter()
    for vote in votes:
        if vote.question in AUDIT and vote.key is not None:
            question = vote.question.removeprefix("fits_")
            balance[vote.cluster, vote.key, question] += 1 if vote.answer is True else -1
    found: dict[tuple[int, str], Answers] = {}
    for (cluster, key, question), votes_more in balance.items():
        if votes_more:
            found[cluster, key] = found.get((cluster, key), Answers()) | {
                (question, votes_more > 0)
            }
    return found


def choose_examples(labels: Labels, assignments: Assignments) -> list[Example]:
    """Return all audited images and, of each labelled cluster, those with the lowest hashes.

    Images that experts removed from their cluster count only if they were audited.
    """
    answers, known = audit_answers(labels.votes()), labels.all()
    answered = {n for n, label in known.items() if any(getattr(label, q) for q in QUESTIONS)}
    most = max(_LEAST, _MOST // max(1, len(answered)))
    drawn_of = {cluster: Smallest(most) for cluster in sorted(answered)}
    audited = []
    for block in assignments.blocks():
        columns = (c.to_pylist() for c in assignments.read(block, ["key", "cluster"]).columns)
        for key, cluster in zip(*columns, strict=True):
            if cluster in answered and (cluster, key) in answers:
                audited.append(Example(key, cluster, answers[cluster, key]))
            elif cluster in answered and labels.of(cluster, key) is not None:
                drawn_of[cluster].add((drawn(key, 0), key))
    others = (Example(key, c) for c, smallest in drawn_of.items() for key in smallest.first())
    return sorted([*audited, *others], key=lambda example: example.key)


@dataclass(frozen=True, slots=True)
class Said:
    """What is known of images about one concept.

    Parameters
    ----------
    shows
        1 for an image that shows it, 0 for one that does not, -1 where it is not known; int8 (n,).
    audited
        Whether an audit says so, bool (n,).
    handed_down
        Whether the label of the cluster has the concept, bool (n,).
    """

    shows: np.ndarray[Any, Any]
    audited: np.ndarray[Any, Any]
    handed_down: np.ndarray[Any, Any]


def said_of(
    examples: list[Example],
    labels: Mapping[int, ClusterLabel],
    question: str,
    name: str,
    parent: str | None,
) -> Said:
    """Return what is known about a concept.

    Parameters
    ----------
    parent
        The global concept of a local one: images that do not show it do not show the local one.
    """
    known: dict[tuple[int, Answers], tuple[int, bool, bool]] = {}
    rows = []
    for example in examples:
        what = example.cluster, example.fits
        if what not in known:
            label, fits = labels[example.cluster], dict(example.fits)
            shows, audited = _shows(label, fits, question, name)
            if shows < 0 and parent is not None:
                above, by_audit = _shows(label, fits, _ABOVE[question], parent)
                shows, audited = (0, by_audit) if above == 0 else (-1, False)
            known[what] = shows, audited, name in _names(label, question)
        rows.append(known[what])
    shows_of, audited_of, handed_down = zip(*rows, strict=True) if rows else ((), (), ())
    return Said(
        np.array(shows_of, np.int8), np.array(audited_of, bool), np.array(handed_down, bool)
    )


def _names(label: ClusterLabel, question: str) -> list[str]:
    answer = getattr(label, question) or []
    return [answer] if isinstance(answer, str) else answer


def _shows(
    label: ClusterLabel, fits: Mapping[str, bool], question: str, name: str
) -> tuple[int, bool]:
    """Return whether an image shows a concept, -1 if not known, and whether an audit says so."""
    names = _names(label, question)
    if not names:
        return -1, False
    if fits.get(question, True):
        return int(name in names), question in fits
    # Of several names one may fit, and what the image shows instead is not asked.
    return (0, True) if names == [name] else (-1, False)
