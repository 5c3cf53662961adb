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

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from biomedica_dataset.errors import ArchiveError
from biomedica_dataset.extract.ledger import Archive
from biomedica_dataset.extract.spool import Spool
from biomedica_dataset.pool import run_tasks
from biomedica_dataset.progress import Progress
from biomedica_dataset.pubmed.table import MeshTable
from biomedica_dataset.report import Tally, total
from biomedica_dataset.rows import rows_of
from biomedica_dataset.schema import LICENSE_GROUPS
from biomedica_dataset.storage import Folder

from .card import CARD
from .published import key_of_published, tar_card
from .shard import RECORDS, fingerprint, terms_of
from .started import blocks_together
from .tars import Samples

if TYPE_CHECKING:
    import os

    from biomedica_dataset.progress import Counters, Ticker

__all__ = ["SIZES", "WebDatasetReport", "key_of_published", "serialize_webdataset"]

SIZES = "sizes.json"
_STARTED = f"{RECORDS}/tars.json"
_ALL_RUN_BLOCKS = 4  # of 1000 PMCIDs each: at most about 10,000 pairs on all of PMC
_CODE = ("published.py", "tars.py", "webdataset.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class TarRecord:
    """What a finished run of blocks is made of and holds.

    Parameters
    ----------
    tars
        Samples of each tar, by path.
    """

    fingerprint: str
    tars: dict[str, int] = field(default_factory=dict)
    figures: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebDatasetReport:
    """What a run of serialize made.

    Parameters
    ----------
    tars
        Samples of each tar, by path.
    rewritten
        Runs of blocks that were written, of ``runs``.
    """

    tars: dict[str, int]
    figures: dict[str, int]
    runs: int
    rewritten: int
    problems: list[str]

    def __str__(self) -> str:
        """Return the report in words."""
        lines = Tally.of(self.figures).lines("figures")
        for group in LICENSE_GROUPS:
            sizes = [n for path, n in self.tars.items() if path.startswith(f"{group}/")]
            lines += [f"{group}: {sum(sizes):,} samples in {len(sizes):,} tars"] if sizes else []
        lines += [f"unreadable: {problem}" for problem in self.problems[:20]]
        if self.rewritten:
            lines.append(f"{self.rewritten:,} of {self.runs:,} runs of blocks written")
        else:
            lines.append("nothing to do: the tars agree with the archive")
        return "\n".join(lines)


def serialize_webdataset(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    mesh: str | os.PathLike[str] | None = None,
    workers: int | None = None,
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
    workers
        Processes; as many as there are processors by default.

    Raises
    ------
    UsageError
        The source is no archive, or the output holds something else.
    """
    archive, folder = Archive.open(source), Folder(output)
    table = None if mesh is None else MeshTable.open(mesh)
    size = blocks_together(folder, archive, marker=_STARTED, of_all=_ALL_RUN_BLOCKS)
    runs: dict[int, list[int]] = {}
    for block in archive.blocks():
        runs.setdefault(block // size, []).append(block)
    old = _records(folder)
    records = {
        run: old[run]
        for run in runs
        if run in old and old[run].fingerprint == _made_of(archive, runs[run], table)
    }
    todo = [(run, blocks) for run, blocks in runs.items() if run not in records]
    gone = [run for run in old if run not in runs]
    if todo or gone:
        for group in LICENSE_GROUPS:
            folder.remove(f"{group}/{SIZES}")
        folder.remove(CARD)
        for run in gone:
            _remove(folder, run, old[run])
        records |= _build(archive, folder, todo, table, workers, progress or Progress())
    tars = {path: n for run in sorted(records) for path, n in sorted(records[run].tars.items())}
    _finish(folder, tars)
    return WebDatasetReport(
        tars=tars,
        figures=total(record.figures for record in records.values()),
        runs=len(runs),
        rewritten=len(todo),
        problems=[problem for run in sorted(records) for problem in records[run].problems],
    )


def _record_name(run: int) -> str:
    return f"{RECORDS}/{run:06d}.json"


def _records(folder: Folder) -> dict[int, TarRecord]:
    """Return the records of the finished runs, by number."""
    found = {}
    for name in folder.names(RECORDS):
        number, _, ending = name.partition(".")
        if ending != "json" or not number.isdecimal():
            continue
        try:
            found[int(number)] = TarRecord(**json.loads(folder.read_bytes(f"{RECORDS}/{name}")))
        except (ValueError, TypeError) as error:
            path = folder.path(f"{RECORDS}/{name}")
            msg = f"{path} cannot be read: {error}. Remove it and serialize again."
            raise ArchiveError(msg) from error
    return found


def _made_of(archive: Archive, blocks: list[int], mesh: MeshTable | None) -> str:
    """Return the digest of all that a run of blocks depends on."""
    return hashlib.sha256(f"{fingerprint(archive, blocks, mesh)} {_code()}".encode()).hexdigest()


@cache
def _code() -> str:
    code = b"".join(Path(__file__).with_name(name).read_bytes() for name in _CODE)
    return hashlib.sha256(code).hexdigest()


def _remove(folder: Folder, run: int, record: TarRecord) -> None:
    for path in record.tars:
        folder.remove(path)
    folder.remove(_record_name(run))


def _finish(folder: Folder, tars: dict[str, int]) -> None:
    """Write sizes and card where they are not there: that they are tells that all is."""
    groups = [group for group in LICENSE_GROUPS if any(p.startswith(f"{group}/") for p in tars)]
    for group in groups:
        sizes = {p.rpartition("/")[2]: n for p, n in tars.items() if p.startswith(f"{group}/")}
        if not folder.exists(f"{group}/{SIZES}"):
            folder.write_bytes(f"{group}/{SIZES}", json.dumps(sizes, indent=1).encode())
    if not folder.exists(CARD):
        folder.write_bytes(CARD, tar_card(groups).encode())


def _build(
    archive: Archive,
    folder: Folder,
    todo: list[tuple[int, list[int]]],
    mesh: MeshTable | None,
    workers: int | None,
    progress: Progress,
) -> dict[int, TarRecord]:
    blocks = [block for _run, blocks in todo for block in blocks]
    kept = sum(archive.header(block).counts["articles"].get("kept", 0) for block in blocks)
    progress.start(kept, "articles")
    results = run_tasks(
        _work,
        todo,
        workers=workers,
        start=_start_worker,
        args=(archive.folder.url, folder.url, mesh.url if mesh else None),
        progress=progress,
    )
    return {task[0]: record for task, record in results}


_worker: tuple[Archive, Folder, MeshTable | None, Progress] | None = None


def _start_worker(archive: str, folder: str, mesh: str | None, counters: Counters) -> None:
    global _worker  # noqa: PLW0603 - what a process of the pool keeps between its tasks
    table = MeshTable.open(mesh) if mesh else None
    _worker = Archive.open(archive), Folder(folder), table, Progress(counters=counters)


def _work(task: tuple[int, list[int]]) -> TarRecord:
    if _worker is None:
        msg = "the worker was not started by its pool"
        raise RuntimeError(msg)
    archive, folder, mesh, progress = _worker
    return _build_run(archive, folder, *task, mesh, progress.tick)


def _build_run(
    archive: Archive,
    folder: Folder,
    run: int,
    blocks: list[int],
    mesh: MeshTable | None,
    tick: Ticker,
) -> TarRecord:
    """Write the tars of a run of blocks and, last, its record."""
    figures: Counter[str] = Counter()
    problems: list[str] = []
    with Spool(folder.scratch()) as spool:
        samples = Samples(spool)
        for block in blocks:
            terms = terms_of(archive, block, mesh)
            for row, images in archive.articles(block):
                rows = rows_of(row, images, full_text=True, terms=terms.get(row.pmcid))
                samples.add(rows)
                figures.update(rows.figures)
                problems += [rows.problem] if rows.problem else []
                tick(1, len(rows.pairs), sum(map(len, images.values())))
        tars = samples.write(folder, run)
    _remove_stale(folder, run, tars)
    record = TarRecord(
        fingerprint=_made_of(archive, blocks, mesh),
        tars=tars,
        figures=dict(sorted(figures.items())),
        problems=problems,
    )
    folder.write_bytes(_record_name(run), json.dumps(asdict(record), indent=1).encode())
    return record


def _remove_stale(folder: Folder, run: int, tars: dict[str, int]) -> None:
    """Remove the tars that an earlier state of the run had and this one has not."""
    for group in LICENSE_GROUPS:
        for name in folder.names(group):
            if name.startswith(f"{run:06d}-") and f"{group}/{name}" not in tars:
                folder.remove(f"{group}/{name}")
