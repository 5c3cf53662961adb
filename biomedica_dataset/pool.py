"""Runs independent tasks in processes of this machine."""

from __future__ import annotations

import os
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .progress import Progress

Task = TypeVar("Task")
Result = TypeVar("Result")


def run_tasks(
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    workers: int | None,
    start: Callable[..., None],
    args: tuple[Any, ...],
    progress: Progress,
) -> Iterator[tuple[Task, Result]]:
    """Yield each task with its result, as they are done.

    Parameters
    ----------
    work
        Does one task, in any process.
    workers
        Processes; as many as there are processors by default. One works in this process.
    start
        Called in each process before its first task, with ``args`` and the shared counters of ``progress``.
    """
    count = min(workers or os.cpu_count() or 1, len(tasks))
    with progress.shown():
        if count <= 1:
            start(*args, progress.counters)
            for task in tasks:
                yield task, work(task)
            return
        # A forked child would share the network client without the threads that drive it.
        pool = ProcessPoolExecutor(
            count,
            mp_context=get_context("spawn"),
            initializer=start,
            initargs=(*args, progress.counters),
        )
        try:
            waiting = {pool.submit(work, task): task for task in tasks}
            while waiting:
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield waiting.pop(future), future.result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
        pool.shutdown()
