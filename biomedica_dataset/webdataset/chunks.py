"""Chunks of neighbouring shards of a dataset folder, each with its own tars."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated

from biomedica_dataset.engine.fingerprint import code_fingerprint
from biomedica_dataset.folder.record import AGAIN, RECORDS, ShardFile, is_caption_only
from biomedica_dataset.io.failures import reading
from biomedica_dataset.io.typed import read_small, typed
from biomedica_dataset.licenses import LICENSE_GROUPS

from .samples import CONFIGS, shard_samples
from .tars import TAR_PATH, Tar, write_tars

if TYPE_CHECKING:
    from biomedica_dataset.folder.manifest import Manifest
    from biomedica_dataset.folder.splits import Splits
    from biomedica_dataset.io.folders import Folder

STARTED = f"{RECORDS}/tars.json"
"""Marks a folder as one of tars, and records how it was begun."""

_CODE = ("webdataset.samples", "webdataset.tars")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Neighbouring shards, with the files that their tars are made from."""

    number: int
    files: list[ShardFile]

    @property
    def rows(self) -> int:
        """Rows with an image."""
        return sum(file.rows for file in self.files if file.config in LICENSE_GROUPS)

    @property
    def fingerprint(self) -> str:
        """Fingerprint of everything that the tars depend on."""
        parts = [code_fingerprint(_CODE), *(f"{file.path} {file.sha256}" for file in self.files)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class TarRecord:
    """The fingerprint of the finished tars of a chunk, and the tars by path."""

    fingerprint: str
    tars: dict[Annotated[str, TAR_PATH], Tar]


def chunks_of(manifest: Manifest, blocks: int) -> list[Chunk]:
    """Return the chunks of a dataset folder, in order.

    Parameters
    ----------
    blocks
        Blocks of the archive per chunk.
    """
    chunks: dict[int, Chunk] = {}
    for file in manifest.files:
        if file.config in CONFIGS and not is_caption_only(file):
            number = _shard(file) * manifest.shard_blocks // blocks
            chunks.setdefault(number, Chunk(number, [])).files.append(file)
    return [chunk for _number, chunk in sorted(chunks.items())]


def _shard(file: ShardFile) -> int:
    return int(PurePosixPath(file.path).stem)


def whole_record(folder: Folder, number: int, fingerprint: str) -> TarRecord | None:
    """Return the record of the tars of a number if they are complete and of that fingerprint."""
    record = _read_record(folder, number)
    if record is None or record.fingerprint != fingerprint:
        return None
    tars = record.tars.items()
    is_whole = all(folder.exists(p) and folder.size(p) == tar.bytes for p, tar in tars)
    return record if is_whole else None


def write_chunk(dataset: Folder, folder: Folder, chunk: Chunk, splits: Splits) -> dict[str, Tar]:
    """Write the tars of a chunk, then its record; return the tars by path."""
    shards = groupby(sorted(chunk.files, key=_shard), key=_shard)
    samples = (one for _number, files in shards for one in shard_samples(dataset, list(files)))
    tars = write_tars(folder, chunk.number, samples, splits)
    write_record(folder, chunk.number, TarRecord(chunk.fingerprint, tars))
    return tars


def write_record(folder: Folder, number: int, record: TarRecord) -> None:
    """Write the record of the tars of a number, which makes them valid."""
    folder.write_bytes(record_name(number), json.dumps(asdict(record), indent=1).encode())


def read_records(folder: Folder) -> dict[int, TarRecord]:
    """Return the records of the finished chunks by number."""
    stems = (name.removesuffix(".json") for name in folder.names(RECORDS))
    found = {int(stem): _read_record(folder, int(stem)) for stem in stems if stem.isdecimal()}
    return {number: record for number, record in found.items() if record is not None}


def record_name(number: int) -> str:
    """Return the name of the record of a chunk."""
    return f"{RECORDS}/{number:06d}.json"


def _read_record(folder: Folder, number: int) -> TarRecord | None:
    name = record_name(number)
    if not folder.exists(name):
        return None
    with reading(folder.path(name), AGAIN):
        stored = dict(json.loads(read_small(folder, name)))
        for former in ("figures", "problems"):  # of the first version
            stored.pop(former, None)
        return typed(TarRecord, json.dumps(stored))
