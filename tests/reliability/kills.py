"""Runs that are killed or suspended at random moments, and what the next run makes of it.

::

    python -m tests.reliability.kills --times 50

A run goes its way undisturbed. Then runs from nothing are disturbed, each at another moment:
``launcher`` kills the launcher alone, so that its workers notice; ``group`` kills all processes at
once; ``worker`` kills one worker; the same command is then run again. ``suspended`` stops one of
two launchers for as long as the other works, as members of one run or as one that takes over. What
comes out is compared byte by byte.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biomedica_dataset.engine.launch import Launch
from biomedica_dataset.errors import BiomedicaError

from .laboratory import Laboratory, differing
from .stages import BLOCKS, STAGES, Place, do, quiet

if TYPE_CHECKING:
    from collections.abc import Iterator

HOW = ("launcher", "group", "worker", "suspended")
LATENCY = 0.03  # seconds: without any, extract would be over before it is well begun
_WORKERS = {
    *("extract", "mesh", "embed", "assign", "panels", "look", "review", "serialize", "joined"),
    *("tars", "train"),
}
"""Stages that have workers."""

_ENOUGH = 20
"""Runs in a row that end before they are disturbed: the stage has no such moment."""


def launched(stage: str, place: Place, output: str, workers: int, launch: Launch | None) -> None:
    """Do a stage in this process and a group of its own; end as the command does."""
    os.setsid()
    quiet()
    try:
        do(stage, place, output, workers, launch)
    except BiomedicaError as error:
        sys.exit(error.exit_code)


class Experiment:
    """Disturbs runs of one stage in one way."""

    def __init__(self, laboratory: Laboratory, stage: str, how: str, seed: int) -> None:
        self._laboratory, self._stage, self._how = laboratory, stage, how
        self._rng = random.Random(f"{stage} {how} {seed}")
        self._whole: dict[int, float] = {}
        self._struck = 0

    def run(self, times: int) -> tuple[int, list[str]]:
        """Disturb so many runs; return how many there were, and what came out other.

        A moment is drawn from the time that an undisturbed run took, or the last that ended before.
        """
        wrong: list[str] = []
        expected, early = dict[int, dict[str, Any]](), 0
        workers = (2,) if self._how == "worker" else (1, 2)
        for count in workers:
            self._laboratory.clear(self._stage)
            self._whole[count] = self._finish(count)
            expected[count] = self._laboratory.result(self._stage)
        while self._struck < times and early < _ENOUGH:
            count = 2 if self._how == "worker" or self._struck % 5 == 4 else 1
            self._laboratory.clear(self._stage)
            moment = self._rng.uniform(0, self._whole[count])
            if not self._disturb(count, moment):
                early += 1
                continue
            self._struck, early = self._struck + 1, 0
            names = differing(self._laboratory.result(self._stage), expected[count])
            if names:
                wrong.append(
                    f"{self._stage}, {self._how}, {count} workers, {moment:.3f} s: {names}"
                )
        return self._struck, wrong

    def _disturb(self, workers: int, moment: float) -> bool:
        """Disturb a run and let the next one end; return whether it was disturbed in time."""
        if self._how == "suspended":
            return self._suspend(workers, moment)
        process, started = self._begin(workers), time.monotonic()
        process.join(moment)
        self._strike(process)
        process.join()
        if process.exitcode == 0:
            self._whole[workers] = time.monotonic() - started
            return False
        self._finish(workers)
        _wait_for_group(process.pid)
        return True

    def _strike(self, process: Any) -> None:
        if self._how == "group":
            with contextlib.suppress(ProcessLookupError):  # before it has made its group
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
        elif self._how == "launcher":
            process.kill()
        else:
            workers = [pid for pid in _group(process.pid) if pid != process.pid and _works(pid)]
            if workers:
                os.kill(self._rng.choice(workers), signal.SIGKILL)

    def _suspend(self, workers: int, moment: float) -> bool:
        together = self._stage in BLOCKS and self._struck % 2 == 0
        first = Launch(run_id="together") if together else Launch()
        process, started = self._begin(workers, first), time.monotonic()
        process.join(moment)
        if process.exitcode is not None:
            self._whole[workers] = time.monotonic() - started
            return False
        with contextlib.suppress(ProcessLookupError):  # it ends right now
            os.kill(process.pid, signal.SIGSTOP)
        self._finish(workers, first if together else Launch(take_over=True))
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGCONT)
        process.join()
        assert process.exitcode in (0, 1), process.exitcode
        return True

    def _finish(self, workers: int, launch: Launch | None = None) -> float:
        """Do the stage again, and return the seconds that it took."""
        started = time.monotonic()
        process = self._begin(workers, launch)
        process.join()
        if process.exitcode:
            msg = f"{self._stage} ends with {process.exitcode} after {self._how}"
            raise RuntimeError(msg)
        return time.monotonic() - started

    def _begin(self, workers: int, launch: Launch | None = None) -> Any:
        output = str(self._laboratory.output(self._stage))
        return self._laboratory.start(
            launched, self._stage, self._laboratory.place, output, workers, launch
        )


def _group(group: int) -> Iterator[int]:
    """Yield the processes of a group that have not ended."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[2]) == group and fields[0] != "Z":
                yield int(path.parent.name)


def _works(pid: int) -> bool:
    """Whether a process of a group is a worker, not what keeps account of them."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return b"spawn_main" in command or b"forkserver" in command


def _wait_for_group(group: int) -> None:
    end = time.monotonic() + 30
    while any(True for _pid in _group(group)):
        assert time.monotonic() < end, "a worker outlives its launcher"
        time.sleep(0.02)


def ways(stage: str) -> list[str]:
    """Return how a stage can be disturbed."""
    return [
        how
        for how in HOW
        if not (how == "worker" and stage not in _WORKERS)
        and not (how == "suspended" and stage in ("push", "attributes"))
    ]


def main() -> None:
    """Disturb so many runs of each stage in each way, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument("--how", nargs="+", choices=HOW, default=list(HOW))
    given = parser.parse_args()
    failed = False
    with (
        tempfile.TemporaryDirectory() as folder,
        Laboratory(Path(folder), given.stages, LATENCY) as laboratory,
    ):
        for stage in given.stages:
            for how in [how for how in ways(stage) if how in given.how]:
                struck, wrong = Experiment(laboratory, stage, how, given.seed).run(given.times)
                print(f"{stage}, {how}: {struck} runs, {len(wrong)} came out other", flush=True)
                print(*wrong, sep="\n", end="\n" if wrong else "", flush=True)
                failed = failed or bool(wrong)
    sys.exit(failed)


if __name__ == "__main__":
    main()
