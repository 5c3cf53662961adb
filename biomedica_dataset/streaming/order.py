"""The order of chosen rows: runs of nearly equal length for ranks and workers.

Positions count the chosen rows. Without a seed, a run is a range of positions. With a seed, the
rows are split into pieces of a few neighbours, whose bytes can be fetched together; the pieces are
permuted, joined and split into runs, and the rows within each run are permuted. So a run draws from
many places, costs few requests, and follows from its number alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

_RUN_ROWS = 128
_RUN_BYTES = 32 * 2**20
_LEAST_RUN_ROWS = 16
_PIECE_ROWS = 16
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
    """

    rows: int
    runs: int
    seed: tuple[int, ...] | None = None

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
        begins = pieces[first : last + 1] * _PIECE_ROWS
        drawn = np.concatenate([np.arange(i, min(i + _PIECE_ROWS, self.rows)) for i in begins])
        begin = ends[first - 1] if first else 0
        shuffled = drawn[start - begin : stop - begin]
        return np.random.default_rng([*self.seed, run]).permutation(shuffled)

    def shuffled(self, generator: np.random.Generator) -> Plan:
        """Return a plan of the same rows in another order."""
        return replace(self, seed=(*(self.seed or ()), int(generator.integers(2**63))))

    @cached_property
    def _pieces(self) -> tuple[np.ndarray, np.ndarray]:
        """The pieces in their shuffled order, and the cumulative number of rows."""
        count = -(-self.rows // _PIECE_ROWS)
        pieces = np.random.default_rng(self.seed).permutation(count)
        lengths = np.minimum(_PIECE_ROWS, self.rows - pieces * _PIECE_ROWS)
        return pieces, np.cumsum(lengths)


def make_plan(rows: int, mean_bytes: float, seed: int | None) -> Plan:
    """Return a plan for some rows.

    Parameters
    ----------
    mean_bytes
        Mean size of a row; large rows make short runs, since a run is held in memory.
    """
    run = max(1, min(_RUN_ROWS, int(_RUN_BYTES / max(mean_bytes, 1))))
    least = min(run, _LEAST_RUN_ROWS)
    natural = max(1, rows // run, min(rows // least, _ENOUGH_RUNS))
    step = next(step for step in _STEPS if step <= natural)
    return Plan(rows, natural // step * step, None if seed is None else (seed,))
