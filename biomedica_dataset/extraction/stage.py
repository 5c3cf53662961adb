"""The stage that brings an archive up to date with its source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from biomedica_dataset.archive.ledger import HEADER_FILE, REPORT, WHAT, Archive
from biomedica_dataset.archive.selection import Selection, block_width
from biomedica_dataset.engine.outcome import FailedBlock, StageRun
from biomedica_dataset.engine.report import total
from biomedica_dataset.engine.stage import Stage, WorkerContext
from biomedica_dataset.errors import SourceError, UsageError, without_secrets
from biomedica_dataset.io.folders import RUN, Folder
from biomedica_dataset.io.headers import refuse_foreign
from biomedica_dataset.pmc.source import Source

from .blocks import run_blocks
from .changes import KINDS
from .losses import is_spoilt
from .report import ExtractReport
from .tasks import Task, current_header, find_tasks, is_up_to_date
from .versions import list_versions

if TYPE_CHECKING:
    from biomedica_dataset.archive.entries import BlockHeader
    from biomedica_dataset.engine.lock import RunLock
    from biomedica_dataset.pmc.inventory import Inventory

    from .options import ExtractOptions

    Run = StageRun[BlockHeader, Counter[str]]

_BATCH = 10_000  # article versions that a process handles in one go
_BATCHES_A_WORKER = 2  # at least, so that all workers end at about the same time
_RAY_BATCH = 1000  # smaller, as Ray retries a failed batch as a whole


@dataclass(frozen=True, slots=True)
class Found:
    """An archive as it was found at the start.

    Parameters
    ----------
    headers, images
        Its blocks, and the bytes of its images files by name.
    """

    headers: dict[int, BlockHeader]
    images: dict[str, int]


@dataclass(frozen=True)
class ExtractStage(Stage[Task, "BlockHeader", "Counter[str]"]):
    """Fetches what the blocks of an archive lack.

    Parameters
    ----------
    selection, inventory
        The articles of the archive, and their versions in the source.
    is_new
        Whether the archive does not exist yet.
    """

    unit: ClassVar[str] = "articles"
    survives: ClassVar[tuple[type[Exception], ...]] = (SourceError,)

    source: str
    url: str
    options: ExtractOptions
    selection: Selection
    inventory: Inventory
    is_new: bool

    @classmethod
    def open(cls, source: str, url: str, options: ExtractOptions) -> ExtractStage:
        """Compare the options with an existing archive, and list the source.

        Raises
        ------
        UsageError
            The archive has another selection, or the folder is not empty and not an archive.
        SourceError
            The source cannot be listed.
        """
        folder, wanted = Folder(url), options.selection
        archive = None
        if refuse_foreign(folder, WHAT, HEADER_FILE):
            archive = Archive.open(url)
            _check_same(archive, wanted)
            wanted = archive.selection
        opened = Source(source)
        inventory = list_versions(opened, wanted, options.inventory)
        if archive is None and wanted.limit is not None:
            newest = tuple(int(n) for n in inventory.pmcids()[-wanted.limit :])
            wanted, inventory = Selection(newest, wanted.limit), inventory.only(newest)
        headers = {} if archive is None else archive.headers()
        if _was_spoilt(headers):
            options = replace(options, retry=True)
        stage = cls(source, url, options, wanted, inventory, archive is None)
        vars(stage)["opened"] = opened  # so that its requests stay counted
        vars(stage)["found"] = Found(headers, archive.images_files() if archive else {})
        return stage

    @cached_property
    def output(self) -> Folder:
        """The folder of the archive."""
        return Folder(self.url)

    @cached_property
    def archive(self) -> Archive:
        """The archive, once it exists."""
        return Archive.open(self.url)

    @cached_property
    def opened(self) -> Source:
        """The source, with the connections of this process."""
        return Source(self.source)

    @cached_property
    def found(self) -> Found:
        """The archive as it was when it was first read."""
        if self.is_new:
            return Found({}, {})
        return Found(self.archive.headers(), self.archive.images_files())

    @property
    def width(self) -> int:
        """PMCIDs per block."""
        return block_width(self.selection.pmcids) if self.is_new else self.archive.width

    def tasks(self) -> list[Task]:
        """Return the blocks that the source has."""
        return find_tasks(self.width, self.inventory, self.options)

    def number(self, task: Task) -> int:
        """Return the number of a block."""
        return task.block

    def size(self, task: Task) -> int:
        """Return the article versions of a block."""
        return len(task.inventory)

    def record(self, task: Task) -> BlockHeader | None:
        """Return the header of a block that is up to date now."""
        return current_header(self.archive, task)

    def is_made_again(self, record: BlockHeader) -> bool:
        """Whether a retry may add to a block."""
        return self.options.retry and record.may_gain()

    def records_before(self, tasks: Sequence[Task]) -> list[BlockHeader | None]:
        """Return the headers of blocks that were up to date when the archive was first read."""
        found = ((self.found.headers.get(task.block), task) for task in tasks)
        return [
            header if header and is_up_to_date(header, task, self.found.images) else None
            for header, task in found
        ]

    def stale(self) -> list[Task]:
        """Return the blocks that were stale when the archive was first read."""
        tasks = self.tasks()
        found = zip(tasks, self.records_before(tasks), strict=True)
        return [task for task, header in found if header is None or self.is_made_again(header)]

    def has_nothing_to_do(self) -> bool:
        """Whether everything is up to date, and no killed run has left files."""
        if self.is_new or self.stale() or self._gone():
            return False
        named = {header.images_file for header in self.found.headers.values()}
        return not (self.found.images.keys() - named or self.output.exists(RUN))

    def _gone(self) -> list[int]:
        """Return the blocks that the source no longer has."""
        there = {block for block, _part in self.inventory.blocks(self.width)}
        return sorted(self.found.headers.keys() - there)

    def not_listed(self) -> list[str]:
        """Return the articles that were asked for and that the source does not have."""
        listed = {int(n) for n in self.inventory.pmcids()}
        asked = zip(self.selection.pmcids or (), self.selection.names() or (), strict=True)
        return [name for pmcid, name in asked if pmcid not in listed]

    def begin(self, lock: RunLock) -> None:
        """Create the archive, or remove what killed runs have left in it."""
        if self.is_new:
            Archive.create(self.output, without_secrets(self.source), self.selection, self.width)
        if lock.is_first:
            self.archive.sweep(self.found.headers)

    def batches(self, tasks: list[Task], engine: str, workers: int) -> list[list[Task]]:
        """Group neighbouring blocks: enough to keep the network busy, several groups per worker."""
        most = _RAY_BATCH if engine == "ray" else _BATCH
        enough = min(most, max(1, sum(map(self.size, tasks)) // (workers * _BATCHES_A_WORKER)))
        batches: list[list[Task]] = []
        size = enough
        for task in tasks:
            if size >= enough:
                batches.append([])
                size = 0
            batches[-1].append(task)
            size += self.size(task)
        return batches

    def make(self, task: Task, context: WorkerContext) -> Counter[str]:
        """Fetch what a block lacks and write it; return the changes by kind."""
        return run_blocks(self.archive, self.opened, [task], context.progress.tick).changes

    def make_all(
        self, tasks: list[Task], context: WorkerContext
    ) -> Iterator[Counter[str] | FailedBlock]:
        """Fetch several blocks at a time, so that the network is never idle."""
        tick = context.progress.tick
        outcome = run_blocks(self.archive, self.opened, tasks, tick, context.lock)
        yield outcome.changes
        yield from (FailedBlock(block, reason) for block, reason in outcome.failed.items())

    def sweep(self) -> None:
        """Remove images files that no block refers to."""
        self.archive.sweep(self.archive.headers())

    def finish(self, run: Run) -> ExtractReport:
        """Remove what the source no longer has, and write the report."""
        removed = sum(self.archive.remove(block) for block in self._gone())
        headers = self.archive.headers()
        self.archive.sweep(headers)
        report = self.report(headers, run, removed)
        if not self.has_report(report):
            self.output.write_bytes(REPORT, report.as_json())
        return report

    def has_report(self, report: ExtractReport) -> bool:
        """Whether the archive has that report."""
        there = self.output.exists(REPORT)
        return there and self.output.read_bytes(REPORT) == report.as_json()

    def report(
        self, headers: dict[int, BlockHeader], run: Run | None = None, removed: int = 0
    ) -> ExtractReport:
        """Return what the archive contains, and what a run did."""
        changes: Counter[str] = Counter({"removed from PMC": removed})
        for made in run.made if run else []:
            changes += made
        return ExtractReport(
            source=self.archive.source,
            selection=str(self.selection),
            inventory=self.inventory.date,
            blocks=len(headers),
            blocks_done=run.done if run else 0,
            blocks_left=run.left if run else 0,
            blocks_failed={str(n): reason for n, reason in run.failed.items()} if run else {},
            changes={kind: n for kind in KINDS if (n := changes[kind])},
            articles=total(header.counts["articles"] for header in headers.values()),
            figures=total(header.counts["figures"] for header in headers.values()),
            newer=sum(header.counts["newer"]["metadata"] for header in headers.values()),
            not_listed=self.not_listed(),
        )

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for another process, whose tasks carry parts of the inventory."""
        return {**super().__getstate__(), "inventory": None}


def _was_spoilt(headers: dict[int, BlockHeader]) -> bool:
    groups = ("articles", "figures")
    return is_spoilt(*(total(h.counts[group] for h in headers.values()) for group in groups))


def _check_same(archive: Archive, wanted: Selection) -> None:
    stored = archive.selection
    # The newest articles were chosen when the archive was created, and stay chosen.
    same = stored.limit == wanted.limit if wanted.limit else stored == wanted
    if not same:
        msg = (
            f"{archive.folder.url} has {stored}; this run asks for {wanted}. "
            "Give the same options again, or choose another output folder."
        )
        raise UsageError(msg)
