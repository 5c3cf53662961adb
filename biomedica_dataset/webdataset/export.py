"""Tars in the layout of the published dataset, for training scripts that were written for it.

::

    FOLDER/
      commercial/000012-00.tar   KEY.jpg, KEY.txt and KEY.json of up to 10,000 pairs
      commercial/sizes.json      samples of each tar, as open_clip reads them; written last
      noncommercial/...  other/...
      README.md                  configs and features, so that datasets reads the tars as they are
      .dataset/                  the dataset folder that the tars are made of, for the next update
      .shards/000012.json        what the tars of that number are made of

A tar holds the pairs of a fixed chunk of shards in an order that a seeded hash of the key gives, so
that neighbours have nothing in common, and a change in one shard changes the tars of one chunk.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.engine.launch import Launch
from biomedica_dataset.engine.lock import acquire
from biomedica_dataset.engine.pool import run_tasks
from biomedica_dataset.engine.progress import Progress
from biomedica_dataset.engine.report import Tally, told_part
from biomedica_dataset.folder.partition import begin
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.joins import JoinFolders, Joins
from biomedica_dataset.licenses import LICENSE_GROUPS
from biomedica_dataset.serialization.serialize import serialize

from .chunks import STARTED, chunks_of, read_records, record_name, stale, write_chunk
from .tars import finish, retract

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from biomedica_dataset.engine.lock import RunLock
    from biomedica_dataset.engine.progress import Counters
    from biomedica_dataset.folder.splits import Splits
    from biomedica_dataset.serialization.serialize import SerializeReport

    from .chunks import Chunk
    from .tars import Tar

_DATASET = ".dataset"
_ALL_CHUNK_BLOCKS = 4  # of 1000 PMCIDs each: at most about 10,000 pairs on all of PMC


@dataclass(frozen=True, slots=True, kw_only=True)
class WebDatasetReport:
    """What a run of serialize made.

    Parameters
    ----------
    dataset
        Of the dataset folder that the tars are made of.
    tars
        By path; none before the dataset folder is done.
    chunks
        Chunks of neighbouring shards, of which this run wrote ``rewritten``.
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
        """Return the report in words."""
        lines = Tally.of(self.dataset.manifest.figures).lines("figures")
        for group in LICENSE_GROUPS:
            own = [tar.samples for path, tar in self.tars.items() if path.startswith(f"{group}/")]
            lines += [f"{group}: {sum(own):,} samples in {len(own):,} tars"] if own else []
        lines += [f"unreadable: {problem}" for problem in self.dataset.problems[:20]]
        if self.left:
            lines.append(told_part(self.dataset.rewritten, self.left, "shards"))
        elif self.rewritten:
            lines.append(
                f"the tars of {self.rewritten:,} of {self.chunks:,} chunks of shards written"
            )
        else:
            lines.append("nothing to do: the tars agree with the archive")
        return "\n".join(lines)


def serialize_webdataset(  # noqa: PLR0913 - each is given by name
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    mesh: str | os.PathLike[str] | None = None,
    clusters: str | os.PathLike[str] | None = None,
    labels: str | os.PathLike[str] | None = None,
    splits: Splits | None = None,
    workers: int | None = None,
    launch: Launch | None = None,
    progress: Progress | None = None,
) -> WebDatasetReport:
    """Write the dataset folder of an archive, and export it as tars; or bring both up to date.

    Parameters
    ----------
    source, mesh, clusters, labels, workers
        As for `serialize`.
    output
        New, empty, or written by an earlier run.
    splits
        As for `serialize`; with them each group has a folder for each split.
    launch
        As for `serialize`; the part that finds the dataset folder done exports it.

    Raises
    ------
    UsageError
        The source is no archive, the output holds something else or is split otherwise, or what is
        to be joined is not there.
    """
    archive, folder = Archive.open(source), Folder(output)
    joined = {"mesh": mesh, "clusters": clusters, "labels": labels}
    Joins.open(JoinFolders(**joined))  # refused before the output is begun
    launch, progress = launch or Launch(), progress or Progress()
    with acquire(folder, launch) as lock:
        started = begin(folder, archive, marker=STARTED, of_all=_ALL_CHUNK_BLOCKS, splits=splits)
        dataset, splits = f"{folder.url}/{_DATASET}", started.splits
        report = serialize(
            source, dataset, **joined,
            splits=splits, workers=workers, launch=launch, progress=progress,
        )  # fmt: skip
        if report.left:
            return WebDatasetReport(dataset=report, tars={})
        chunks = chunks_of(report.manifest, started.blocks)
        todo = stale(folder, chunks.values())
        gone = read_records(folder).keys() - chunks.keys()
        if todo or gone:
            retract(folder, splits)
        progress.start(sum(chunk.rows for chunk in todo), "samples")
        written = run_tasks(
            partial(_write, dataset, folder.url, splits, lock), todo,
            workers=workers, start=_begin, args=(), progress=progress, engine=launch.engine,
        )  # fmt: skip
        for chunk, size in written:
            progress.tick(chunk.rows, chunk.rows, size)
        lock.check()
        tars = _finish(folder, gone, splits)
        lock.release()
    return WebDatasetReport(dataset=report, tars=tars, chunks=len(chunks), rewritten=len(todo))


def _begin(_counters: Counters) -> None:
    """Do nothing: a process keeps nothing from one chunk to the next."""


def _write(dataset: str, output: str, splits: Splits, lock: RunLock, chunk: Chunk) -> int:
    """Write the tars of a chunk, in any process; return their bytes."""
    lock.check()
    tars = write_chunk(Folder(dataset), Folder(output), chunk, splits)
    return sum(tar.bytes for tar in tars.values())


def _finish(folder: Folder, gone: Iterable[int], splits: Splits) -> dict[str, Tar]:
    """Remove what an earlier state had and this one has not; return all tars by path."""
    for number in gone:
        folder.remove(record_name(number))
    records = sorted(read_records(folder).items())
    tars = {path: tar for _number, record in records for path, tar in record.tars.items()}
    finish(folder, tars, splits)
    return tars
