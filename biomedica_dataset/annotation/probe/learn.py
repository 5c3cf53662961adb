"""Learns the concepts of labels from examples."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .examples import Example, Said, said_of
from .fit import Scale, fit, folds_of, passing, probability, threshold
from .probabilities import Concept, Hits, named_columns

if TYPE_CHECKING:
    from biomedica_dataset.annotation.labels.labels import Labels

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Knowledge:
    """The concepts of a probe, and their logits as linear functions of points.

    Parameters
    ----------
    tried
        Concepts of the labels, by outcome.
    weights, biases
        float64 (concepts, d) and (concepts,).
    """

    scale: Scale
    concepts: list[Concept]
    tried: dict[str, int]
    weights: Array
    biases: Array

    def probabilities(self, vectors: Array) -> Array:
        """Return the probability of each concept, float32 (n, concepts), of vectors (n, d)."""
        return probability(self.scale.points(vectors) @ self.weights.T + self.biases)


def learn(examples: list[Example], vectors: Array, labels: Labels, precision: float) -> Knowledge:
    """Return the probes of all concepts of which some examples show one, and others do not.

    Parameters
    ----------
    vectors
        Those of the examples, float32 (n, d).
    precision
        The stated precision of labels.
    """
    scale, folds = Scale.of(vectors), folds_of(example.key for example in examples)
    points, names = scale.points(vectors), labels.taxonomy
    tried: Counter[str] = Counter()
    concepts, weights, biases = [], [], []
    for (question, name), column in named_columns(names).items():
        parent = names.primary_of(name) if question == "secondary" else None
        said = said_of(examples, labels.all(), question, name, parent)
        if 1 not in said.shows:
            continue
        fitted = fit(points, said, folds) if 0 in said.shows else None
        if fitted is None:
            tried["in too few articles" if 0 in said.shows else "in all labelled images"] += 1
            continue
        tried["kept"] += 1
        weights.append(fitted.weights)
        biases.append(fitted.bias)
        concepts.append(
            Concept(
                question=question, name=name, column=column, parent=parent,
                examples=int((said.shows >= 0).sum()), positive=int((said.shows == 1).sum()),
                **_measure(fitted.held_out, said, folds, precision),
            )
        )  # fmt: skip
    found = np.stack(weights) if weights else np.zeros((0, vectors.shape[1]))
    return Knowledge(scale, concepts, dict(sorted(tried.items())), found, np.array(biases))


def _measure(held_out: Array, said: Said, folds: Array, precision: float) -> dict[str, Any]:
    """Return threshold and hits of a concept on the audit."""
    audited = said.audited & (said.shows >= 0)
    shows = said.shows[audited] == 1

    def hits(labelled: Array) -> Hits:
        own = labelled[audited]
        right, shown = int((own & shows).sum()), int(shows.sum())
        return Hits(labelled=int(own.sum()), right=right, shown=shown)

    return {
        "threshold": threshold(held_out[audited], said.shows[audited], precision),
        "probe": hits(passing(held_out, said, folds, precision)),
        "clusters": hits(said.handed_down),
    }
