"""A run of extract: finds out what there is, brings every block into agreement with it, and reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..pool import run_tasks
from ..progress import Progress
from ..report import ExtractReport, total
from ..storage import Folder
from .block import BlockFailedError, Task, run_block
from .inventory import Inventory
from .ledger import REPORT, Archive
from .selection import Selection, Wants, block_width, list_versions
from .source import Source

if TYPE_CHECKING:
    from ..progress import Counters


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractOptions:
    """What a run is asked for.

    Parameters
    ----------
    pmcids
        Articles wanted, as numbers; ``None`` for all, or for those that the archive was made of.
    limit
        Only the newest articles, so many.
    inventory
        Date or file of the inventory to read; the newest by default.
    workers
        Processes; as many as there are processors by default.
    retry
        Fetch again what was unavailable or corrupt.
    """

    pmcids: tuple[int, ...] | None = None
    limit: int | None = None
    wants: Wants = Wants()
    inventory: str | None = None
    workers: int | None = None
    retry: bool = False


def extract(source: str, output: str, options: ExtractOptions, progress: Progress) -> ExtractReport:
    """Bring an archive into agreement with a source, starting it where it is not there yet.

    Raises
    ------
    UsageError
        The output holds another selection or something else, or an option is wrong.
    SourceError
        The source cannot be read. Finished blocks stay valid.
    """
    opened = Source(source)
    folder = Folder(output)
    archive, inventory = _open(opened, folder, options)
    folder.sweep()
    tasks, gone = _todo(archive, inventory, options)
    for block in gone:
        archive.remove(block)
    progress.start(sum(len(task.inventory) for task in tasks), "articles")
    results = run_tasks(
        _work,
        tasks,
        workers=options.workers,
        start=_start_worker,
        args=(archive.folder.url, source),
        progress=progress,
    )
    failed = {task.block: problem for task, problem in results if problem is not None}
    report = _summarize(archive, inventory, len(tasks) - len(failed), failed)
    folder.write_bytes(REPORT, report.as_json())
    return report


def plan(source: Source, output: str, options: ExtractOptions) -> tuple[Inventory, list[Task], int]:
    """Return what a run would look at: the inventory, the blocks to do and their width; nothing is written."""
    archive = Archive.find(Folder(output))
    selection, inventory = _select(source, archive, options)
    width = archive.width if archive else block_width(selection.pmcids)
    if archive is not None:
        return inventory, _todo(archive, inventory, options)[0], width
    tasks = [Task(block, part, options.wants) for block, part in inventory.blocks(width)]
    return inventory, tasks, width


def _open(source: Source, folder: Folder, options: ExtractOptions) -> tuple[Archive, Inventory]:
    archive = Archive.find(folder)
    if archive is None and not folder.is_empty():
        msg = f"{folder.url} holds something else than an archive; name an empty or a new folder"
        raise UsageError(msg)
    selection, inventory = _select(source, archive, options)
    if archive is None:
        width = block_width(selection.pmcids)
        archive = Archive.create(folder, source.url, selection, width)
    return archive, inventory


def _select(
    source: Source, archive: Archive | None, options: ExtractOptions
) -> tuple[Selection, Inventory]:
    """Return the selection of the archive, or of a new one, and what the source has of it."""
    wanted = Selection(options.pmcids)
    if archive is None and options.limit is not None:
        inventory = list_versions(source, wanted, options.inventory)
        selection = Selection(
            tuple(int(n) for n in inventory.pmcids()[-options.limit :]), options.limit
        )
        return selection, inventory.only(selection.pmcids or ())
    if archive is not None:
        stored = archive.selection
        same = stored.limit == options.limit and (stored.limit is not None or stored == wanted)
        if not same:
            asked = f"the newest {options.limit} articles" if options.limit else str(wanted)
            msg = (
                f"{archive.folder.url} was made of {stored}; this run asks for {asked}. Ask for the same, or name "
                "another output folder."
            )
            raise UsageError(msg)
        wanted = stored
    return wanted, list_versions(source, wanted, options.inventory)


def _todo(
    archive: Archive, inventory: Inventory, options: ExtractOptions
) -> tuple[list[Task], list[int]]:
    """Return the blocks that do not agree with the inventory, and those that have gone from it."""
    there = set(archive.blocks())
    tasks = []
    for block, part in inventory.blocks(archive.width):
        if block in there:
            there.discard(block)
            header = archive.header(block)
            agrees = header.inventory == part.digest() and header.wants == options.wants.digest
            if agrees and not (options.retry and header.dropped_for_now()):
                continue
        tasks.append(Task(block, part, options.wants, options.retry))
    return tasks, sorted(there)


@dataclass(frozen=True, slots=True)
class _Worker:
    archive: Archive
    source: Source
    progress: Progress


_worker: _Worker | None = None


def _start_worker(folder: str, source: str, counters: Counters) -> None:
    global _worker  # noqa: PLW0603 - what a process of the pool keeps between its tasks
    _worker = _Worker(Archive.open(folder), Source(source), Progress(counters=counters))


def _work(task: Task) -> str | None:
    if _worker is None:
        msg = "the worker was not started by its pool"
        raise RuntimeError(msg)
    try:
        run_block(_worker.archive, _worker.source, task, _worker.progress.tick)
    except BlockFailedError as error:
        return str(error)
    return None


def _summarize(
    archive: Archive, inventory: Inventory, done: int, failed: dict[int, str]
) -> ExtractReport:
    headers = {block: archive.header(block) for block in archive.blocks()}
    listed = {int(n) for n in inventory.pmcids()} if archive.selection.pmcids is not None else set()
    missing = [f"PMC{n}" for n in archive.selection.pmcids or () if n not in listed]
    return ExtractReport(
        source=archive.source,
        selection=str(archive.selection),
        inventory=inventory.date,
        blocks=len(headers),
        blocks_done=done,
        blocks_failed={str(block): reason for block, reason in failed.items()},
        articles=total(header.counts["articles"] for header in headers.values()),
        figures=total(header.counts["figures"] for header in headers.values()),
        newer=sum(header.counts["newer"]["metadata"] for header in headers.values()),
        not_listed=missing,
    )
