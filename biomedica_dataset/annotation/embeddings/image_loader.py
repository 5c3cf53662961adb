"""Loads the images of an archive for a model: reads articles and decodes images ahead of it."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, TypeVar

from biomedica_dataset.annotation.panels.figure_panels import panel_hash, read_figure_panels
from biomedica_dataset.archive.stored_images import images_size
from biomedica_dataset.engine.pool import end_with_parent
from biomedica_dataset.errors import ArticleError, WorkerDiedError
from biomedica_dataset.images.crop import box_at_scale, figure_target
from biomedica_dataset.images.decode import decode_rgb
from biomedica_dataset.images.fit import fitted, squashed
from biomedica_dataset.keys import panel_key
from biomedica_dataset.rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from concurrent.futures import Future
    from types import TracebackType

    import numpy as np

    from biomedica_dataset.annotation.panels.panels import Panels
    from biomedica_dataset.archive.entries import LedgerRow
    from biomedica_dataset.archive.ledger import Archive
    from biomedica_dataset.images.crop import Box, View
    from biomedica_dataset.schema import Pair

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

    def decode(self, data: bytes, views: Sequence[View | None]) -> list[np.ndarray[Any, Any]]:
        """Return an image, or the parts of it that views show, each as uint8 (size, size, 3).

        Raises
        ------
        ArticleError
            The image cannot be decoded.
        """
        target = 2 * self.size
        targets = (figure_target(target, *view) if view else target for view in views)
        pixels = decode_rgb(data, max(targets))
        return [self._fit(_cut(pixels, *view) if view else pixels) for view in views]

    def _fit(self, pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        if self.colour is None:
            return squashed(pixels, self.size)
        return fitted(pixels, self.size, self.colour)


def _cut(pixels: np.ndarray[Any, Any], box: Box, size: tuple[int, int]) -> np.ndarray[Any, Any]:
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = box_at_scale(box, size, (width, height))
    return pixels[y0:y1, x0:x1]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedImage:
    """An image, or a panel of it, in the input format of a model.

    Parameters
    ----------
    digest
        SHA-256 of its bytes; see `panel_hash` for a panel.
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


@dataclass(frozen=True, slots=True)
class ImagesOf:
    """Loads the images of articles, in any process.

    Parameters
    ----------
    panels
        Panels by which figures are split.
    """

    frame: Frame
    panels: Panels | None

    def __call__(self, articles: Sequence[Article], known: AbstractSet[str]) -> list[LoadedImage]:
        """Return the images of articles: of a figure that was split, its panels.

        Parameters
        ----------
        known
            Digests of images whose pixels are not needed.
        """
        numbers = [row.pmcid for row, _images in articles]
        split = None
        if self.panels is not None and numbers:
            split = read_figure_panels(self.panels, min(numbers), max(numbers) + 1).take
        found: list[LoadedImage] = []
        seen, problems = set(known), dict[str, str]()
        for row, images in articles:
            for _group, pair in rows_of(row, images, panels=split).pairs:
                found += self._of_pair(pair, seen, problems)
        return found

    def _of_pair(
        self, pair: Pair, seen: set[str], problems: dict[str, str]
    ) -> Iterator[LoadedImage]:
        data: bytes = (pair.image or {})["bytes"]
        views = _views(pair)
        todo = {digest: view for _key, digest, view in views if digest not in seen}
        seen.update(todo)
        made: dict[str, np.ndarray[Any, Any]] = {}
        if todo:
            try:
                made = dict(zip(todo, self.frame.decode(data, list(todo.values())), strict=True))
            except ArticleError as error:
                problems.update(dict.fromkeys(todo, str(error)))
        for number, (key, digest, _view) in enumerate(views):
            yield LoadedImage(
                key=key,
                digest=digest,
                size=0 if number else len(data),
                pixels=made.pop(digest, None),
                problem=problems.get(digest),
            )


def _views(pair: Pair) -> list[tuple[str, str, View | None]]:
    """Return key, digest and box of each panel of a pair, or of its whole image."""
    if not pair.panels:
        return [(pair.key, pair.image_hash, None)]
    width, height = pair.image_size or (0, 0)
    return [
        (
            panel_key(pair.key, panel["letter"]),
            panel_hash(pair.image_hash, panel["box"]),
            (tuple(panel["box"]), (width, height)),
        )
        for panel in pair.panels
    ]


class ImageLoader:
    """Processes that decode the images of articles.

    Parameters
    ----------
    processes
        Number of processes; with 0, this process decodes on demand.
    """

    def __init__(self, archive: Archive, images_of: ImagesOf, processes: int) -> None:
        self._archive, self._images_of, self._processes = archive, images_of, processes
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
                yield block, self._images_of(articles, digests)
            return
        ahead: deque[tuple[int, int, Future[list[LoadedImage]]]] = deque()
        try:
            for block, articles, digests in read_ahead(tasks, _READ_AHEAD):
                future = self._pool.submit(self._images_of, articles, digests)
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
