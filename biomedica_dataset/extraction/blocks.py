"""Brings blocks up to date: compares each with the inventory, fetches what is missing, writes it.

A worker takes blocks in order. It starts the next block while the last articles of the current one
are still in flight, so that the network is never idle between blocks.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from biomedica_dataset.io.async_runner import run_async
from biomedica_dataset.io.spool import Spool
from biomedica_dataset.pmc.source import NetworkFailedError, Source

from .changes import changes_of
from .fetch import ArticleFetch, Fetched
from .previous import PreviousBlock
from .tasks import Task, current_header
from .write import write_block

if TYPE_CHECKING:
    from biomedica_dataset.archive.entries import BlockHeader
    from biomedica_dataset.archive.ledger import Archive
    from biomedica_dataset.engine.lock import RunLock
    from biomedica_dataset.engine.progress import Ticker
    from biomedica_dataset.pmc.inventory import Version

__all__ = ["BlockFailedError", "Outcome", "Task", "run_block", "run_blocks"]

_ARTICLES_IN_FLIGHT = 128
"""Articles in progress at a time: enough to keep all requests in flight, and few enough that
metadata, XML and images of different articles overlap, so that network and parser both work."""

_BLOCKS_OPEN = 6  # small blocks run together; at most two large ones are open at a time


class BlockFailedError(Exception):
    """Network failures left a block incomplete; it was not written."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of some blocks.

    Parameters
    ----------
    failed
        Blocks that were not written because of the network, with the reason.
    changes
        Article versions that changed in the other blocks, by kind.
    """

    failed: dict[int, str] = field(default_factory=dict)
    changes: Counter[str] = field(default_factory=Counter)


def run_block(archive: Archive, source: Source, task: Task, tick: Ticker) -> BlockHeader:
    """Fetch what a block lacks and write it.

    Raises
    ------
    BlockFailedError
        An article could not be fetched in two attempts; nothing was written.
    SourceError
        Too many requests failed.
    StorageError, ArchiveError
        The archive cannot be written, or the existing block is damaged.
    """
    failed = run_blocks(archive, source, [task], tick).failed
    if failed:
        raise BlockFailedError(failed[task.block])
    return archive.header(task.block)


def run_blocks(
    archive: Archive,
    source: Source,
    tasks: Sequence[Task],
    tick: Ticker,
    lock: RunLock | None = None,
) -> Outcome:
    """Run several blocks at a time; skip those that another run has finished in the meantime.

    Parameters
    ----------
    lock
        The lock of the run on the archive, if other runs may write to it.

    Raises
    ------
    TakenOverError
        Another run now holds the archive.
    """
    return run_async(_Blocks(archive, source, tick, lock).run(tasks))


class _Blocks:
    """Runs blocks, many articles at a time."""

    def __init__(
        self, archive: Archive, source: Source, tick: Ticker, lock: RunLock | None
    ) -> None:
        self._archive, self._source, self._lock = archive, source, lock
        self._tick, self._ticked = tick, source.received
        self._outcome = Outcome()

    async def run(self, tasks: Iterable[Task]) -> Outcome:
        self._articles = asyncio.Semaphore(_ARTICLES_IN_FLIGHT)
        self._open = asyncio.Semaphore(_BLOCKS_OPEN)
        self._writing = asyncio.Lock()  # one block at a time, to limit memory
        with ExitStack() as stack:
            try:
                async with asyncio.TaskGroup() as group:
                    for task in tasks:
                        await self._open.acquire()
                        if self._is_done(task):
                            self._open.release()
                            continue
                        block = stack.enter_context(_Block(self._archive, task))
                        await self._begin(block, group)
            except BaseExceptionGroup as errors:
                raise errors.exceptions[0] from None
        return self._outcome

    def _is_done(self, task: Task) -> bool:
        """Whether another run has finished a block since its task was found."""
        if self._lock is None:
            return False
        self._lock.check()
        if task.retry or current_header(self._archive, task) is None:
            return False
        self._tick(len(task.inventory), 0, 0)
        return True

    async def _begin(self, block: _Block, group: asyncio.TaskGroup) -> None:
        """Start the articles of a block as slots become free, then the task that finishes it."""
        started = []
        for pmcid in block.versions:
            await self._articles.acquire()
            started.append(group.create_task(self._article(block, pmcid)))
        group.create_task(self._finish(block, started))

    async def _article(self, block: _Block, pmcid: int) -> None:
        try:
            await self._fetch(block, pmcid)
        finally:
            self._articles.release()

    async def _fetch(self, block: _Block, pmcid: int) -> None:
        try:
            fetched = await block.fetch(pmcid, self._source)
        except NetworkFailedError as error:
            block.problems[pmcid] = error
            return
        block.problems.pop(pmcid, None)
        block.done[pmcid] = fetched
        received, self._ticked = self._source.received - self._ticked, self._source.received
        self._tick(len(fetched.rows), len(fetched.images), received)

    async def _finish(self, block: _Block, started: Sequence[asyncio.Task[None]]) -> None:
        if started:
            await asyncio.wait(started)
        # Retry the articles that failed because of the network once the others are done.
        again = list(block.problems) if self._source.received else []  # else there is no network
        await asyncio.gather(*(self._article_again(block, pmcid) for pmcid in again))
        if block.problems:
            pmcid, problem = min(block.problems.items())
            count = len(block.problems)
            self._outcome.failed[block.task.block] = (
                f"{count} articles, the first PMC{pmcid}: {problem}"
            )
        else:
            async with self._writing:
                if self._lock is not None:
                    self._lock.check()
                await asyncio.to_thread(block.write)
            self._outcome.changes.update(block.changes())
        block.close()
        self._open.release()

    async def _article_again(self, block: _Block, pmcid: int) -> None:
        async with self._articles:
            await self._fetch(block, pmcid)


class _Block:
    """A block in progress: its previous contents, and what has been fetched.

    Attributes
    ----------
    versions
        By PMCID, ascending.
    done, problems
        By PMCID, what was fetched and what failed because of the network.
    """

    def __init__(self, archive: Archive, task: Task) -> None:
        self._archive, self.task = archive, task
        self.versions: dict[int, list[Version]] = {}
        for version in task.inventory.versions():
            self.versions.setdefault(version.pmcid, []).append(version)
        self.done: dict[int, Fetched] = {}
        self.problems: dict[int, NetworkFailedError] = {}
        self._stack = ExitStack()

    def __enter__(self) -> _Block:
        archive, task = self._archive, self.task
        with ExitStack() as stack:
            self._spool = stack.enter_context(Spool(archive.folder.scratch()))
            previous = PreviousBlock.open(archive, task.block, self._spool)
            self._old = stack.enter_context(previous)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the fetched bytes."""
        self._stack.close()
        self.done.clear()

    async def fetch(self, pmcid: int, source: Source) -> Fetched:
        """Return an article: the stored one if nothing about it has changed, otherwise fetch it."""
        versions = self.versions[pmcid]
        unchanged = self._old.unchanged(pmcid, versions, self.task)
        if unchanged is not None:
            return unchanged
        known = self._old.known(pmcid, retry=self.task.retry)
        return await ArticleFetch(source, self._spool, self.task.wants, versions, known).run()

    def write(self) -> None:
        """Write the files of the block, with its articles in order."""
        fetched = [self.done[pmcid] for pmcid in self.versions]
        write_block(self._archive, self.task, fetched, self._old)

    def changes(self) -> Counter[str]:
        """Return how many article versions changed, by kind."""
        old = (row for rows in self._old.rows.values() for row in rows.values())
        return changes_of(old, (row for fetched in self.done.values() for row in fetched.rows))
