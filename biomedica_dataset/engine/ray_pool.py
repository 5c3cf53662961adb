"""Runs independent tasks on a cluster of Ray, which places them and tries them again."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from typing import TYPE_CHECKING, Any, TypeVar

from biomedica_dataset.errors import UsageError, WorkerDiedError
from biomedica_dataset.extras import require

from .progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Task = TypeVar("Task")
Result = TypeVar("Result")

_PATIENCE = 10.0  # seconds for a cluster to answer
_RETRIES = 5  # of a task whose process or machine has died


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

    The cluster is the one of ``RAY_ADDRESS`` or of this machine; one is begun where there is none.

    Raises
    ------
    UsageError
        Ray is not installed, or no cluster answers.
    WorkerDiedError
        A task's process died again and again, or the cluster did.
    """
    ray = require("ray", "scale")
    with _cluster(ray), progress.shown():
        gpus = 1 if on_gpu and ray.cluster_resources().get("GPU") else 0
        # Ray would end a process with a GPU after each task, and its model with it.
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
                f"Ray gave a task up, mostly for want of memory: {error}. Run the same command "
                "again. What is finished stays valid."
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
    """Raise an error where nobody is at an address; Ray itself would try for many minutes."""
    host, _, port = address.rpartition("/")[2].rpartition(":")
    if not port.isdecimal():  # auto, or local
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE).close()
    except OSError as error:
        msg = (
            f"RAY_ADDRESS is {address}, where no cluster answers ({error}); name one that is up, "
            "or leave it out to begin one on this machine"
        )
        raise UsageError(msg) from error


_started: tuple[Any, ...] | None = None
_progress: Progress | None = None


def _do(
    work: Callable[[Task], Result], task: Task, start: Callable[..., None], args: tuple[Any, ...]
) -> tuple[Result, list[int]]:
    """Do one task in a process of Ray; return its result, and what it counted."""
    global _started, _progress
    if _progress is None or _started != (start, args):
        _started, _progress = (start, args), Progress()
        start(*args, _progress.counters)
    before = _progress.counters[:]
    result = work(task)
    return result, [now - then for now, then in zip(_progress.counters, before, strict=True)]
