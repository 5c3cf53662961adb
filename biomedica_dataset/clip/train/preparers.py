"""Pairs prepared here, or in other processes that share memory with this one."""

from __future__ import annotations

import contextlib
import logging
import math
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np

from biomedica_dataset.engine.pool import end_processes, end_with_parent
from biomedica_dataset.extras import require

if TYPE_CHECKING:
    from biomedica_dataset.engine.timings import Timings
    from biomedica_dataset.images.crop import View

    from .prepare import Given, Prepare, Ready

    Memory = np.ndarray[Any, np.dtype[np.uint8]]
    Sent = tuple[bytes | tuple[int, int], str, int, View | None]  # an image, or where it is

_ROOM = 160_000  # bytes a pair for images on their way: a little more than the mean of PMC


class InlinePreparer:
    """Prepares when it is asked for what is ready."""

    under_way = 0

    def __init__(self, prepare: Prepare) -> None:
        self._prepare = prepare

    def submit(self, given: Sequence[Given]) -> Callable[[], list[Ready | None]]:
        """Return what returns what is ready."""
        return partial(self._prepare, given)

    def close(self) -> None:
        """Do nothing."""


class PoolPreparer:
    """Prepares in processes of their own.

    Images go there and come back in memory that is shared, a part of it for each task under way:
    a pipe would copy them several times, 64 kB at a time.

    Parameters
    ----------
    count
        How many processes.
    together
        Pairs of a task, at most.
    """

    def __init__(self, prepare: Prepare, count: int, together: int) -> None:
        context = get_context("spawn")
        self.under_way = 2 * count
        self._room = together * max(_ROOM, 3 * prepare.size**2)
        self._number, self._parts = 0, self.under_way + 1  # one more is being read
        shared = context.RawArray("B", self._parts * self._room)
        self._memory: Memory = np.frombuffer(shared, np.uint8)
        self._given = context.SimpleQueue()
        start = self._given, prepare.timings, shared
        self._pool = ProcessPoolExecutor(count, context, _start, start)
        # A process is started when the one before has read its arguments. A tokenizer among them
        # would make each wait for the other to load torch, and for ever for one that died of it.
        threading.Thread(target=self._give, args=(prepare, count), daemon=True).start()

    def _give(self, prepare: Prepare, count: int) -> None:
        with contextlib.suppress(OSError, TypeError):  # closed before all were wanted
            for _ in range(count):
                self._given.put(prepare)

    def submit(self, given: Sequence[Given]) -> Callable[[], list[Ready | None]]:
        """Return what waits for what is ready.

        Its images are in shared memory: use them before you submit another task, once as many are
        waiting as `under_way`.
        """
        place = slice(self._number * self._room, (self._number + 1) * self._room)
        self._number = (self._number + 1) % self._parts
        part = self._memory[place]
        future = self._pool.submit(_work, place, _sent(part, given))
        return partial(_ready, part, future)

    def close(self) -> None:
        """End the processes."""
        end_processes(self._pool)
        self._given.close()


@dataclass(frozen=True, slots=True)
class _Made:
    """What a process has made: of each pair whether it is ready, and the tokens of those that are.

    Parameters
    ----------
    shape
        Of an image; all are in shared memory, one after the other.
    """

    is_ready: list[bool]
    shape: tuple[int, ...]
    tokens: list[np.ndarray[Any, Any]]


def _sent(part: Memory, given: Sequence[Given]) -> list[Sent]:
    """Put images into a part of shared memory, each once; one without room stays as it is."""
    places: dict[int, tuple[int, int]] = {}
    end = 0
    for data, *_ in given:
        if id(data) not in places and end + len(data) <= len(part):
            places[id(data)] = end, end + len(data)
            part[end : end + len(data)] = np.frombuffer(data, np.uint8)
            end += len(data)
    return [(places.get(id(data), data), text, seed, view) for data, text, seed, view in given]


def _received(part: Memory, sent: Sequence[Sent]) -> list[Given]:
    """Take images out of shared memory; pairs of one image share it."""
    places = {image for image, *_ in sent if isinstance(image, tuple)}
    found: dict[Any, bytes] = {place: part[slice(*place)].tobytes() for place in places}
    return [
        (found[image] if isinstance(image, tuple) else image, text, seed, view)
        for image, text, seed, view in sent
    ]


def _put(part: Memory, found: Sequence[Ready | None]) -> _Made:
    ready = [one for one in found if one is not None]
    shape = ready[0][0].shape if ready else (0,)
    _images(part, len(ready), shape)[:] = [image for image, _tokens in ready]
    return _Made([one is not None for one in found], shape, [tokens for _image, tokens in ready])


def _images(part: Memory, count: int, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    return part[: count * math.prod(shape)].reshape(count, *shape)


def _ready(part: Memory, future: Future[_Made]) -> list[Ready | None]:
    made = future.result()
    ready = zip(_images(part, len(made.tokens), made.shape), made.tokens, strict=True)
    return [next(ready) if is_ready else None for is_ready in made.is_ready]


_mine: tuple[Prepare, Memory] | None = None  # of a process of the pool


def _start(given: SimpleQueue[Prepare], timings: Timings | None, shared: Any) -> None:
    global _mine  # noqa: PLW0603 - once in a process, lest it travels with every task
    _mine = replace(given.get(), timings=timings), np.frombuffer(shared, np.uint8)
    require("torch", "clip").set_num_threads(1)
    logging.getLogger("PIL").setLevel(logging.ERROR)
    # Slurm and a terminal tell all processes to end; the one that trains still needs these.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    end_with_parent()


def _work(place: slice, sent: Sequence[Sent]) -> _Made:
    assert _mine is not None
    prepare, memory = _mine
    part = memory[place]
    return _put(part, prepare(_received(part, sent)))
