"""Exports tars in the layout of the published dataset, for training scripts written for it.

::

    FOLDER/
      commercial/commercial-000012-00.tar   KEY.jpg, KEY.txt and KEY.json of up to 10,000 pairs
      commercial/sizes.json     samples of the tars of all folders, as open_clip reads them; last
      noncommercial/...  other/...
      README.md                  configs and features, so that datasets can read the tars
      .dataset/                  the dataset folder that the tars are made from, for updates
      .shards/000012.json        the record of the tars of that number

A tar contains the pairs of a fixed chunk of shards, ordered by a seeded hash of the key, so that
neighbours are unrelated and a change in one shard changes the tars of only one chunk.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.engine.launch import Launch
from biomedica_dataset.engine.report import Shown, Tally, part_message
from biomedica_dataset.engine.stage import Stage, WorkerContext
from biomedica_dataset.errors import UsageError
from biomedica_dataset.folder.manifest import read_manifest
from biomedica_dataset.folder.partition import begin
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.joins import JoinFolders, Joins
from biomedica_dataset.licenses import LICENSE_GROUPS
from biomedica_dataset.serialization.serialize import serialize

from .chunks import (
    STARTED,
    Chunk,
    TarRecord,
    chunks_of,
    read_records,
    record_name,
    whole_record,
    write_chunk,
)
from .tars import Tar, finish, retract

if TYPE_CHECKING:
    from biomedica_dataset.engine.outcome import StageRun
    from biomedica_dataset.engine.progress import Progress
    from biomedica_dataset.folder.splits import Splits
    from biomedica_dataset.serialization.report import SerializeReport


_DATASET = ".dataset"
_ALL_CHUNK_BLOCKS = 4  # of 1000 PMCIDs each: at most about 10,000 pairs for all of PMC


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class WebDatasetReport(Shown):
    """The result of a run of serialize.

    Parameters
    ----------
    dataset
        The report on the dataset folder that the tars are made from.
    tars
        The tars by path; empty until the dataset folder is done.
    chunks
        Chunks of neighbouring shards; this run wrote ``rewritten`` of them.
    """

    dataset: SerializeReport
    tars: dict[str, Tar]
    chunks: int = 0
    rewritten: int = 0

    @property
    def left(self) -> int:
        """Shards of other parts that are not done."""
        return self.dataset.left

    def __str__(self) -> str:
        lines = Tally.of(self.dataset.manifest.figures).lines("figures")
        for group in LICENSE_GROUPS:
            own = [tar.samples for path, tar in self.tars.items() if path.startswith(f"{group}/")]
            lines += (
                [f"{group}: {sum(own):,} samples in {len(own):,} tar{'s' * (len(own) > 1)}"]
                if own
                else []
            )
        lines += [f"unreadable: {problem}" for problem in self.dataset.problems[:20]]
        if self.left:
            lines.append(part_message(self.dataset.rewritten, self.left, "shards"))
        elif self.rewritten:
            lines.append(
                f"the tars of {self.rewritten:,} of {self.chunks:,} chunks of shards written"
            )
        else:
            lines.append("nothing to do: the tars are up to date")
        return "\n".join(lines)


@dataclass(frozen=True)
class ExportStage(Stage[Chunk, TarRecord, int]):
    """Writes the tars of a dataset folder.

    Parameters
    ----------
    dataset
        The dataset folder.
    blocks
        Blocks of the archive per chunk.
    """

    unit: ClassVar[str] = "samples"

    dataset: str
    url: str
    blocks: int
    splits: Splits

    @cached_property
    def output(self) -> Folder:
        """The folder of the tars."""
        return Folder(self.url)

    @cached_property
    def source(self) -> Folder:
        """The dataset folder."""
        return Folder(self.dataset)

    def tasks(self) -> list[Chunk]:
        """Return the chunks of the dataset folder."""
        return chunks_of(read_manifest(self.source), self.blocks)

    def number(self, task: Chunk) -> int:
        """Return the number of a chunk."""
        return task.number

    def size(self, task: Chunk) -> int:
        """Return the rows of a chunk."""
        return task.rows

    def record(self, task: Chunk) -> TarRecord | None:
        """Return the record of a chunk whose tars are up to date."""
        return whole_record(self.output, task.number, task.fingerprint)

    def make(self, task: Chunk, context: WorkerContext) -> int:
        """Write the tars of a chunk."""
        tars = write_chunk(self.source, self.output, task, self.splits)
        context.progress.tick(task.rows, task.rows, sum(tar.bytes for tar in tars.values()))
        return task.number

    def retract(self) -> None:
        """Remove sizes and card while tars change."""
        retract(self.output, self.splits)

    def finish(self, run: StageRun[TarRecord, int]) -> dict[str, Tar]:
        """Remove what the dataset folder no longer has; write sizes and card."""
        gone = read_records(self.output).keys() - run.records.keys()
        if gone:
            self.retract()
        for number in gone:
            self.output.remove(record_name(number))
        tars = {path: tar for record in run.records.values() for path, tar in record.tars.items()}
        finish(self.output, tars, self.splits)
        return tars


def serialize_webdataset(  # noqa: PLR0913 - each is given by name
    archive: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    mesh: str | os.PathLike[str] | None = None,
    clusters: str | os.PathLike[str] | None = None,
    labels: str | os.PathLike[str] | None = None,
    splits: Splits | str | None = None,
    split_by: str | None = None,
    check_images: bool = False,
    workers: int | None = None,
    launch: Launch | None = None,
    progress: Progress | None = None,
) -> WebDatasetReport:
    """Write the dataset folder of an archive and export it as tars, or bring both up to date.

    Parameters
    ----------
    output
        New, empty, or written by an earlier run.
    mesh, clusters, labels, splits, split_by, check_images, workers
        See `serialize`; with splits, each group has a folder for each split.
    launch
        Where it runs, and as which part of a run; alone by default. The part that finds the
        dataset folder done exports it.

    Raises
    ------
    UsageError
        There is no such archive, the output is something else or has other splits, or a folder
        to join is missing.

    Examples
    --------
    >>> report = serialize_webdataset("archive", "tars", workers=1)
    >>> report.tars["noncommercial/noncommercial-024750-00.tar"].samples
    13
    """
    if split_by == "duplicates":
        msg = (
            "tars have no attributes to split by; serialize a dataset folder by duplicates, and "
            "export it by `biomedica select --split all --format webdataset`"
        )
        raise UsageError(msg)
    joined: dict[str, Any] = {"mesh": mesh, "clusters": clusters, "labels": labels}
    source = Archive.open(archive)
    Joins.open(JoinFolders(**joined))  # fails before the output is begun
    url, launch = os.fspath(output), launch or Launch()
    begun = begin(Folder(url), source, marker=STARTED, of_all=_ALL_CHUNK_BLOCKS,
                  splits=splits, split_by=split_by)  # fmt: skip
    report = serialize(
        archive, f"{url}/{_DATASET}", **joined,
        splits=begun.splits, split_by=begun.splits.by, check_images=check_images,
        workers=workers, launch=launch, progress=progress,
    )  # fmt: skip
    if report.left:
        return WebDatasetReport(dataset=report, tars={})
    stage = ExportStage(f"{url}/{_DATASET}", url, begun.blocks, begun.splits)
    # The other parts have ended, as they found the dataset folder unfinished.
    run = stage.run(replace(launch, part=None), workers=workers, progress=progress)
    return WebDatasetReport(
        dataset=report, tars=run.finished or {}, chunks=run.blocks, rewritten=len(run.made)
    )
