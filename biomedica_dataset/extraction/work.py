"""Does the blocks of a run of extract, in processes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.engine.pool import cpu_count, run_tasks
from biomedica_dataset.engine.progress import Progress
from biomedica_dataset.errors import SourceError
from biomedica_dataset.pmc.source import Source

from .blocks import Outcome, run_blocks
from .tasks import stale_tasks

if TYPE_CHECKING:
    from biomedica_dataset.engine.lock import RunLock
    from biomedica_dataset.engine.progress import Counters

    from .options import ExtractOptions
    from .tasks import Task

_RUN = 10_000  # article versions that a worker goes through without a pause
_RUNS_A_WORKER = 2  # at least, so that all end at about the same time
_RAY_RUN = 1000  # there a task that is tried again is done again as a whole


def do_tasks(
    archive: Archive,
    source: str,
    tasks: list[Task],
    options: ExtractOptions,
    progress: Progress,
    lock: RunLock,
) -> Outcome:
    """Do the tasks, and return what became of them."""
    engine = options.launch.engine
    results = run_tasks(
        _work,
        _runs(tasks, options.workers or cpu_count(), _RAY_RUN if engine == "ray" else _RUN),
        workers=options.workers,
        start=_start_worker,
        args=(archive.folder.url, source, lock),
        progress=progress,
        engine=engine,
    )
    failed: dict[int, str] = {}
    changes: Counter[str] = Counter()
    try:
        for _run_of_tasks, outcome in results:
            failed |= outcome.failed
            changes += outcome.changes
    except SourceError as error:  # too much fails: the rest was not tried
        failed |= {t.block: failed.get(t.block, str(error)) for t in stale_tasks(archive, tasks)}
    return Outcome(dict(sorted(failed.items())), changes)


def _runs(tasks: list[Task], workers: int, most: int) -> list[list[Task]]:
    """Cut tasks into runs of neighbours: long for the network, and some for each worker."""
    total = sum(len(task.inventory) for task in tasks)
    enough = min(most, max(1, total // (workers * _RUNS_A_WORKER)))
    runs: list[list[Task]] = []
    size = enough
    for task in tasks:
        if size >= enough:
            runs.append([])
            size = 0
        runs[-1].append(task)
        size += len(task.inventory)
    return runs


@dataclass(frozen=True, slots=True)
class _Worker:
    archive: Archive
    source: Source
    lock: RunLock
    progress: Progress


_worker: _Worker | None = None


def _start_worker(folder: str, source: str, lock: RunLock, counters: Counters) -> None:
    global _worker  # noqa: PLW0603 - what a process of the pool keeps between its tasks
    _worker = _Worker(Archive.open(folder), Source(source), lock, Progress(counters=counters))


def _work(tasks: list[Task]) -> Outcome:
    if _worker is None:
        msg = "the worker was not started by its pool"
        raise RuntimeError(msg)
    tick, lock = _worker.progress.tick, _worker.lock
    return run_blocks(_worker.archive, _worker.source, tasks, tick, lock)
