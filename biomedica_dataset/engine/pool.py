"""Runs independent tasks in processes on this machine, or on a cluster."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, get_context, parent_process
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from biomedica_dataset.errors import WorkerDiedError

from .ray_pool import run_with_ray

if TYPE_CHECKING:
    from .progress import Progress

logger = logging.getLogger(__name__)

WORTH = 0.5
"""Seconds of work after which other processes are started, each of which takes longer to start."""

Task = TypeVar("Task")
Result = TypeVar("Result")


def cpu_count() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_tasks(  # noqa: PLR0913 - each is given by name
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    workers: int | None,
    start: Callable[..., None],
    args: tuple[Any, ...],
    progress: Progress,
    engine: str = "processes",
    on_gpu: bool = False,
) -> Iterator[tuple[Task, Result]]:
    """Yield each task with its result, in the order of completion.

    Parameters
    ----------
    work
        Does one task, in any process.
    workers
        Processes; as many as there are processors by default. This process is one of them.
    start
        Called in each process before its first task, with ``args`` and the shared counters of
        ``progress``.
    engine
        One of `launch.ENGINES`; with ``ray``, the cluster determines the number of processes.
    on_gpu
        Whether each task needs its own GPU, if a cluster has GPUs.

    Raises
    ------
    UsageError
        The engine is not installed.
    WorkerDiedError
        A process was killed, probably because it ran out of memory.
    """
    if engine == "ray":
        yield from run_with_ray(
            work, tasks, start=start, args=args, progress=progress, on_gpu=on_gpu
        )
        return
    count = min(workers or cpu_count(), len(tasks))
    with progress.shown():
        if count <= 1:
            start(*args, progress.counters)
            for task in tasks:
                yield task, work(task)
            return
        yield from _run_in_processes(work, tasks, count, (start, *args, progress.counters))


def _run_in_processes(
    work: Callable[[Task], Result], tasks: Sequence[Task], count: int, start: tuple[Any, ...]
) -> Iterator[tuple[Task, Result]]:
    """Work in this process and in others, which join when they have loaded what they need.

    They are started when the work turns out to be worth it, so that little work costs no more than
    in one process.
    """
    # A forked child would share the network client without the threads that drive it.
    pool = ProcessPoolExecutor(
        count - 1, mp_context=get_context("spawn"), initializer=_start_process, initargs=start
    )
    with contextlib.ExitStack() as stack:
        stack.callback(end_processes, pool)
        try:
            shared = _Shared(pool, work, tasks, count - 1)
            with _called_after(WORTH, shared.begin):
                start[0](*start[1:])
                while (found := shared.next()) is not None:
                    task, future = found
                    yield task, work(task) if future is None else future.result()
            if shared.has_begun:
                stack.pop_all()
                pool.shutdown()
        except BrokenProcessPool as error:
            msg = (
                "a worker process was killed, probably because it ran out of memory: run the same "
                "command again with fewer workers. What is finished stays valid."
            )
            raise WorkerDiedError(msg) from error


class _Shared(Generic[Task, Result]):
    """Tasks that this process and those of a pool take one after the other."""

    def __init__(
        self,
        pool: ProcessPoolExecutor,
        work: Callable[[Task], Result],
        tasks: Sequence[Task],
        processes: int,
    ) -> None:
        self._pool, self._work, self._left, self._processes = pool, work, deque(tasks), processes
        self._starting: list[Future[Any]] = []
        self._elsewhere: dict[Future[Any], Task] = {}
        self._lock = threading.RLock()

    def begin(self) -> None:
        """Start the processes; each takes tasks from when it has started."""
        try:
            with _interrupts_held():
                self._starting = [self._pool.submit(int) for _ in range(self._processes)]
        except OSError as error:
            logger.warning("no other process can be started, so this one works alone: %s", error)
        for future in self._starting:
            future.add_done_callback(self._feed)

    @property
    def has_begun(self) -> bool:
        """Whether all processes have started."""
        return all(future.done() for future in self._starting)

    def next(self) -> tuple[Task, Future[Result] | None] | None:
        """Return a task that a process has done, or one to do here; ``None`` at the end.

        Raises
        ------
        BrokenProcessPool
            A process was killed.
        """
        with self._lock:
            done = [future for future in self._elsewhere if future.done()]
            if not done and self._left:
                for future in filter(Future.done, self._starting):
                    future.result()
                return self._left.popleft(), None
            under_way = list(self._elsewhere)
        if not under_way:
            return None
        future = (done or list(wait(under_way, return_when=FIRST_COMPLETED).done))[0]
        with self._lock:
            return self._elsewhere.pop(future), future

    def _feed(self, done: Future[Any]) -> None:
        """Submit the next task to the process that has done one."""
        with self._lock:
            if done.cancelled() or done.exception() is not None or not self._left:
                return
            try:
                future = self._pool.submit(self._work, self._left[0])
            except RuntimeError:  # it has been stopped, or a process was killed
                return
            self._elsewhere[future] = self._left.popleft()
        future.add_done_callback(self._feed)


def end_processes(pool: ProcessPoolExecutor) -> None:
    """Kill the processes of a pool, and wait until they have ended.

    A pool's own `shutdown` waits for ever where a killed process held a lock, or where the others
    ignore SIGTERM. What they were writing is not visible under its name.
    """
    processes = list((pool._processes or {}).values())
    answers = pool._result_queue
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.kill()
    for process in processes:
        process.join()
    # Otherwise the pool's thread would wait for ever for the rest of what a process was sending,
    # and the interpreter for that thread.
    if answers is not None:  # this is not the second call
        answers._writer.close()  # type: ignore[attr-defined]


@contextlib.contextmanager
def _called_after(seconds: float, call: Callable[[], None]) -> Iterator[None]:
    """Call a function in a thread if the body takes longer; it has returned when the body ends."""
    timer = threading.Timer(seconds, call)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """Block Ctrl-C, also in processes started in the body: only the parent handles it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_process(start: Callable[..., None], *args: Any) -> None:
    end_with_parent()
    start(*args)


def end_with_parent() -> None:
    """End this process when its parent is killed, so that it cannot run beside the next run."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
