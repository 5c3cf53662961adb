"""Loads the images of an archive for a model: reads articles and decodes images ahead of it."""

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
from biomedica_dataset.images.decode import decode_rgb
from biomedica_dataset.images.fit import fitted, squashed
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

_TOGETHER = 1 << 20  # bytes of images per task: enough to hide the cost of sending it
_AHEAD = 4  # tasks in flight per process
_HELD = 1 << 28  # bytes of images in flight
_READ_AHEAD = 2  # tasks

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The input format of a model.

    Parameters
    ----------
    size
        Side of the square in pixels.
    colour
        Pads an image to a square; ``None`` squashes it instead.
    """

    size: int
    colour: tuple[int, int, int] | None

    def decode(self, data: bytes) -> np.ndarray[Any, Any]:
        """Return an image as uint8 (size, size, 3).

        Raises
        ------
        ArticleError
            The image cannot be decoded.
        """
        pixels = decode_rgb(data, 2 * self.size)
        if self.colour is None:
            return squashed(pixels, self.size)
        return fitted(pixels, self.size, self.colour)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedImage:
    """An image in the input format of a model.

    Parameters
    ----------
    digest
        SHA-256 of its bytes.
    size
        How many bytes it has.
    pixels
        See `Frame.decode`; ``None`` if they are not needed or the image cannot be decoded.
    problem
        Why the image cannot be decoded.
    """

    key: str
    digest: str
    size: int
    pixels: np.ndarray[Any, Any] | None = None
    problem: str | None = None


def images_of(
    articles: Iterable[Article], known: AbstractSet[str], frame: Frame
) -> list[LoadedImage]:
    """Return the images of articles.

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
                    pixels = frame.decode(data)
                except ArticleError as error:
                    problems[digest] = str(error)
            image = LoadedImage(
                key=pair.key,
                digest=digest,
                size=len(data),
                pixels=pixels,
                problem=problems.get(digest),
            )
            found.append(image)
    return found


class ImageLoader:
    """Processes that decode the images of articles.

    Parameters
    ----------
    processes
        Number of processes; with 0, this process decodes on demand.
    """

    def __init__(self, archive: Archive, frame: Frame, processes: int) -> None:
        self._archive, self._frame, self._processes = archive, frame, processes
        self._pool = (
            ProcessPoolExecutor(
                processes, mp_context=get_context("spawn"), initializer=end_with_parent
            )
            if processes
            else None
        )

    def __enter__(self) -> ImageLoader:
        """Return the loader itself."""
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

    def images(
        self, blocks: Iterable[int], known: Known
    ) -> Iterator[tuple[int, list[LoadedImage]]]:
        """Yield the images of blocks in order, in portions; each block at least once.

        Parameters
        ----------
        known
            Returns, for a block, the digests of images whose pixels are not needed, by PMCID.

        Raises
        ------
        WorkerDiedError
            A process was killed, probably because it ran out of memory.
        """
        tasks = self._tasks(blocks, known)
        if self._pool is None:
            for block, articles, digests in tasks:
                yield block, images_of(articles, digests, self._frame)
            return
        ahead: deque[tuple[int, int, Future[list[LoadedImage]]]] = deque()
        try:
            for block, articles, digests in read_ahead(tasks, _READ_AHEAD):
                future = self._pool.submit(images_of, articles, digests, self._frame)
                ahead.append((block, _bytes(articles), future))
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
        self, blocks: Iterable[int], known: Known
    ) -> Iterator[tuple[int, list[Article], set[str]]]:
        """Yield the articles of a block in portions, with their known digests."""
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
