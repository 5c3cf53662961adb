"""From the bytes of an image and a text to what the model is given, here or in other processes."""

from __future__ import annotations

import contextlib
import logging
import math
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import groupby
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from typing import Any

import numpy as np

from biomedica_dataset.engine.pool import end_processes, end_with_parent
from biomedica_dataset.engine.timings import Timings, measured
from biomedica_dataset.errors import ArticleError
from biomedica_dataset.extras import require
from biomedica_dataset.images.crop import View, box_at_scale, figure_target
from biomedica_dataset.images.decode import decode_rgb

Given = tuple[bytes, str, int, View | None]  # image, text, seed, and what to cut out
Ready = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]  # image and tokens
SCALES: dict[str, float | None] = {"full": None, "draft": 1.0, "draft-1x": 0.5}
"""Half of the smallest scale, in sizes of what the model sees, by the name of the mode."""
_AT_ITS_OWN = 1 << 20  # pixels: no image is larger


@dataclass(frozen=True, slots=True)
class Prepare:
    """Makes an image, uint8 (size, size, 3), and tokens (context,) of each image and text.

    Parameters
    ----------
    size, transform, tokenizer
        See `Model`.
    decode
        See `DataConfig`.
    timings
        Measures decoding and transforming.
    """

    size: int
    transform: Callable[[Any], Any]
    tokenizer: Callable[[list[str]], Any]
    decode: str
    timings: Timings | None = None

    def __call__(self, given: Sequence[Given]) -> list[Ready | None]:
        """Return what the model is given, None for an image that cannot be read."""
        found: list[Ready | None] = [None] * len(given)
        # The panels of a figure share its bytes, which are decoded once.
        by_image = sorted(range(len(given)), key=lambda number: id(given[number][0]))
        for _image, numbers in groupby(by_image, key=lambda number: id(given[number][0])):
            mine = list(numbers)
            with contextlib.suppress(ArticleError):
                with measured(self.timings, "decoding"):
                    views = [given[number][3] for number in mine]
                    pixels = self._decoded(given[mine[0]][0], views)
                for number in mine:
                    with measured(self.timings, "transforming"):
                        found[number] = self._one(pixels, given[number])
        return found

    def _decoded(self, data: bytes, views: Sequence[View | None]) -> np.ndarray[Any, Any]:
        """Return an image at a scale at which each of its parts is large enough."""
        scale = SCALES[self.decode]
        if scale is None:
            return decode_rgb(data, _AT_ITS_OWN)
        target = math.ceil(self.size * scale)
        targets = (figure_target(target, *view) if view else target for view in views)
        return decode_rgb(data, max(targets))

    def _one(self, pixels: np.ndarray[Any, Any], given: Given) -> Ready:
        torch = require("torch", "clip")
        _data, text, seed, view = given
        if view is not None:
            x0, y0, x1, y1 = box_at_scale(*view, (pixels.shape[1], pixels.shape[0]))
            pixels = pixels[y0:y1, x0:x1]
        # The random numbers are the pair's own, so that no order of work changes them.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            made = self.transform(torch.from_numpy(pixels).permute(2, 0, 1))
        # Arrays travel in pipes; tensors would each hold a file open until they are used.
        return made.permute(1, 2, 0).numpy(), self.tokenizer([text])[0].numpy()


class InlinePreparer:
    """Prepares when it is asked."""

    under_way = 0

    def __init__(self, prepare: Prepare) -> None:
        self._prepare = prepare

    def submit(self, given: Sequence[Given]) -> Future[list[Ready | None]]:
        """Return what is ready."""
        done: Future[list[Ready | None]] = Future()
        done.set_result(self._prepare(given))
        return done

    def close(self) -> None:
        """Do nothing."""


class PoolPreparer:
    """Prepares in processes of their own.

    Parameters
    ----------
    count
        How many.
    """

    def __init__(self, prepare: Prepare, count: int) -> None:
        context = get_context("spawn")
        self.under_way = 2 * count
        self._given = context.SimpleQueue()
        self._pool = ProcessPoolExecutor(count, context, _start, (self._given, prepare.timings))
        # A process is started when the one before has read its arguments. A tokenizer among them
        # would make each wait for the other to load torch, and for ever for one that died of it.
        threading.Thread(target=self._give, args=(prepare, count), daemon=True).start()

    def _give(self, prepare: Prepare, count: int) -> None:
        with contextlib.suppress(OSError, TypeError):  # closed before all were wanted
            for _ in range(count):
                self._given.put(prepare)

    def submit(self, given: Sequence[Given]) -> Future[list[Ready | None]]:
        """Return what will be ready."""
        return self._pool.submit(_work, given)

    def close(self) -> None:
        """End the processes."""
        end_processes(self._pool)
        self._given.close()


_mine: Prepare | None = None  # of a process of the pool


def _start(given: SimpleQueue[Prepare], timings: Timings | None) -> None:
    global _mine  # noqa: PLW0603 - once in a process, lest it travels with every task
    _mine = replace(given.get(), timings=timings)
    require("torch", "clip").set_num_threads(1)
    logging.getLogger("PIL").setLevel(logging.ERROR)
    # Slurm and a terminal tell all processes to end; the one that trains still needs these.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    end_with_parent()


def _work(given: Sequence[Given]) -> list[Ready | None]:
    assert _mine is not None
    return _mine(given)
