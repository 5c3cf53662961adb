"""Fits the probe of one concept: logistic regression, cross-validated by article, calibrated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from biomedica_dataset.annotation.review.sample import drawn
from biomedica_dataset.keys import pmcid

if TYPE_CHECKING:
    from .examples import Said

FEWEST = 10
"""Audited images that must pass a threshold."""

_FOLDS = 5
_AUDIT_WEIGHT = 10  # of an audited image beside one that has the label of its cluster
_C = 10.0  # inverse strength of the regularization, for points of length 1
_STEPS = 1000

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Scale:
    """Brings vectors to points with zero mean, equal variances and a mean square length of 1.

    Parameters
    ----------
    mean, width
        float32 (d,).
    """

    mean: Array
    width: Array

    @classmethod
    def of(cls, vectors: Array) -> Scale:
        """Return the scale of vectors, float32 (n, d)."""
        spread = vectors.std(axis=0)
        width = np.where(spread > 0, spread, 1) * np.sqrt(vectors.shape[1])
        return cls(vectors.mean(axis=0), width.astype(np.float32))

    def points(self, vectors: Array) -> Array:
        """Return the points of vectors, float32 (n, d)."""
        scaled: Array = (vectors.astype(np.float32) - self.mean) / self.width
        return scaled


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted probe.

    Parameters
    ----------
    weights, bias
        The logit of a point is their linear function; float64 (d,).
    held_out
        Probability of each example by the fit that has not seen its article; float32 (n,).
    """

    weights: Array
    bias: float
    held_out: Array


def folds_of(keys: Iterable[str]) -> Array:
    """Return the fold of each image, int64 (n,): images of an article share one.

    Examples
    --------
    >>> folds_of(["PMC1_a", "PMC1_b", "PMC4_a"])
    array([0, 0, 4])
    """
    return np.array([drawn(str(pmcid(key)), 0) % _FOLDS for key in keys], np.int64)


def probability(logits: Array) -> Array:
    """Return the probabilities of logits, float32.

    Examples
    --------
    >>> probability(np.array([0.0, 1000.0]))
    array([0.5, 1. ], dtype=float32)
    """
    from scipy.special import expit

    values: Array = expit(logits).astype(np.float32)
    return values


def fit(points: Array, said: Said, folds: Array) -> Fitted | None:
    """Fit the probe of a concept; ``None`` if some folds have images of one kind only.

    Parameters
    ----------
    points
        float32 (n, d).
    folds
        int64 (n,); see `folds_of`.
    """
    known = said.shows >= 0
    weights = np.where(said.audited, _AUDIT_WEIGHT, 1)
    scores = np.zeros(len(points))
    for fold in np.unique(folds):
        train, test = known & (folds != fold), folds == fold
        if len(np.unique(said.shows[train])) < 2:
            return None
        one = _regression(points[train], said.shows[train], weights[train], _C)
        scores[test] = one.decision_function(points[test])
    slope, offset = _calibration(scores, said, weights)
    model = _regression(points[known], said.shows[known], weights[known], _C)
    return Fitted(
        slope * model.coef_[0],
        float(slope * model.intercept_[0] + offset),
        probability(slope * scores + offset),
    )


def _regression(points: Array, shows: Array, weights: Array, strength: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=_STEPS, tol=1e-4)
    return model.fit(points, shows, sample_weight=weights)


def _calibration(scores: Array, said: Said, weights: Array) -> tuple[float, float]:
    """Return slope and offset from scores to logits (Platt 1999), by the audit if it is enough."""
    used = said.audited & (said.shows >= 0)
    if min(np.sum(said.shows[used] == value) for value in (0, 1)) < FEWEST:
        used = said.shows >= 0
    spread = float(scores[used].std()) or 1.0
    one = (scores[used] / spread)[:, None]
    model = _regression(one, said.shows[used], weights[used], 1.0)
    return float(model.coef_[0, 0]) / spread, float(model.intercept_[0])


def threshold(probabilities: Array, shows: Array, precision: float) -> float | None:
    """Return the probability of an image that shows the concept from which on so many do.

    It is the least of such probabilities that at least `FEWEST` images have. ``None`` if there is
    none.

    Parameters
    ----------
    probabilities, shows
        float32 (n,), and 1 or 0 for each.

    Examples
    --------
    >>> probabilities = np.linspace(0.5, 0.875, 16, dtype=np.float32)
    >>> threshold(probabilities, np.arange(16) >= 4, 0.9)
    0.6000000238418579
    >>> threshold(probabilities[:5], np.ones(5), 0.9)
    """
    order = np.argsort(-probabilities, kind="stable")
    sorted_ones, right = probabilities[order], np.cumsum(shows[order])
    passed = np.arange(1, len(order) + 1)
    is_last = np.append(sorted_ones[1:] != sorted_ones[:-1], True)[: len(order)]
    is_gain = np.isin(sorted_ones, probabilities[np.asarray(shows, bool)])
    enough = is_last & is_gain & (passed >= FEWEST) & (right >= precision * passed)
    return float(sorted_ones[enough][-1]) if enough.any() else None


def passing(held_out: Array, said: Said, folds: Array, precision: float) -> Array:
    """Return which examples pass a threshold that was chosen without their fold, bool (n,)."""
    passed = np.zeros(len(folds), bool)
    audited = said.audited & (said.shows >= 0)
    for fold in np.unique(folds):
        others = audited & (folds != fold)
        least = threshold(held_out[others], said.shows[others], precision)
        if least is not None:
            passed |= (folds == fold) & (held_out >= least)
    return passed
