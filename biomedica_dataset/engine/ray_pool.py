"""Runs independent tasks on a Ray cluster, which schedules and retries them."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from biomedica_dataset.errors import UsageError, WorkerDiedError
from biomedica_dataset.extras import require

from .progress import Progress

Task = TypeVar("Task")
Result = TypeVar("Result")

_TIMEOUT = 10.0  # seconds for a cluster to answer
_RETRIES = 5  # of a task whose process or machine died


def run_with_ray(
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    start: Callable[..., None],
    args: tuple[Any, ...],
    progress: Progress,
    on_gpu: bool,
) -> Iterator[tuple[Task, Result]]:
    """Yield each task with its result, as `pool.run_tasks` does.

    The cluster is that of ``RAY_ADDRESS`` or of this machine; if there is none, one is started.

    Raises
    ------
    UsageError
        Ray is not installed, or no cluster answers.
    WorkerDiedError
        The process of a task died repeatedly, or the cluster died.
    """
    ray = require("ray", "scale")
    with _cluster(ray), progress.shown():
        gpus = 1 if on_gpu and ray.cluster_resources().get("GPU") else 0
        # By default Ray ends a process with a GPU, and so its model, after each task.
        options = {"num_cpus": 1, "num_gpus": gpus, "max_retries": _RETRIES, "max_calls": 0}
        submit = ray.remote(**options)(_do).remote
        waiting = {submit(work, task, start, args): task for task in tasks}
        try:
            while waiting:
                for reference in ray.wait(list(waiting))[0]:
                    result, counts = ray.get(reference)
                    progress.tick(*counts)
                    yield waiting.pop(reference), result
        except ray.exceptions.RayTaskError as error:
            raise error.cause from None
        except ray.exceptions.RayError as error:
            msg = (
                f"Ray gave up on a task, probably because it ran out of memory: {error}. Run the "
                "same command again. What is finished stays valid."
            )
            raise WorkerDiedError(msg) from error
        finally:
            for reference in waiting:
                ray.cancel(reference, force=True)


@contextlib.contextmanager
def _cluster(ray: Any) -> Iterator[None]:
    if ray.is_initialized():
        yield
        return
    address = os.environ.get("RAY_ADDRESS")
    if address:
        _check_answers(address)
    own: dict[str, Any] = {} if address else {"include_dashboard": False}
    ray.init(log_to_driver=False, logging_level=logging.ERROR, **own)
    try:
        yield
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    """Raise an error if nothing answers at an address; Ray itself would retry for minutes."""
    host, _, port = address.rpartition("/")[2].rpartition(":")
    if not port.isdecimal():  # auto, or local
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_TIMEOUT).close()
    except OSError as error:
        msg = (
            f"RAY_ADDRESS is {address}, where no cluster answers ({error}); name a running "
            "cluster, or unset it to start one on this machine"
        )
        raise UsageError(msg) from error


_started: tuple[Any, ...] | None = None
_progress: Progress | None = None


def _do(
    work: Callable[[Task], Result], task: Task, start: Callable[..., None], args: tuple[Any, ...]
) -> tuple[Result, list[int]]:
    """Do one task in a Ray process; return its result and its counts."""
    global _started, _progress
    if _progress is None or _started != (start, args):
        _started, _progress = (start, args), Progress()
        start(*args, _progress.counters)
    before = _progress.counters[:]
    result = work(task)
    return result, [now - then for now, then in zip(_progress.counters, before, strict=True)]
