"""Where the time of reading goes, stage by stage, over all threads and processes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from multiprocessing import context, get_context
from typing import Any, Literal, get_args

from .progress import locked
from .report import Shown

TimedStage = Literal[
    "network",
    "decompression",
    "checking",
    "waiting for bytes",
    "decoding",
    "transforming",
    "waiting for decoders",
    "collating",
    "waiting for batches",
    "training",
]
STAGES: tuple[TimedStage, ...] = get_args(TimedStage)
_NOT_MEASURED = contextlib.nullcontext()


class Timings(Shown):
    """Seconds of each stage of reading, and how often it ran.

    Stages run at once in several threads and processes, whose seconds are added up, so that the sum
    may exceed the time that passed. The three kinds of waiting are of the thread that is kept
    waiting: they alone slow a reader down.

    Parameters
    ----------
    shared
        Counters of another process; new ones by default. Processes that are started with a
        `Timings` share its counters; a copy that is sent later begins with none.

    Examples
    --------
    >>> from biomedica_dataset import Timings, open_dataset
    >>> timings = Timings()
    >>> rows = list(open_dataset("biomedica", columns=["image"], timings=timings))
    >>> timings.seconds["decoding"] > 0, timings.times["decoding"] == len(rows)
    (True, True)
    """

    def __init__(self, shared: Any = None) -> None:
        self._shared = (
            get_context("spawn").Array("d", 2 * len(STAGES)) if shared is None else shared
        )

    @contextlib.contextmanager
    def measured(self, stage: TimedStage) -> Iterator[None]:
        """Add the time of the body to a stage."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            spent, place = time.perf_counter() - begun, 2 * STAGES.index(stage)
            with locked(self._shared) as shared:
                shared[place] += spent
                shared[place + 1] += 1

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds by stage, without stages that have not run."""
        return {stage: self._values[2 * STAGES.index(stage)] for stage in self.times}

    @property
    def times(self) -> dict[str, int]:
        """How often each stage ran: one request, row group, image or batch each time."""
        counts = zip(STAGES, self._values[1::2], strict=True)
        return {stage: int(count) for stage, count in counts if count}

    @property
    def _values(self) -> list[float]:
        # Read without the lock, which a killed process may hold forever.
        return list(self._shared.get_obj())

    def __str__(self) -> str:
        """Return a line for each stage."""
        lines = [f"{'stage':<21}{'seconds':>10}{'times':>11}{'ms each':>10}"]
        for stage, seconds in self.seconds.items():
            times = self.times[stage]
            lines.append(f"{stage:<21}{seconds:>10,.2f}{times:>11,}{seconds / times * 1e3:>10,.2f}")
        return "\n".join(lines)

    def __reduce__(self) -> Any:
        """Share the counters with a process that is being started, and with no other."""
        starting = context.get_spawning_popen() is not None
        return Timings, (self._shared,) if starting else ()


def measured(timings: Timings | None, stage: TimedStage) -> contextlib.AbstractContextManager[None]:
    """Return a context whose time is added to a stage, if times are measured."""
    return _NOT_MEASURED if timings is None else timings.measured(stage)
