"""Loads the images of an archive for a model: reads articles and decodes images ahead of it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TYPE_CHECKING, TypeVar

from biomedica_dataset.archive.stored_images import images_size
from biomedica_dataset.engine.pool import WORTH, end_processes, end_with_parent
from biomedica_dataset.errors import WorkerDiedError

if TYPE_CHECKING:
    from biomedica_dataset.annotation.look.measure_block import Boxes
    from biomedica_dataset.archive.ledger import Archive

    from .article_images import Article, ImagesOf, LoadedImage

    Known = Callable[[int], Mapping[int, AbstractSet[str]]]
    _Task = tuple[list[Article], set[str], Boxes | None]
    BoxesOf = Callable[[int], Mapping[int, Boxes] | None]

_TOGETHER = 1 << 20  # bytes of images per task: enough to hide the cost of sending it
_TOGETHER_ON_DEVICE = 1 << 24  # a device decodes many images at once
_AHEAD = 4  # tasks in flight per process
_HELD = 1 << 28  # bytes of images in flight
_READ_AHEAD = 2  # tasks

T = TypeVar("T")


class ImageLoader:
    """Processes that decode the images of articles; this one does until the first has started.

    Parameters
    ----------
    processes
        Number of processes; with 0, this process decodes on demand.
    """

    def __init__(self, archive: Archive, images_of: ImagesOf, processes: int) -> None:
        self._archive, self._images_of, self._processes = archive, images_of, processes
        self._together = _TOGETHER if images_of.device is None else _TOGETHER_ON_DEVICE
        self._pool = (
            ProcessPoolExecutor(
                processes, mp_context=get_context("spawn"), initializer=end_with_parent
            )
            if processes
            else None
        )

    def __enter__(self) -> ImageLoader:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            end_processes(self._pool)

    def images(
        self, blocks: Iterable[int], known: Known, boxes: BoxesOf = lambda _block: None
    ) -> Iterator[tuple[int, list[LoadedImage]]]:
        """Yield the images of blocks in order, in portions; each block at least once.

        Parameters
        ----------
        known
            Returns, for a block, the digests of images whose pixels are not needed, by PMCID.
        boxes
            Returns, for a block, the boxes to measure by PMCID, or ``None`` to measure nothing.

        Raises
        ------
        WorkerDiedError
            A process was killed, probably because it ran out of memory.
        """
        tasks = self._tasks(blocks, known, boxes)
        if self._pool is None:
            for block, task in tasks:
                yield block, self._images_of(*task)
            return
        ahead: deque[tuple[int, int, Future[list[LoadedImage]]]] = deque()
        starting: list[Future[None]] = []
        self._images_of.warm_up()  # which is no work that others could share
        began = time.monotonic()
        try:
            for block, task in read_ahead(tasks, _READ_AHEAD):
                if not starting and time.monotonic() - began > WORTH:
                    each = range(self._processes)
                    starting = [self._pool.submit(self._images_of.warm_up) for _ in each]
                if not any(map(Future.done, starting)):
                    yield block, self._images_of(*task)
                    continue
                future = self._pool.submit(self._images_of, *task)
                ahead.append((block, _bytes(task[0]), future))
                while self._is_full(ahead):
                    yield _first(ahead)
            while ahead:
                yield _first(ahead)
        except BrokenProcessPool as error:
            msg = (
                "a process that decodes images was killed, probably because it ran out of "
                "memory: run the same command again with fewer workers. What is finished stays "
                "valid."
            )
            raise WorkerDiedError(msg) from error

    def _is_full(self, ahead: deque[tuple[int, int, Future[list[LoadedImage]]]]) -> bool:
        held = sum(size for _block, size, _future in ahead)
        return len(ahead) >= _AHEAD * self._processes or held > _HELD

    def _tasks(
        self, blocks: Iterable[int], known: Known, boxes: BoxesOf
    ) -> Iterator[tuple[int, _Task]]:
        """Yield the articles of a block in portions, with their known digests and their boxes."""
        for block in blocks:
            there, places = known(block), boxes(block)
            portion: list[Article] = []
            for article in self._archive.articles(block):
                portion.append(article)
                if _bytes(portion) >= self._together:
                    yield block, _task(portion, there, places)
                    portion = []
            yield block, _task(portion, there, places)


def _task(
    articles: list[Article],
    known: Mapping[int, AbstractSet[str]],
    boxes: Mapping[int, Boxes] | None,
) -> _Task:
    """Return articles with what is known and wanted of them."""
    numbers = [row.pmcid for row, _images in articles]
    digests = {digest for number in numbers for digest in known.get(number, ())}
    if boxes is None:
        return articles, digests, None
    own = {key: box for number in numbers for key, box in boxes.get(number, {}).items()}
    return articles, digests, own


def _bytes(articles: Iterable[Article]) -> int:
    return sum(images_size(images) for _row, images in articles)


def _first(
    ahead: deque[tuple[int, int, Future[list[LoadedImage]]]],
) -> tuple[int, list[LoadedImage]]:
    block, _size, future = ahead.popleft()
    return block, future.result()


def read_ahead(items: Iterator[T], count: int) -> Iterator[T]:
    """Yield the items of an iterator, from which a thread reads this many ahead."""
    end = object()
    with ThreadPoolExecutor(1) as thread:
        coming = deque(thread.submit(next, items, end) for _ in range(count))
        try:
            while (item := coming.popleft().result()) is not end:
                coming.append(thread.submit(next, items, end))
                yield item  # type: ignore[misc]
        finally:
            thread.shutdown(cancel_futures=True)
