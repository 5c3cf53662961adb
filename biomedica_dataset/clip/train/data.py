"""Pairs for one process: an endless stream with one exact position, whatever prepares it."""

from __future__ import annotations

import logging
import time
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from biomedica_dataset.engine.report import Tally
from biomedica_dataset.engine.timings import measured
from biomedica_dataset.errors import UsageError, WorkerDiedError
from biomedica_dataset.extras import require
from biomedica_dataset.images.lost import lost_error
from biomedica_dataset.io.rules import Count  # noqa: TC001 - for pydantic
from biomedica_dataset.streaming.choice import Choice, Chosen
from biomedica_dataset.streaming.dataset import choose_rows, stream_rows

from .packing import TEXTS, pair_text
from .preparers import InlinePreparer, PoolPreparer

if TYPE_CHECKING:
    from .config import DataConfig
    from .prepare import Given, Prepare, Ready

logger = logging.getLogger(__name__)
_TOGETHER = {"figure": 16, "panel": 64}
"""Pairs a task: enough to hide the cost of sending it, and to have a figure's panels together."""

_FRUITLESS = 10_000  # pairs in a row that cannot be used


@dataclass(frozen=True, slots=True)
class _Row:
    """A row on its way: `state` is that of the rows after it, `given` None where it has no text."""

    key: str
    epoch: int
    state: dict[str, Any]
    given: Given | None


@dataclass(frozen=True)
class Position:
    """Where a process stands: its epoch, the state of its rows, and what it has skipped."""

    epoch: Count = 0
    rows: dict[str, Any] | None = None
    seen: Count = 0
    empty: Count = 0
    unreadable: Count = 0

    def after(self, row: _Row, ready: Ready | None) -> Position:
        """Return the position after one more row."""
        return Position(
            epoch=row.epoch,
            rows=row.state,
            seen=self.seen + 1,
            empty=self.empty + (row.given is None),
            unreadable=self.unreadable + (row.given is not None and ready is None),
        )


def tally(positions: list[Position]) -> Tally:
    """Return what all processes have seen, used and skipped."""
    dropped = {
        "empty caption": sum(position.empty for position in positions),
        "image that cannot be read": sum(position.unreadable for position in positions),
    }
    seen = sum(position.seen for position in positions)
    found = {reason: count for reason, count in dropped.items() if count}
    return Tally(seen=seen, kept=seen - sum(dropped.values()), dropped=found)


@dataclass(frozen=True)
class Batch:
    """A micro-batch.

    Parameters
    ----------
    images
        uint8 (pairs, size, size, 3).
    tokens
        (pairs, context).
    position
        After its last row.
    """

    keys: list[str]
    images: Any
    tokens: Any
    position: Position


def choose_pairs(data: DataConfig, seed: int) -> Chosen:
    """Return the rows to train on.

    Raises
    ------
    UsageError
        See `open_dataset`.
    """
    choice = Choice(
        licenses=data.licenses, concepts=data.concepts, filters=data.filters,
        without=data.without, deduplicate=data.deduplicate, recipe=data.recipe,
        limit=data.limit, seed=seed, split=data.split,
        min_score=data.min_score if data.unit == "panel" else None,
    )  # fmt: skip
    return choose_rows(data.path, choice)


class Pairs:
    """An endless stream of micro-batches for one process, epoch after epoch, without a gap.

    Parameters
    ----------
    place
        The number of this process, and of how many.

    Raises
    ------
    UsageError
        There are more processes than runs of rows.
    """

    def __init__(
        self, chosen: Chosen, data: DataConfig, prepare: Prepare, seed: int, place: tuple[int, int]
    ) -> None:
        from datasets.distributed import split_dataset_by_node

        texts = TEXTS[data.unit] if data.text == "caption_context" else TEXTS[data.unit][:1]
        columns = ["key", "image", *texts]
        timings = self._timings = prepare.timings
        rows = stream_rows(chosen, columns, margin=data.margin, timings=timings, raw=True)
        rank, count = place
        if rows.num_shards < count:
            msg = f"{data.path} has {rows.num_shards} runs of rows for {count} processes; use fewer"
            raise UsageError(msg)
        self._rows = split_dataset_by_node(rows, rank, count, strategy="shards")
        self._data, self._seed = data, seed
        workers = data.workers
        is_alone = not workers and data.unit == "figure" and data.decoder == "cpu"
        self._together = 1 if is_alone else _TOGETHER[data.unit]
        self._preparer: InlinePreparer | PoolPreparer = InlinePreparer(prepare)
        if workers:
            self._preparer = PoolPreparer(prepare, workers, self._together)

    def close(self) -> None:
        """End the processes that prepare."""
        self._preparer.close()

    def batches(self, size: int, start: Position) -> Generator[Batch]:
        """Yield micro-batches of so many pairs from a position on.

        One stream at a time: images of an unfinished one may still come into its memory.

        Raises
        ------
        UsageError
            Thousands of pairs in a row cannot be used.
        ArticleError
            An image cannot be decoded, if that is not to be skipped.
        SourceError
            The rows cannot be read any more.
        WorkerDiedError
            A process that prepares was killed.
        """
        position, fruitless = start, 0
        keys, sides = list[str](), list[Any]()
        for row, ready in self._prepared(start):
            position = position.after(row, ready)
            fruitless = fruitless + 1 if ready is None else 0
            if ready is None and row.given and self._data.on_error == "raise":
                raise lost_error(row.key, "not_decodable")
            if ready is not None:
                with measured(self._timings, "collating"):
                    sides = sides or _empty(ready, size)
                    for whole, side in zip(sides, ready, strict=True):
                        whole.numpy()[len(keys)] = side
                keys.append(row.key)
            elif fruitless > _FRUITLESS:
                msg = (
                    f"{_FRUITLESS:,} pairs of {self._data.path} in a row have no caption or an "
                    "image that cannot be read; run biomedica verify on it"
                )
                raise UsageError(msg)
            else:
                why = "its image cannot be read" if row.given else "it has no caption"
                logger.info("%s is skipped: %s", row.key, why)
            if len(keys) == size:
                images, tokens = sides
                yield Batch(keys, images, tokens, position)
                keys, sides = [], []

    def _prepared(self, start: Position) -> Iterator[tuple[_Row, Ready | None]]:
        """Yield rows in order, those ahead being prepared meanwhile."""
        waiting: deque[tuple[list[_Row], Callable[[], list[Ready | None]]]] = deque()
        rows = self._read(start)
        waits = self._timings if self._preparer.under_way else None  # else it decodes itself
        try:
            while chunk := list(islice(rows, self._together)):
                given = [row.given for row in chunk if row.given is not None]
                waiting.append((chunk, self._preparer.submit(given)))
                if len(waiting) > self._preparer.under_way:
                    done, found = waiting.popleft()
                    with measured(waits, "waiting for decoders"):
                        ready = iter(found())
                    for row in done:
                        yield row, None if row.given is None else next(ready)
        except BrokenProcessPool as error:
            msg = (
                "a process that decodes images was killed, probably because it ran out of memory: "
                "run the same command again with fewer data.workers; it resumes from the last "
                "checkpoint. A script must call train below if __name__ == '__main__':"
            )
            raise WorkerDiedError(msg) from error

    def _read(self, start: Position) -> Iterator[_Row]:
        epoch, state = start.epoch, start.rows
        while True:
            self._rows.set_epoch(epoch)
            if state is not None:
                self._rows.load_state_dict(state)
            for row in self._rows:
                text, image = pair_text(row, self._data), row["image"]
                seed = zlib.crc32(f"{self._seed} {epoch} {row['key']}".encode())
                given = (image["bytes"], text, seed, image.view) if text else None
                yield _Row(row["key"], epoch, self._rows.state_dict(), given)
            epoch, state = epoch + 1, None


def _empty(ready: Ready, size: int) -> list[Any]:
    """Return tensors for the images and tokens of so many pairs."""
    torch = require("torch", "clip")
    is_pinned = torch.cuda.is_available()  # from such memory it is copied while the GPU works
    shapes = [(torch.from_numpy(side).dtype, (size, *side.shape)) for side in ready]
    return [torch.empty(shape, dtype=kind, pin_memory=is_pinned) for kind, shape in shapes]


class Prefetcher:
    """Micro-batches as they are wanted, some of them made before, and the time spent waiting.

    Parameters
    ----------
    count
        Micro-batches to have ready; 0 makes each when it is wanted.

    Attributes
    ----------
    waited
        Seconds.
    """

    def __init__(self, batches: Generator[Batch], count: int) -> None:
        self._batches, self.waited = batches, 0.0
        self._thread = ThreadPoolExecutor(1) if count else None  # one, so that they keep order
        self._coming = deque(self._ask() for _ in range(count))

    def _ask(self) -> Future[Batch]:
        assert self._thread is not None
        return self._thread.submit(next, self._batches)

    def next(self) -> Batch:
        """Return the next micro-batch; errors are those of `Pairs.batches`."""
        begun = time.perf_counter()
        try:
            if self._thread is None:
                return next(self._batches)
            self._coming.append(self._ask())
            return self._coming.popleft().result()
        finally:
            self.waited += time.perf_counter() - begun

    def close(self) -> None:
        """End what is under way."""
        if self._thread is not None:
            self._thread.shutdown(cancel_futures=True)
        self._batches.close()
