"""Tars in the layout of the published dataset, for training scripts that were written for it.

::

    FOLDER/
      commercial/000012-00.tar   KEY.jpg, KEY.txt and KEY.json of up to 10,000 pairs
      commercial/sizes.json      samples of each tar, as open_clip reads them; written last
      noncommercial/...  other/...
      README.md                  configs and features, so that datasets reads the tars as they are

A tar holds the pairs of a fixed run of blocks in an order that a seeded hash of the key gives, so
that neighbours have nothing in common, and a change in one block changes the tars of one run.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.card.write import CARD
from biomedica_dataset.engine.launch import Launch
from biomedica_dataset.engine.lock import acquire
from biomedica_dataset.engine.progress import Progress
from biomedica_dataset.engine.report import Tally, told_part, total
from biomedica_dataset.folder.partition import begin
from biomedica_dataset.folder.record import RECORDS
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.joins import JoinFolders, Joins
from biomedica_dataset.licenses import LICENSE_GROUPS
from biomedica_dataset.serialization.work import build_all

from .published import key_of_published, tar_card
from .tar_runs import agreeing, build_run, records_of, remove_run, tar_folders

if TYPE_CHECKING:
    import os

    from biomedica_dataset.folder.splits import Splits


__all__ = [
    "SIZES",
    "STARTED",
    "WebDatasetReport",
    "finish",
    "key_of_published",
    "serialize_webdataset",
]

SIZES = "sizes.json"
STARTED = f"{RECORDS}/tars.json"
"""Says that a folder is one of tars, and how it was begun."""

_ALL_RUN_BLOCKS = 4  # of 1000 PMCIDs each: at most about 10,000 pairs on all of PMC


@dataclass(frozen=True, slots=True, kw_only=True)
class WebDatasetReport:
    """What a run of serialize made.

    Parameters
    ----------
    tars
        Samples of each tar, by path.
    rewritten
        Runs of blocks that were written, of ``runs``.
    left
        Runs of blocks of other parts that are not done.
    """

    tars: dict[str, int]
    figures: dict[str, int]
    runs: int
    rewritten: int
    left: int = 0
    problems: list[str]

    def __str__(self) -> str:
        """Return the report in words."""
        lines = Tally.of(self.figures).lines("figures")
        for group in LICENSE_GROUPS:
            sizes = [n for path, n in self.tars.items() if path.startswith(f"{group}/")]
            lines += [f"{group}: {sum(sizes):,} samples in {len(sizes):,} tars"] if sizes else []
        lines += [f"unreadable: {problem}" for problem in self.problems[:20]]
        if self.left:
            lines.append(told_part(self.rewritten, self.left, "runs of blocks"))
        elif self.rewritten:
            lines.append(f"{self.rewritten:,} of {self.runs:,} runs of blocks written")
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
    """Write the pairs of an archive as tars, or bring tars written before into agreement with it.

    Parameters
    ----------
    source
        The archive.
    output
        New, empty, or written by an earlier run.
    mesh
        The folder of the articles' MeSH terms, if they are to be joined.
    clusters, labels
        Folders of the clusters of the archive's images, and of the labels of those clusters.
    splits
        As for `serialize`; with them each group has a folder for each split.
    workers
        Processes; as many as there are processors by default.
    launch
        On what it runs, and as which part of a run; alone by default.

    Raises
    ------
    UsageError
        The source is no archive, the output holds something else or is split otherwise, or what is
        to be joined is not there.
    """
    archive, folder = Archive.open(source), Folder(output)
    folders = JoinFolders(mesh=mesh, clusters=clusters, labels=labels)
    joins = Joins.open(folders)
    launch, progress = launch or Launch(), progress or Progress()
    with acquire(folder, launch) as lock:
        started = begin(folder, archive, marker=STARTED, of_all=_ALL_RUN_BLOCKS, splits=splits)
        runs: dict[int, list[int]] = {}
        for block in archive.blocks():
            runs.setdefault(block // started.blocks, []).append(block)
        records = agreeing(archive, folder, runs, joins)
        todo = {run: blocks for run, blocks in runs.items() if run not in records}
        mine = [(run, blocks) for run, blocks in todo.items() if launch.takes(run)]
        if mine:
            _retract(folder, started.splits)
        places = archive.folder.url, folder.url, folders, started.splits, lock
        written = build_all(
            build_run, archive, mine, places,
            workers=workers, progress=progress, engine=launch.engine,
        )  # fmt: skip
        records |= agreeing(archive, folder, todo, joins)
        tars = {
            path: tar.samples
            for run in sorted(records)
            for path, tar in sorted(records[run].tars.items())
        }
        if len(records) == len(runs):
            lock.check()
            gone = {run: old for run, old in records_of(folder).items() if run not in runs}
            if gone:
                _retract(folder, started.splits)
            for run, old in gone.items():
                remove_run(folder, run, old)
            finish(folder, tars)
            lock.release()
    return WebDatasetReport(
        tars=tars,
        figures=total(record.figures for record in records.values()),
        runs=len(runs),
        rewritten=written,
        left=len(runs) - len(records),
        problems=[problem for run in sorted(records) for problem in records[run].problems],
    )


def _retract(folder: Folder, splits: Splits) -> None:
    """Take sizes and card away while the rest changes."""
    for below in tar_folders(splits):
        folder.remove(f"{below}/{SIZES}")
    folder.remove(CARD)


def finish(folder: Folder, tars: dict[str, int]) -> None:
    """Write sizes and card where they are not there: that they are tells that all is.

    Parameters
    ----------
    tars
        Samples of each tar, by path.
    """
    for below in sorted({path.rpartition("/")[0] for path in tars}):
        sizes = {p.rpartition("/")[2]: n for p, n in tars.items() if p.rpartition("/")[0] == below}
        if not folder.exists(f"{below}/{SIZES}"):
            folder.write_bytes(f"{below}/{SIZES}", json.dumps(sizes, indent=1).encode())
    if not folder.exists(CARD):
        folder.write_bytes(CARD, tar_card(list(tars)).encode())
