"""The order of chosen rows: runs of nearly equal length for ranks and workers.

Positions count the chosen rows. Without a seed, a run is a range of positions. With a seed, the
rows are split into pieces of a few neighbours, whose bytes can be fetched together; the pieces are
permuted, joined and split into runs, and the rows within each run are permuted. So a run draws from
many places, costs few requests, and follows from its number alone.

Panels of one figure that are in one run come near each other, so that the figure is decoded once,
but not next to each other.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

_RUN_ROWS = 128
_RUN_BYTES = 32 * 2**20
_LEAST_RUN_ROWS = 16
_PIECE_ROWS = 16
_APART = 3  # figures between two panels of one figure
_ENOUGH_RUNS = 64  # for ranks times workers, if there are few rows
_STEPS = (6720, 960, 480, 240, 48, 24, 8, 4, 2, 1)  # numbers divisible by many numbers of ranks


@dataclass(frozen=True)
class Plan:
    """The assignment of rows to runs.

    Parameters
    ----------
    rows
        Number of chosen rows.
    runs
        Number of runs; the first ``rows % runs`` have one row more than the others, so ranks that
        take turns get row counts that differ by at most one run.
    seed
        Seed for shuffling; ``None`` keeps the order.
    figures
        The number of the figure of each row, if rows are panels; of shape (rows,).
    """

    rows: int
    runs: int
    seed: tuple[int, ...] | None = None
    figures: np.ndarray | None = field(default=None, compare=False, repr=False)

    def length(self, run: int) -> int:
        """Return the number of rows of a run."""
        return self.rows // self.runs + (run < self.rows % self.runs)

    def positions(self, run: int) -> np.ndarray:
        """Return the positions of the rows of a run, in their order; int64 of shape (rows,)."""
        start = run * (self.rows // self.runs) + min(run, self.rows % self.runs)
        stop = start + self.length(run)
        if self.seed is None:
            return np.arange(start, stop)
        pieces, ends = self._pieces
        first, last = np.searchsorted(ends, [start, stop - 1], side="right")
        begins = pieces[first : last + 1] * self._piece
        drawn = np.concatenate([np.arange(i, min(i + self._piece, self.rows)) for i in begins])
        begin = ends[first - 1] if first else 0
        shuffled = drawn[start - begin : stop - begin]
        permuted = np.random.default_rng([*self.seed, run]).permutation(shuffled)
        return permuted if self.figures is None else _near(permuted, self.figures[permuted])

    def shuffled(self, generator: np.random.Generator) -> Plan:
        """Return a plan of the same rows in another order."""
        return replace(self, seed=(*(self.seed or ()), int(generator.integers(2**63))))

    @cached_property
    def _piece(self) -> int:
        return _PIECE_ROWS * _rows_a_figure(self.rows, self.figures)

    @cached_property
    def _pieces(self) -> tuple[np.ndarray, np.ndarray]:
        """The pieces in their shuffled order, and the cumulative number of rows."""
        count = -(-self.rows // self._piece)
        pieces = np.random.default_rng(self.seed).permutation(count)
        lengths = np.minimum(self._piece, self.rows - pieces * self._piece)
        return pieces, np.cumsum(lengths)


def _rows_a_figure(rows: int, figures: np.ndarray | None) -> int:
    if figures is None or not rows:
        return 1
    return max(1, round(rows / (1 + np.count_nonzero(np.diff(figures)))))


def _near(positions: np.ndarray, figures: np.ndarray) -> np.ndarray:
    """Return positions with those of one figure a few figures apart, the first ones in order."""
    _numbers, firsts, groups = np.unique(figures, return_index=True, return_inverse=True)
    place = np.argsort(np.argsort(firsts))[groups]
    by_figure = np.argsort(groups, kind="stable")
    before = np.arange(len(groups)) - np.searchsorted(groups[by_figure], groups[by_figure])
    place[by_figure] += _APART * before
    return positions[np.argsort(place, kind="stable")]


def make_plan(
    rows: int, mean_bytes: float, seed: int | None, figures: np.ndarray | None = None
) -> Plan:
    """Return a plan for some rows.

    Parameters
    ----------
    mean_bytes
        Mean size of a row; large rows make short runs, since a run is held in memory.
    figures
        See `Plan`.
    """
    most = _RUN_ROWS * _rows_a_figure(rows, figures)
    run = max(1, min(most, int(_RUN_BYTES / max(mean_bytes, 1))))
    least = min(run, _LEAST_RUN_ROWS)
    natural = max(1, rows // run, min(rows // least, _ENOUGH_RUNS))
    step = next(step for step in _STEPS if step <= natural)
    return Plan(rows, natural // step * step, None if seed is None else (seed,), figures)
