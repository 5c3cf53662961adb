"""A run of extract: finds out what there is, makes every block agree with it, and reports."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from biomedica_dataset.errors import SourceError, UsageError
from biomedica_dataset.pool import processors, run_tasks
from biomedica_dataset.progress import Progress
from biomedica_dataset.report import ExtractReport, total
from biomedica_dataset.storage import Folder

from .block import Task, run_blocks
from .ledger import REPORT, Archive
from .selection import Selection, Wants, block_width, list_versions, wants_by_block
from .source import Source

if TYPE_CHECKING:
    from biomedica_dataset.progress import Counters

    from .inventory import Inventory
    from .ledger import BlockHeader

_RUN = 10_000  # article versions that a worker goes through without a pause
_RUNS_A_WORKER = 2  # at least, so that all end at about the same time


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractOptions:
    """What a run is asked for.

    Parameters
    ----------
    pmcids
        Articles wanted, as sorted numbers; ``None`` for all.
    limit
        Only the newest articles, so many.
    query
        The question that found ``pmcids``, as `pubmed.choose` returns it.
    inventory
        Date or file of the inventory to read; the newest by default.
    workers
        Processes; as many as there are processors by default.
    retry
        Fetch again what was unavailable or corrupt.

    Raises
    ------
    UsageError
        Options that cannot be, or not together.
    """

    pmcids: tuple[int, ...] | None = None
    limit: int | None = None
    query: dict[str, Any] | None = None
    wants: Wants = field(default_factory=Wants)
    inventory: str | None = None
    workers: int | None = None
    retry: bool = False

    def __post_init__(self) -> None:
        """Check the options."""
        if self.pmcids is not None and self.limit is not None:
            msg = "a list of PMCIDs and a limit were given; give one of them"
            raise UsageError(msg)
        for name in ("limit", "workers"):
            value = getattr(self, name)
            if value is not None and value < 1:
                msg = f"{name} must be at least 1, not {value}"
                raise UsageError(msg)


def extract(
    source: str,
    output: str,
    options: ExtractOptions | None = None,
    progress: Progress | None = None,
) -> ExtractReport:
    """Bring an archive into agreement with a source, starting it where it is not there yet.

    Parameters
    ----------
    source
        ``s3://bucket``, ``https://host/path``, ``http://host/path`` or a folder.
    output
        The archive: a new or empty folder, or one that an earlier run made.

    Raises
    ------
    UsageError
        The output holds another selection or something else, or an option is wrong.
    SourceError
        The source cannot be read. What fails later is told by the report: its blocks are not
        written.
    StorageError, ArchiveError
        The output cannot be written, or is damaged. Finished blocks stay valid.
    """
    options, progress = options or ExtractOptions(), progress or Progress()
    opened, folder = Source(source), Folder(output)
    archive, selection, inventory = find_archive(opened, folder, options)
    if archive is None:
        archive = Archive.create(folder, source, selection, block_width(selection.pmcids))
    headers = archive.headers()
    images = archive.sweep(headers)
    tasks = find_tasks(archive.width, inventory, options, headers, images)
    for block in set(headers) - {block for block, _part in inventory.blocks(archive.width)}:
        archive.remove(block)
    progress.start(sum(len(task.inventory) for task in tasks), "articles")
    failed = _run(archive, source, tasks, options, progress)
    report = _summarize(archive, inventory, len(tasks) - len(failed), failed)
    stored = report.as_json()
    if not folder.exists(REPORT) or folder.read_bytes(REPORT) != stored:
        folder.write_bytes(REPORT, stored)
    return report


def find_archive(
    source: Source, folder: Folder, options: ExtractOptions
) -> tuple[Archive | None, Selection, Inventory]:
    """Return the archive of a folder, if any, its selection, and what the source has of that.

    Raises
    ------
    UsageError
        The folder holds another selection, or something else.
    """
    archive = Archive.find(folder)
    if archive is None and not folder.is_empty():
        msg = f"{folder.url} holds something else than an archive; name an empty or a new folder"
        raise UsageError(msg)
    wanted = Selection(options.pmcids, options.limit, options.query)
    if archive is not None:
        _check_same(archive, wanted)
        wanted = archive.selection
    inventory = list_versions(source, wanted, options.inventory)
    if archive is None and options.limit is not None:
        newest = tuple(int(n) for n in inventory.pmcids()[-options.limit :])
        wanted, inventory = Selection(newest, options.limit), inventory.only(newest)
    return archive, wanted, inventory


def _check_same(archive: Archive, wanted: Selection) -> None:
    stored = archive.selection
    # The newest were chosen when the archive was begun, and stay chosen.
    same = stored.limit == wanted.limit if wanted.limit else stored == wanted
    if not same:
        msg = (
            f"{archive.folder.url} was made of {stored}; this run asks for {wanted}. "
            "Ask for the same, or name another output folder."
        )
        raise UsageError(msg)


def find_tasks(
    width: int,
    inventory: Inventory,
    options: ExtractOptions,
    headers: dict[int, BlockHeader],
    images: set[str],
) -> list[Task]:
    """Return the blocks that do not agree with the inventory and what is wanted.

    Parameters
    ----------
    headers, images
        The blocks that are there, and the names of the images files.
    """
    wants_of = wants_by_block(options.wants, width)
    tasks = []
    for block, part in inventory.blocks(width):
        task = Task(block, part, wants_of(block), options.retry)
        header = headers.get(block)
        if header is None or not _agrees(header, task, images):
            tasks.append(task)
    return tasks


def _agrees(header: BlockHeader, task: Task, images: set[str]) -> bool:
    return (
        header.inventory == task.inventory.digest()
        and header.wants == task.wants.digest
        and (header.images_file is None or header.images_file in images)
        and not (task.retry and header.dropped_for_now())
    )


def _run(
    archive: Archive, source: str, tasks: list[Task], options: ExtractOptions, progress: Progress
) -> dict[int, str]:
    """Do the tasks, and return the blocks that could not be written, with the reason."""
    results = run_tasks(
        _work,
        _runs(tasks, options.workers or processors()),
        workers=options.workers,
        start=_start_worker,
        args=(archive.folder.url, source),
        progress=progress,
    )
    failed: dict[int, str] = {}
    try:
        for _run_of_tasks, problems in results:
            failed |= problems
    except SourceError as error:  # too much fails: the rest was not tried
        headers, images = archive.headers(), archive.images_files()
        for task in tasks:
            header = headers.get(task.block)
            if header is None or not _agrees(header, replace(task, retry=False), images):
                failed.setdefault(task.block, str(error))
    finally:
        archive.folder.sweep()  # what processes that were stopped had begun
    return dict(sorted(failed.items()))


def _runs(tasks: list[Task], workers: int) -> list[list[Task]]:
    """Cut tasks into runs of neighbours: long for the network, and some for each worker."""
    total = sum(len(task.inventory) for task in tasks)
    enough = min(_RUN, max(1, total // (workers * _RUNS_A_WORKER)))
    runs: list[list[Task]] = []
    size = enough
    for task in tasks:
        if size >= enough:
            runs.append([])
            size = 0
        runs[-1].append(task)
        size += len(task.inventory)
    return runs


@dataclass(frozen=True, slots=True)
class _Worker:
    archive: Archive
    source: Source
    progress: Progress


_worker: _Worker | None = None


def _start_worker(folder: str, source: str, counters: Counters) -> None:
    global _worker  # noqa: PLW0603 - what a process of the pool keeps between its tasks
    _worker = _Worker(Archive.open(folder), Source(source), Progress(counters=counters))


def _work(tasks: list[Task]) -> dict[int, str]:
    if _worker is None:
        msg = "the worker was not started by its pool"
        raise RuntimeError(msg)
    return run_blocks(_worker.archive, _worker.source, tasks, _worker.progress.tick)


def _summarize(
    archive: Archive, inventory: Inventory, done: int, failed: dict[int, str]
) -> ExtractReport:
    headers = archive.headers()
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
