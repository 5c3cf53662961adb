"""Runs of neighbouring blocks, each in tars of its own: what is written."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from biomedica_dataset.engine.fingerprint import code_fingerprint
from biomedica_dataset.folder.record import AGAIN, RECORDS
from biomedica_dataset.folder.splits import SPLITS
from biomedica_dataset.io.failures import reading
from biomedica_dataset.io.spool import Spool
from biomedica_dataset.licenses import LICENSE_GROUPS
from biomedica_dataset.serialization.shard import fingerprint, pmcids

from .tars import Samples, Tar

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from biomedica_dataset.archive.ledger import Archive
    from biomedica_dataset.folder.splits import Splits
    from biomedica_dataset.io.folders import Folder
    from biomedica_dataset.joins import Joins
    from biomedica_dataset.serialization.work import WorkerContext

_CODE = ("webdataset.tar_runs",)


@dataclass(frozen=True, slots=True, kw_only=True)
class TarRecord:
    """What a finished run of blocks is made of and holds.

    Parameters
    ----------
    tars
        By path.
    """

    fingerprint: str
    tars: dict[str, Tar] = field(default_factory=dict)
    figures: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def agreeing(
    archive: Archive, folder: Folder, runs: Mapping[int, list[int]], joins: Joins
) -> dict[int, TarRecord]:
    """Return the records of those runs of blocks that agree with the archive and the joins."""

    def agreeing(run: int) -> TarRecord | None:
        record = _read_record(folder, run)
        if record is None or record.fingerprint != _made_of(archive, runs[run], joins):
            return None
        return record if _is_whole(folder, record) else None

    found = zip(runs, folder.map(agreeing, runs), strict=True)
    return {run: record for run, record in found if record is not None}


def _is_whole(folder: Folder, record: TarRecord) -> bool:
    """Whether the tars of a run are there, as long as they were."""
    return all(
        folder.exists(path) and folder.size(path) == tar.bytes for path, tar in record.tars.items()
    )


def _record_name(run: int) -> str:
    return f"{RECORDS}/{run:06d}.json"


def records_of(folder: Folder) -> dict[int, TarRecord]:
    """Return the records of the finished runs, by number."""
    names = (name.partition(".") for name in folder.names(RECORDS))
    numbers = [int(n) for n, _, ending in names if ending == "json" and n.isdecimal()]
    found = {number: _read_record(folder, number) for number in numbers}
    return {number: record for number, record in found.items() if record is not None}


def _read_record(folder: Folder, run: int) -> TarRecord | None:
    name = _record_name(run)
    if not folder.exists(name):
        return None
    with reading(folder.path(name), AGAIN):
        stored = json.loads(folder.read_bytes(name))
        tars = {path: Tar(**tar) for path, tar in stored["tars"].items()}
        return TarRecord(**{**stored, "tars": tars})


def _made_of(archive: Archive, blocks: list[int], joins: Joins) -> str:
    """Return the digest of all that a run of blocks depends on."""
    parts = [fingerprint(archive, blocks, joins), code_fingerprint(_CODE)]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()


def remove_run(folder: Folder, run: int, record: TarRecord) -> None:
    """Remove the tars of a run and, last, its record."""
    for path in record.tars:
        folder.remove(path)
    folder.remove(_record_name(run))


def tar_folders(splits: Splits) -> list[str]:
    """Return the folders that tars may lie in."""
    folders = (f"{group}{splits.below(split)}" for group in LICENSE_GROUPS for split in SPLITS)
    return list(dict.fromkeys(folders))


def build_run(at: WorkerContext, run: int, blocks: list[int]) -> bool:
    """Write a run, unless it is there and agrees; return whether it was written."""
    if agreeing(at.archive, at.folder, {run: blocks}, at.joins):
        return False
    _write_run(at, run, blocks)
    return True


def _write_run(at: WorkerContext, run: int, blocks: list[int]) -> None:
    """Write the tars of a run of blocks and, last, its record."""
    archive, folder, joins, splits = at.archive, at.folder, at.joins, at.splits
    figures: Counter[str] = Counter()
    problems: list[str] = []
    with Spool(folder.scratch()) as spool:
        samples = Samples(spool, splits)
        for block in blocks:
            articles = joins.rows(archive.articles(block), *pmcids(archive, block), full_text=True)
            for rows, size in articles:
                samples.add(rows)
                figures.update(rows.figures)
                problems += [rows.problem] if rows.problem else []
                at.progress.tick(1, len(rows.pairs), size)
        tars = samples.write(folder, run)
    _remove_stale(folder, run, tars, splits)
    record = TarRecord(
        fingerprint=_made_of(archive, blocks, joins),
        tars=tars,
        figures=dict(sorted(figures.items())),
        problems=problems,
    )
    folder.write_bytes(_record_name(run), json.dumps(asdict(record), indent=1).encode())


def _remove_stale(folder: Folder, run: int, tars: Collection[str], splits: Splits) -> None:
    """Remove the tars that an earlier state of the run had and this one has not."""
    for below in tar_folders(splits):
        for name in folder.names(below):
            if name.startswith(f"{run:06d}-") and f"{below}/{name}" not in tars:
                folder.remove(f"{below}/{name}")
