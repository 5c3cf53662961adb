"""A stage that writes block tables, and its report."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, TypeVar

from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.engine.report import Shown, part_message
from biomedica_dataset.engine.stage import Stage
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.rows import rows_of

from .blocks import BlockRecord, read_record, remove_blocks_except, write_block

if TYPE_CHECKING:
    import pyarrow as pa

    from biomedica_dataset.engine.outcome import StageRun
    from biomedica_dataset.schema import Pair

Task = TypeVar("Task")
Made = TypeVar("Made")


@dataclass(frozen=True)
class BlockStage(Stage[Task, BlockRecord, Made]):
    """Writes a table per block; one is stale when its fingerprint has changed."""

    url: str

    @cached_property
    def output(self) -> Folder:
        """The folder of the tables."""
        return Folder(self.url)

    @abstractmethod
    def fingerprint(self, task: Task) -> str:
        """Return the fingerprint of what a block depends on."""

    def record(self, task: Task) -> BlockRecord | None:
        """Return the record of a block whose inputs have not changed."""
        record = read_record(self.output, self.number(task))
        is_same = record is not None and record.fingerprint == self.fingerprint(task)
        return record if is_same else None

    def write(
        self, task: Task, table: pa.Table, counts: dict[str, int], problems: Sequence[str] = ()
    ) -> None:
        """Write the table of a block, with its record."""
        record = BlockRecord(
            fingerprint=self.fingerprint(task), counts=dict(counts), problems=list(problems)
        )
        write_block(self.output, self.number(task), table, record)

    def finish(self, run: StageRun[BlockRecord, Made]) -> None:
        """Remove blocks that the source no longer has."""
        remove_blocks_except(self.output, run.records)


@dataclass(frozen=True)
class ArchiveStage(BlockStage[int, Made]):
    """Writes a table per block of an archive."""

    source: str

    @cached_property
    def archive(self) -> Archive:
        """The archive."""
        return Archive.open(self.source)

    def tasks(self) -> list[int]:
        """Return the blocks of the archive."""
        return self.archive.blocks()

    def pairs(self, block: int) -> Iterator[Pair]:
        """Yield the pairs of a block's articles."""
        for row, images in self.archive.articles(block):
            for _group, pair in rows_of(row, images).pairs:
                yield pair


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class BlocksReport(Shown):
    """The result of a run of a stage over blocks.

    Parameters
    ----------
    written
        Blocks written by this run, out of ``blocks``.
    left
        Blocks of other parts of the run that are not done.
    """

    what: ClassVar[str]
    """What the tables hold, such as ``the panels``."""

    blocks: int
    written: int
    left: int = 0

    @abstractmethod
    def lines(self) -> list[str]:
        """Return what was counted, as lines."""

    def ending(self) -> list[str]:
        """Return what the run has done and what is left, as lines."""
        if self.left:
            return [part_message(self.written, self.left, "blocks")]
        if self.written:
            return [f"{self.written:,} of {self.blocks:,} blocks written"]
        return [f"nothing to do: {self.what} are up to date"]

    def __str__(self) -> str:
        return "\n".join([*self.lines(), *self.ending()])
