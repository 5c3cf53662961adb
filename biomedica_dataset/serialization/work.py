"""Writes what neighbouring blocks become, in processes: shards, or tars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.engine.pool import run_tasks
from biomedica_dataset.engine.progress import Progress
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.joins import JoinFolders, Joins

from .shard import kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from biomedica_dataset.engine.lock import RunLock
    from biomedica_dataset.engine.progress import Counters
    from biomedica_dataset.folder.splits import Splits

    Build = Callable[["WorkerContext", int, list[int]], bool]
    Places = tuple[str, str, JoinFolders, Splits, RunLock]


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """All that a process needs to write what blocks become."""

    archive: Archive
    folder: Folder
    joins: Joins
    splits: Splits
    lock: RunLock
    progress: Progress


def build_all(
    build: Build,
    archive: Archive,
    todo: list[tuple[int, list[int]]],
    places: Places,
    *,
    workers: int | None,
    progress: Progress,
    engine: str,
) -> int:
    """Write what is to do; return how many, since another part may have done some meanwhile.

    Parameters
    ----------
    build
        Writes what numbered blocks become, unless it is there and agrees; returns whether it
        wrote. It is called in any process.
    places
        Archive, output, what is joined, how it is split, and the run that holds the output.
    """
    progress.start(sum(kept(archive, blocks) for _number, blocks in todo), "articles")
    results = run_tasks(
        _work,
        todo,
        workers=workers,
        start=_start_worker,
        args=(build, *places),
        progress=progress,
        engine=engine,
    )
    return sum(is_new for _task, is_new in results)


_worker: tuple[Build, WorkerContext] | None = None


def _start_worker(
    build: Build,
    archive: str,
    folder: str,
    folders: JoinFolders,
    splits: Splits,
    lock: RunLock,
    counters: Counters,
) -> None:
    global _worker  # noqa: PLW0603 - what a process of the pool keeps between its tasks
    progress, joins = Progress(counters=counters), Joins.open(folders)
    bench = WorkerContext(Archive.open(archive), Folder(folder), joins, splits, lock, progress)
    _worker = build, bench


def _work(task: tuple[int, list[int]]) -> bool:
    if _worker is None:
        msg = "the worker was not started by its pool"
        raise RuntimeError(msg)
    build, bench = _worker
    number, blocks = task
    bench.lock.check()
    is_new = build(bench, number, blocks)
    if not is_new:
        bench.progress.tick(kept(bench.archive, blocks), 0, 0)
    return is_new
