"""Feeds a model with the pictures of an archive: articles read and pictures decoded ahead of it."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, TypeVar

from biomedica_dataset.archive.stored_images import images_size
from biomedica_dataset.engine.pool import end_with_parent
from biomedica_dataset.errors import ArticleError, WorkerDiedError
from biomedica_dataset.images.decode import fitted, open_rgb, squashed
from biomedica_dataset.rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet
    from concurrent.futures import Future
    from types import TracebackType

    import numpy as np

    from biomedica_dataset.archive.entries import LedgerRow
    from biomedica_dataset.archive.ledger import Archive

    Article = tuple[LedgerRow, Mapping[str, bytes]]
    Known = Callable[[int], Mapping[int, AbstractSet[str]]]

_TOGETHER = 1 << 20  # bytes of images a task: enough to hide the cost of sending it
_AHEAD = 4  # tasks under way for each process
_HELD = 1 << 28  # bytes of images in tasks under way
_READ_AHEAD = 2  # tasks

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """How a model wants pictures.

    Parameters
    ----------
    size
        Pixels of the side of a square.
    colour
        Around pictures that are no squares; ``None`` squashes them.
    """

    size: int
    colour: tuple[int, int, int] | None

    def decode(self, data: bytes) -> np.ndarray[Any, Any]:
        """Return a picture as uint8 (size, size, 3).

        Raises
        ------
        ArticleError
            It cannot be decoded.
        """
        image = open_rgb(data, self.size)
        if self.colour is None:
            return squashed(image, self.size)
        return fitted(image, self.size, self.colour)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An image as a model wants it.

    Parameters
    ----------
    digest
        SHA-256 of its bytes.
    size
        How many bytes it has.
    pixels
        See `Frame.decode`; ``None`` where they are not needed, or cannot be had.
    problem
        Why they cannot be had.
    """

    key: str
    digest: str
    size: int
    pixels: np.ndarray[Any, Any] | None = None
    problem: str | None = None


def pictures_of(
    articles: Iterable[Article], known: AbstractSet[str], sight: Frame
) -> list[Picture]:
    """Return the pictures of articles.

    Parameters
    ----------
    known
        Digests of images whose pixels are not needed.
    """
    found, problems = [], dict[str, str]()
    seen = set(known)
    for row, images in articles:
        for _group, pair in rows_of(row, images).pairs:
            digest, pixels = pair.image_hash, None
            data: bytes = (pair.image or {})["bytes"]
            if digest not in seen:
                seen.add(digest)
                try:
                    pixels = sight.decode(data)
                except ArticleError as error:
                    problems[digest] = str(error)
            picture = Picture(
                key=pair.key,
                digest=digest,
                size=len(data),
                pixels=pixels,
                problem=problems.get(digest),
            )
            found.append(picture)
    return found


class ImageLoader:
    """Processes that read articles and decode their pictures.

    Parameters
    ----------
    processes
        How many; 0 does it in this one, when it is asked for.
    """

    def __init__(self, archive: Archive, sight: Frame, processes: int) -> None:
        self._archive, self._sight, self._processes = archive, sight, processes
        self._pool = (
            ProcessPoolExecutor(
                processes, mp_context=get_context("spawn"), initializer=end_with_parent
            )
            if processes
            else None
        )

    def __enter__(self) -> ImageLoader:
        """Return the feed itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def pictures(self, blocks: Iterable[int], known: Known) -> Iterator[tuple[int, list[Picture]]]:
        """Yield the pictures of blocks in order, some at a time; each block at least once.

        Parameters
        ----------
        known
            Gives, for a block, digests of images whose pixels are not needed, by PMCID.

        Raises
        ------
        WorkerDiedError
            A process was killed, mostly for want of memory.
        """
        tasks = self._tasks(blocks, known)
        if self._pool is None:
            for block, articles, digests in tasks:
                yield block, pictures_of(articles, digests, self._sight)
            return
        ahead: deque[tuple[int, int, Future[list[Picture]]]] = deque()
        try:
            for block, articles, digests in read_ahead(tasks, _READ_AHEAD):
                future = self._pool.submit(pictures_of, articles, digests, self._sight)
                ahead.append((block, _bytes(articles), future))
                while self._is_full(ahead):
                    yield _first(ahead)
            while ahead:
                yield _first(ahead)
        except BrokenProcessPool as error:
            msg = (
                "a process that decodes pictures was killed, mostly for want of memory: run the "
                "same command again with fewer workers. What is finished stays valid."
            )
            raise WorkerDiedError(msg) from error

    def _is_full(self, ahead: deque[tuple[int, int, Future[list[Picture]]]]) -> bool:
        held = sum(size for _block, size, _future in ahead)
        return len(ahead) >= _AHEAD * self._processes or held > _HELD

    def _tasks(
        self, blocks: Iterable[int], known: Known
    ) -> Iterator[tuple[int, list[Article], set[str]]]:
        """Yield some articles of a block at a time, with the digests that are known of them."""
        for block in blocks:
            there = known(block)
            articles: list[Article] = []
            digests: set[str] = set()
            for article in self._archive.articles(block):
                articles.append(article)
                digests |= there.get(article[0].pmcid, set())
                if _bytes(articles) >= _TOGETHER:
                    yield block, articles, digests
                    articles, digests = [], set()
            yield block, articles, digests


def _bytes(articles: Iterable[Article]) -> int:
    return sum(images_size(images) for _row, images in articles)


def _first(ahead: deque[tuple[int, int, Future[list[Picture]]]]) -> tuple[int, list[Picture]]:
    block, _size, future = ahead.popleft()
    return block, future.result()


def read_ahead(items: Iterator[T], count: int) -> Iterator[T]:
    """Yield items of an iterator, which a thread asks for so many ahead of time."""
    end = object()
    with ThreadPoolExecutor(1) as thread:
        coming = deque(thread.submit(next, items, end) for _ in range(count))
        try:
            while (item := coming.popleft().result()) is not end:
                coming.append(thread.submit(next, items, end))
                yield item  # type: ignore[misc]
        finally:
            thread.shutdown(cancel_futures=True)
