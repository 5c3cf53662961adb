"""How far metrics would move with other images: the bootstrap, paired between models."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .measures import Outcome

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Draws:
    """A metric of a task, of its images and of images drawn again from them.

    Parameters
    ----------
    value
        Of the images; NaN where it is not defined.
    drawn
        Of each draw, (draws,).
    """

    value: float
    drawn: Array

    def interval(self) -> tuple[float, float] | None:
        """Return the middle 95 % of the draws; None where there are none."""
        defined = self.drawn[~np.isnan(self.drawn)]
        if not len(defined):
            return None
        low, high = np.quantile(defined, [0.025, 0.975])
        return float(low), float(high)

    def minus(self, other: Draws) -> Draws:
        """Return the difference to another model, in the same draws."""
        return Draws(self.value - other.value, self.drawn - other.drawn)


def draw(outcome: Outcome, name: str, count: int, seed: int) -> dict[str, Draws]:
    """Return every metric of a task, with draws.

    Two models are drawn the same images, since what is drawn depends on the seed, the name of
    the task and the number of its images alone.

    Parameters
    ----------
    name
        Of the task.
    count
        How many draws.
    """
    value = outcome.measure(*(np.ones(size) for size in outcome.sizes))
    random = np.random.default_rng([seed, zlib.crc32(name.encode())])
    drawn: dict[str, list[float]] = {metric: [] for metric in value}
    for _ in range(count):
        weights = (
            np.bincount(random.integers(0, size, size), minlength=size).astype(np.float64)
            for size in outcome.sizes
        )
        for metric, number in outcome.measure(*weights).items():
            drawn[metric].append(number)
    return {metric: Draws(value[metric], np.array(drawn[metric])) for metric in value}


def mean(several: Sequence[Draws]) -> Draws:
    """Return the mean over tasks, which are drawn independently of each other."""
    values, drawn = [one.value for one in several], [one.drawn for one in several]
    return Draws(float(np.mean(values)), np.mean(drawn, axis=0))
