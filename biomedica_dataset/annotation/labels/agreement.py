"""Agreement between annotators, and confidence intervals of proportions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, combinations
from typing import Any

import numpy as np

from biomedica_dataset.extras import require

from .votes import FLAGS, SETS, SINGLE, Vote

_RESAMPLES = 1000
_NOTHING = "(nothing)"

Answers = dict[int, dict[str, Any]]  # of one question: by cluster, by annotator


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Agreement of the annotators on one question.

    Parameters
    ----------
    clusters
        Number of clusters answered by at least two annotators.
    percent
        Share of equal pairs among all pairs of answers to the same cluster.
    kappa
        Cohen's kappa, corrected for chance; only if exactly two annotators answered.
    alpha
        Krippendorff's alpha, for any number of annotators and with missing answers; for sets, with
        the MASI distance (Passonneau 2006).
    low, high
        95 % bootstrap interval of alpha, by resampling clusters.
    """

    question: str
    clusters: int
    percent: float | None
    kappa: float | None
    alpha: float | None
    low: float | None
    high: float | None


def agreements(votes: Sequence[Vote], seed: int = 0) -> list[Agreement]:
    """Return the agreement on each question, and on each concept separately.

    Raises
    ------
    UsageError
        nltk is missing.
    """
    found = []
    for question in (*SINGLE, *SETS, *FLAGS):
        answers = answers_to(votes, question)
        found.append(_agreement(question, answers, seed))
        if question in SETS:
            concepts = sorted({c for own in answers.values() for a in own.values() for c in a})
            for concept in concepts:
                chosen = {
                    cluster: {who: concept in answer for who, answer in own.items()}
                    for cluster, own in answers.items()
                }
                found.append(_agreement(f"{question}: {concept}", chosen, seed))
    return [agreement for agreement in found if agreement.clusters]


def answers_to(votes: Sequence[Vote], question: str) -> Answers:
    """Return the answers to a question; sets are returned as frozensets."""
    answers: Answers = {}
    for vote in votes:
        if vote.question == question and vote.key is None:
            own: Any = frozenset(vote.answer) if isinstance(vote.answer, list) else vote.answer
            answers.setdefault(vote.cluster, {})[vote.annotator] = own
    return answers


def _agreement(question: str, answers: Answers, seed: int) -> Agreement:
    shared = {cluster: own for cluster, own in answers.items() if len(own) > 1}
    pairs = [pair for own in shared.values() for pair in combinations(own.values(), 2)]
    people = sorted({who for own in shared.values() for who in own})
    low, high = _interval(list(shared.values()), seed)
    return Agreement(
        question=question,
        clusters=len(shared),
        percent=sum(a == b for a, b in pairs) / len(pairs) if pairs else None,
        kappa=_kappa(shared, people) if len(people) == 2 and question not in SETS else None,
        alpha=_alpha(list(shared.values())),
        low=low,
        high=high,
    )


def _kappa(shared: Answers, people: list[str]) -> float | None:
    from sklearn.metrics import cohen_kappa_score

    first, second = ([str(own[who]) for own in shared.values()] for who in people)
    if len({*first, *second}) < 2:  # all answers are equal: kappa is undefined
        return None
    return float(cohen_kappa_score(first, second))


def _alpha(items: list[Mapping[str, Any]]) -> float | None:
    """Return Krippendorff's alpha, or ``None`` if all answers are equal or there are none."""
    if len({answer for own in items for answer in own.values()}) < 2:
        return None
    agreement = require("nltk.metrics.agreement", "review")
    numbered = enumerate(items)
    data = [(who, n, _label(answer)) for n, own in numbered for who, answer in own.items()]
    return float(agreement.AnnotationTask(data=data, distance=_distance).alpha())


def _label(answer: Any) -> Any:
    # MASI is undefined for two empty sets.
    return frozenset({_NOTHING}) if answer == frozenset() else answer


@lru_cache(maxsize=100_000)
def _distance(first: Any, second: Any) -> float:
    if not isinstance(first, frozenset):
        return float(first != second)
    return float(require("nltk.metrics.distance", "review").masi_distance(first, second))


def _interval(items: list[Mapping[str, Any]], seed: int) -> tuple[float | None, float | None]:
    if len(items) < 2:
        return None, None
    rng = np.random.default_rng(seed)
    even = np.full(len(items), 1 / len(items))
    alphas = _alphas(items, rng.multinomial(len(items), even, size=_RESAMPLES))
    if not len(alphas):
        return None, None
    low, high = np.quantile(alphas, [0.025, 0.975])
    return float(low), float(high)


def _alphas(items: list[Mapping[str, Any]], drawn: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the alpha of each bootstrap sample, without samples whose answers are all equal.

    Calling the library for each sample takes minutes with thousands of clusters. The disagreement
    within an item and its counts of answers are the same in all samples, so they are computed once.
    ``drawn``, int (samples, items), says how often each sample contains each item.
    """
    answers = [[_label(answer) for answer in own.values()] for own in items]
    places = {answer: at for at, answer in enumerate(dict.fromkeys(chain(*answers)))}
    counts = np.zeros((len(items), len(places)))
    for row, own in zip(counts, answers, strict=True):
        np.add.at(row, [places[answer] for answer in own], 1)
    apart = np.array([[_distance(a, b) for b in places] for a in places])
    people = counts.sum(axis=1)
    disagreement = ((counts @ apart) * counts).sum(axis=1) / (people - 1)
    total, often = drawn @ people, drawn @ counts
    by_chance = ((often @ apart) * often).sum(axis=1) / (total - 1)
    varied = by_chance > 0
    alphas: np.ndarray[Any, Any] = 1 - (drawn @ disagreement)[varied] / by_chance[varied]
    return alphas


def wilson(right: int, of: int) -> tuple[float, float]:
    """Return the 95 % Wilson interval of a proportion."""
    from scipy.stats import binomtest

    interval = binomtest(right, of).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)
