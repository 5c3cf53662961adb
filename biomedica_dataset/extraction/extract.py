"""A run of extract: finds out what there is, makes every block agree with it, and reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from biomedica_dataset.archive.ledger import REPORT, Archive
from biomedica_dataset.archive.selection import Selection, block_width
from biomedica_dataset.engine.lock import acquire
from biomedica_dataset.engine.progress import Progress
from biomedica_dataset.engine.report import total
from biomedica_dataset.errors import UsageError
from biomedica_dataset.io.folders import RUN, Folder
from biomedica_dataset.pmc.source import Source

from .blocks import Outcome
from .changes import KINDS
from .options import ExtractOptions
from .report import ExtractReport
from .tasks import find_tasks, stale_tasks
from .versions import list_versions
from .work import do_tasks

if TYPE_CHECKING:
    from biomedica_dataset.archive.entries import BlockHeader
    from biomedica_dataset.engine.lock import RunLock
    from biomedica_dataset.pmc.inventory import Inventory

    from .tasks import Task


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
    width = archive.width if archive else block_width(selection.pmcids)
    state = _State.of(archive, width, inventory, options)
    if archive is not None and state.agrees():
        report = _summarize(archive, inventory, state.headers)
        if _has_report(archive, report):
            return report  # and nothing was written
    with acquire(folder, options.launch) as lock:
        archive = archive or Archive.create(folder, source, selection, width)
        return _agree(archive, source, inventory, options, progress, lock, state)


@dataclass(frozen=True, slots=True)
class _State:
    """An archive as it was found.

    Parameters
    ----------
    headers, images
        Its blocks, and the bytes of its images files by name.
    tasks
        Blocks that do not agree with the inventory and what is wanted.
    gone
        Blocks that the inventory has nothing of any more.
    held
        Whether a run holds it, or did when it was killed.
    """

    headers: dict[int, BlockHeader]
    images: dict[str, int]
    tasks: list[Task]
    gone: list[int]
    held: bool

    @classmethod
    def of(
        cls, archive: Archive | None, width: int, inventory: Inventory, options: ExtractOptions
    ) -> _State:
        headers = archive.headers() if archive else {}
        images = archive.images_files() if archive else {}
        tasks = find_tasks(width, inventory, options, headers, images)
        gone = sorted(set(headers) - {block for block, _part in inventory.blocks(width)})
        return cls(headers, images, tasks, gone, archive is not None and archive.folder.exists(RUN))

    def agrees(self) -> bool:
        """Whether there is nothing to do, nor anything that a killed run left."""
        named = {header.images_file for header in self.headers.values()}
        return not (self.tasks or self.gone or self.images.keys() - named or self.held)


def _agree(
    archive: Archive,
    source: str,
    inventory: Inventory,
    options: ExtractOptions,
    progress: Progress,
    lock: RunLock,
    state: _State,
) -> ExtractReport:
    """Do what is to be done of this part; whoever finds all blocks done does the rest."""
    if lock.is_first:
        archive.sweep(state.headers)
    mine = [task for task in state.tasks if options.launch.takes(task.block)]
    progress.start(sum(len(task.inventory) for task in mine), "articles")
    try:
        outcome = do_tasks(archive, source, mine, options, progress, lock)
    finally:
        if mine and not lock.shared:  # stopped processes leave what they had begun or not yet named
            archive.sweep(archive.headers())
    done = len(mine) - len(outcome.failed)
    others = [t for t in stale_tasks(archive, state.tasks) if t.block not in outcome.failed]
    if others or (outcome.failed and options.launch.part):
        headers = archive.headers()
        return _summarize(archive, inventory, headers, outcome, done=done, left=len(others))
    lock.check()
    removed = 0
    for block in state.gone:
        removed += archive.remove(block)
    outcome.changes.update({"removed from PMC": removed} if removed else {})
    headers = archive.headers()
    archive.sweep(headers)
    report = _summarize(archive, inventory, headers, outcome, done=done)
    if not _has_report(archive, report):
        archive.folder.write_bytes(REPORT, report.as_json())
    lock.release()
    return report


def _has_report(archive: Archive, report: ExtractReport) -> bool:
    there = archive.folder.exists(REPORT)
    return there and archive.folder.read_bytes(REPORT) == report.as_json()


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
        archive = Archive.find(folder)  # another part may have begun it just now
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


def _summarize(
    archive: Archive,
    inventory: Inventory,
    headers: dict[int, BlockHeader],
    outcome: Outcome | None = None,
    *,
    done: int = 0,
    left: int = 0,
) -> ExtractReport:
    outcome = outcome or Outcome()
    listed = {int(n) for n in inventory.pmcids()} if archive.selection.pmcids is not None else set()
    missing = [f"PMC{n}" for n in archive.selection.pmcids or () if n not in listed]
    return ExtractReport(
        source=archive.source,
        selection=str(archive.selection),
        inventory=inventory.date,
        blocks=len(headers),
        blocks_done=done,
        blocks_left=left,
        blocks_failed={str(block): reason for block, reason in outcome.failed.items()},
        changes={kind: n for kind in KINDS if (n := outcome.changes[kind])},
        articles=total(header.counts["articles"] for header in headers.values()),
        figures=total(header.counts["figures"] for header in headers.values()),
        newer=sum(header.counts["newer"]["metadata"] for header in headers.values()),
        not_listed=missing,
    )
