"""The runs of a plan as the shards of an `IterableDataset`, which splits and resumes."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

from datasets.iterable_dataset import ExamplesIterable

from biomedica_dataset.images.lost import LostImages

if TYPE_CHECKING:
    import numpy as np

    from .order import Plan

logger = logging.getLogger(__name__)


class ReadsRows(Protocol):
    """What reads rows by their positions."""

    def rows(self, runs: Iterable[np.ndarray]) -> Iterator[dict[str, Any]]:
        """Yield rows in the order of their positions, prefetching the next runs."""


class Runs(ExamplesIterable):  # type: ignore[misc]
    """The runs of a plan as the shards of an `IterableDataset`.

    Unlike the shards of a generator function, runs are prefetched, are rebuilt by a shuffle, and
    resume in the middle without fetching earlier rows.

    Parameters
    ----------
    numbers
        Runs of this rank or worker, in order; all of them by default.
    skips
        Whether to skip rows whose images cannot be decoded.
    """

    def __init__(
        self,
        reader: ReadsRows,
        plan: Plan,
        numbers: Sequence[int] | None = None,
        *,
        skips: bool = False,
    ) -> None:
        self._skips = skips
        self._numbers = list(range(plan.runs)) if numbers is None else list(numbers)
        super().__init__(self._unused, {"runs": self._numbers})
        self._reader, self._plan = reader, plan

    def __iter__(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield key and row."""
        state = self._state_dict or {"shard_idx": 0, "shard_example_idx": 0}
        first, done = state["shard_idx"], state["shard_example_idx"]
        rest = self._numbers[first:]
        rows = self._reader.rows(self._positions(rest, done))
        lost = LostImages("skipped" if self._skips else "left empty")
        for number in rest:
            for count in range(done, self._plan.length(number)):
                row = next(rows)
                state["shard_example_idx"] += 1
                if not self._is_skipped(row, lost):
                    yield f"{number}_{count}", row
            done = 0
            state["shard_idx"] += 1
            state["shard_example_idx"] = 0
        if lost.count:
            logger.warning("%s", lost)

    def _is_skipped(self, row: dict[str, Any], lost: LostImages) -> bool:
        images = [one for one in (row.get("image"), *(row.get("images") or ())) if one is not None]
        for image in images:
            image.lost = lost
        broken = next((one for one in images if one.is_lost()), None) if self._skips else None
        if broken is not None:
            lost.add(broken.key)
        return broken is not None

    def _positions(self, numbers: list[int], done: int) -> Iterator[np.ndarray]:
        if numbers:
            begun = [self._plan.positions(numbers[0])[done:]]
            rest = (self._plan.positions(number) for number in numbers[1:])
            yield from (run for run in chain(begun, rest) if len(run))

    def shuffle_data_sources(self, generator: np.random.Generator) -> Runs:
        """Return the same rows in another order, drawn from the generator."""
        return Runs(self._reader, self._plan.shuffled(generator), self._numbers, skips=self._skips)

    def shard_data_sources(
        self,
        num_shards: int,
        index: int,
        contiguous: bool = True,  # noqa: FBT001, FBT002 - signature of datasets
    ) -> Runs:
        """Return the runs of one rank or worker."""
        mine = self.split_shard_indices_by_worker(num_shards, index, contiguous=contiguous)
        numbers = [self._numbers[i] for i in mine]
        return Runs(self._reader, self._plan, numbers, skips=self._skips)

    def reshard_data_sources(self) -> Runs:
        """Return itself: runs are already short."""
        return self

    @property
    def num_shards(self) -> int:
        """Runs of this rank or worker."""
        return len(self._numbers)

    @staticmethod
    def _unused(**_: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        msg = "runs are not read by a generator function"
        raise RuntimeError(msg)
