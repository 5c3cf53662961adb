"""Seeded recipes against over-represented concepts, computed from the index.

The paper filters and balances by concept, but its recipes are not published: these are our own.
Concepts here are global ones (``image_primary_label``). A concept is over-represented if it has
more than twice its even share of the labelled rows chosen. Every recipe drops and counts rows
without a concept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from biomedica_dataset.errors import UsageError
from biomedica_dataset.suggest import nearest

if TYPE_CHECKING:
    import pyarrow as pa

_CONCEPT = "image_primary_label"
_MUCH = 2  # times the even share


@dataclass(frozen=True, slots=True)
class RecipeReport:
    """What a recipe keeps.

    Parameters
    ----------
    concepts
        Rows before and after, by concept; a row with two concepts counts in both.
    unlabelled
        Rows dropped because they have no concept.
    """

    name: str
    concepts: dict[str, tuple[int, int]]
    unlabelled: int

    def __str__(self) -> str:
        lines = [f"recipe {self.name}:"]
        lines += [
            f"  {concept}: {after:,} of {before:,}"
            for concept, (before, after) in sorted(self.concepts.items(), key=lambda c: -c[1][0])
        ]
        if self.unlabelled:
            lines.append(f"  without a concept: 0 of {self.unlabelled:,}")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class _Labels:
    """The concepts of rows: parallel arrays of shape (pairs,), and names of the concepts."""

    rows: np.ndarray
    concepts: np.ndarray
    count: int
    names: list[str]

    @property
    def sizes(self) -> np.ndarray:
        return np.bincount(self.concepts, minlength=len(self.names))

    @property
    def much(self) -> float:
        return _MUCH * len(self.concepts) / max(1, len(self.names))

    def rows_with(self, is_wanted: np.ndarray) -> np.ndarray:
        """Return which rows have any of the wanted concepts."""
        kept = np.zeros(self.count, dtype=bool)
        kept[self.rows[is_wanted[self.concepts]]] = True
        return kept


def _drop(labels: _Labels, _random: np.random.Generator) -> np.ndarray:
    """Drop rows whose concepts are all over-represented."""
    return labels.rows_with(labels.sizes <= labels.much)


def _cap(labels: _Labels, random: np.random.Generator) -> np.ndarray:
    """Keep a random sample of at most twice the even share of each concept."""
    order = random.permutation(labels.count)
    place = np.empty(labels.count, dtype=np.int64)
    place[order] = np.arange(labels.count)
    kept = np.zeros(labels.count, dtype=bool)
    for concept in range(len(labels.names)):
        rows = labels.rows[labels.concepts == concept]
        most = max(1, int(labels.much))
        kept[rows[np.argsort(place[rows])][:most]] = True
    # A row with a rare concept may bring an over-represented one above its cap: rare concepts
    # take precedence.
    return kept


def _weigh(labels: _Labels, random: np.random.Generator) -> np.ndarray:
    """Keep rows with a probability inverse to the root of the size of their rarest concept."""
    sizes = labels.sizes
    rarest = np.full(labels.count, np.inf)
    np.minimum.at(rarest, labels.rows, sizes[labels.concepts])
    chance = np.sqrt(max(1, sizes.min(initial=labels.count)) / rarest)
    drawn: np.ndarray = np.isfinite(rarest) & (random.random(labels.count) < chance)
    return drawn


RECIPES: dict[str, Callable[[_Labels, np.random.Generator], np.ndarray]] = {
    "drop-overrepresented": _drop,
    "cap-overrepresented": _cap,
    "sqrt-weights": _weigh,
}
"""The recipes by name."""


def apply(name: str, table: pa.Table, seed: int) -> tuple[np.ndarray, RecipeReport]:
    """Return which rows a recipe keeps, as bool of shape (rows,), and the counts.

    Raises
    ------
    UsageError
        The recipe is unknown, or no row has a concept.
    """
    if name not in RECIPES:
        msg = f"unknown recipe {name!r}; {nearest(name, RECIPES)}"
        raise UsageError(msg)
    labels = _labels(table)
    if not labels.names:
        msg = f"recipe {name!r} needs concepts, but none of the {len(table):,} chosen rows has one"
        raise UsageError(msg)
    kept = RECIPES[name](labels, np.random.default_rng(seed))
    after = np.bincount(labels.concepts[kept[labels.rows]], minlength=len(labels.names))
    counts = zip(labels.sizes.tolist(), after.tolist(), strict=True)
    unlabelled = len(table) - len(np.unique(labels.rows))
    return kept, RecipeReport(name, dict(zip(labels.names, counts, strict=True)), unlabelled)


def _labels(table: pa.Table) -> _Labels:
    column = table[_CONCEPT].combine_chunks()
    coded = pc.list_flatten(column).dictionary_encode()
    pairs = np.stack(
        [pc.list_parent_indices(column).to_numpy(), coded.indices.to_numpy(zero_copy_only=False)]
    )
    rows, concepts = np.unique(pairs, axis=1)  # a list may name a concept twice
    return _Labels(rows, concepts, len(table), coded.dictionary.to_pylist())
