"""What a model got right, and the metrics of it, for any weights of images.

Every metric takes weights, so that a bootstrap is a few thousand weightings of arrays that are
made once; with all weights 1 it is what scikit-learn gives, which the tests compare.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from .task import RANKS

Array = np.ndarray[Any, Any]
Values = dict[str, float]


class Outcome(Protocol):
    """What a model got right in a task.

    Attributes
    ----------
    sizes
        How many things are drawn in a bootstrap, in each of its groups.
    chance
        What guessing gives, by metric.
    """

    sizes: tuple[int, ...]
    chance: Values

    def measure(self, *weights: Array) -> Values:
        """Return each metric for weights of each group; NaN where it is not defined."""


class Ranking:
    """The area under a ROC curve for any weights: Mann and Whitney's U with ties as halves.

    Parameters
    ----------
    scores, positive
        (n,), float and bool.
    """

    def __init__(self, scores: Array, positive: Array) -> None:
        self._order = np.argsort(scores, kind="stable")
        ordered = scores[self._order]
        self._positive = positive[self._order]
        self._starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])

    def area(self, weights: Array) -> float:
        """Return the area, NaN where one of the two has no weight."""
        ordered = weights[self._order]
        positive = np.add.reduceat(ordered * self._positive, self._starts)
        negative = np.add.reduceat(ordered * ~self._positive, self._starts)
        total = positive.sum() * negative.sum()
        if total == 0:
            return float("nan")
        below = np.cumsum(negative) - negative
        return float((positive * (below + negative / 2)).sum() / total)


@dataclass(slots=True)
class Choices:
    """One of several, for each question.

    Parameters
    ----------
    image
        Number of the image of each question.
    truth, said
        Number of the right answer and of the model's.
    rankings
        For the area under the ROC curve, whose mean is taken: scores, bool, question.
    """

    image: Array
    truth: Array
    said: Array
    rankings: Sequence[tuple[Ranking, Array]]
    sizes: tuple[int, ...]
    chance: Values

    def measure(self, *weights: Array) -> Values:
        """Return accuracy, balanced accuracy, macro-F1 and AUROC."""
        weight = weights[0][self.image]
        size = int(max(self.truth.max(), self.said.max())) + 1
        right = self.truth == self.said
        hits = np.bincount(self.truth[right], weight[right], size)
        true = np.bincount(self.truth, weight, size)
        said = np.bincount(self.said, weight, size)
        there, either = true > 0, true + said > 0
        return {
            "accuracy": float(hits.sum() / weight.sum()),
            "balanced_accuracy": float((hits[there] / true[there]).mean()),
            "macro_f1": float((2 * hits[either] / (true + said)[either]).mean()),
            "auroc": _mean([ranking.area(weight[where]) for ranking, where in self.rankings]),
        }


@dataclass(slots=True)
class Labels:
    """Several of several: which classes each image has, (images, classes).

    Parameters
    ----------
    truth, said
        bool.
    rankings
        One for each class.
    """

    truth: Array
    said: Array
    rankings: Sequence[Ranking]
    sizes: tuple[int, ...]
    chance: Values

    def measure(self, *weights: Array) -> Values:
        """Return AUROC, accuracy over all pairs, balanced accuracy and F1, means over classes."""
        weight = weights[0]
        total = weight.sum()
        true, said = weight @ self.truth, weight @ self.said
        hits = weight @ (self.truth & self.said)
        none = total - true - said + hits
        both = (true > 0) & (true < total)
        recall = hits[both] / true[both] + none[both] / (total - true)[both]
        sums = true + said
        f1 = np.divide(2 * hits, sums, out=np.zeros_like(hits), where=sums > 0)
        return {
            "auroc": _mean([ranking.area(weight) for ranking in self.rankings]),
            "accuracy": float(((hits + none) / total).mean()),
            "balanced_accuracy": _mean((recall / 2).tolist()),
            "macro_f1": float(f1.mean()),
        }


@dataclass(slots=True)
class Ranks:
    """The place of the first right one, from 0: of texts for images, of images for texts."""

    texts: Array
    images: Array
    sizes: tuple[int, ...]
    chance: Values

    def measure(self, *weights: Array) -> Values:
        """Return the recalls, both ways."""
        ways = {"image_to_text": self.texts, "text_to_image": self.images}
        return {
            f"{way}_recall@{k}": float(weight[places < k].sum() / weight.sum())
            for (way, places), weight in zip(ways.items(), weights, strict=True)
            for k in RANKS
        }


def _mean(values: Sequence[float]) -> float:
    defined = [value for value in values if not np.isnan(value)]
    return float(np.mean(defined)) if defined else float("nan")
