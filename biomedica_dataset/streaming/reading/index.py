"""The index of a dataset folder: read once and cached under the digest of the manifest."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from biomedica_dataset.errors import StorageError, UsageError
from biomedica_dataset.folder.index_places import check_places
from biomedica_dataset.folder.index_rows import read_index_table
from biomedica_dataset.folder.manifest import MANIFEST, Manifest, parse_manifest
from biomedica_dataset.io.failures import reading
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.io.transfer import AbsentError

from .places import Files, Place, until_valid

if TYPE_CHECKING:
    from biomedica_dataset.folder.record import ShardFile


logger = logging.getLogger(__name__)

_THREADS = 16
_LARGEST = 2**30  # bytes of a file of the index, which has the rows of 64 shards
_DAMAGED = "It is damaged, or half written: get it from its source again, or serialize it again."


@dataclass(frozen=True, slots=True)
class Index:
    """The index of a dataset folder.

    Parameters
    ----------
    digest
        SHA-256 of the manifest.
    files
        The files of the manifest by path.
    table
        The rows of the index, in order, with the columns of `IndexRow`.
    """

    place: Place
    digest: str
    files: dict[str, ShardFile]
    table: pa.Table
    manifest: Manifest


def read_index(place: Place, columns: Sequence[str] | None = None) -> Index:
    """Read the index of a dataset folder.

    Parameters
    ----------
    columns
        Columns to read, for conditions alone; all by default, which says where images lie.

    Raises
    ------
    UsageError
        The folder is not a complete dataset folder, or has another schema version.
    ArchiveError
        The manifest or the index is damaged.
    SourceError
        The folder cannot be read.
    """
    with closing(place.open()) as files:
        return _read(place, files, columns)


def read_manifest_at(place: Place) -> tuple[Manifest, str]:
    """Return the manifest of a dataset folder, and its SHA-256; the errors are those above."""
    with closing(place.open()) as files:
        return until_valid(files, MANIFEST, partial(_manifest, files))


def _read(place: Place, files: Files, columns: Sequence[str] | None) -> Index:
    manifest, digest = until_valid(files, MANIFEST, partial(_manifest, files))
    parts = manifest.config_files("index")
    if not parts:
        msg = f"{place.url} has no index: it holds no images, or none with a published licence"
        raise UsageError(msg)
    cache = None if place.is_local else cache_folder() / "index" / digest
    with ThreadPoolExecutor(_THREADS) as pool:
        read = list(pool.map(partial(_valid_part, files, cache, columns), parts))
    table = pa.concat_tables(read).combine_chunks()
    by_path = {file.path: file for file in manifest.files}
    if columns is None:
        with reading(f"{files.base}/index", _DAMAGED):
            check_places(table, by_path)
    return Index(place, digest, by_path, table, manifest)


def _manifest(files: Files) -> tuple[Manifest, str]:
    try:
        data = files.whole(MANIFEST)
    except AbsentError as error:
        msg = (
            f"{files.base} has no {MANIFEST}: it is not a dataset folder, or is half written; name "
            "another, or run `biomedica serialize` to its end"
        )
        raise UsageError(msg) from error
    return parse_manifest(data, files.base), hashlib.sha256(data).hexdigest()


def cache_folder() -> Path:
    """Return where what was read from other machines is kept, by digest."""
    from datasets import config

    return Path(config.HF_CACHE_HOME) / "biomedica"


def keep(data: bytes, path: Path) -> None:
    """Write a file of the cache; on failure it is read from the source again next time."""
    try:
        Folder(path.parent).write_bytes(path.name, data)
    except StorageError as error:
        logger.warning("%s cannot be cached: %s", path, error.__cause__ or error)


def _valid_part(
    files: Files, cache: Path | None, columns: Sequence[str] | None, part: ShardFile
) -> pa.Table:
    return until_valid(files, part.path, partial(_part, files, part, cache, columns))


def _part(
    files: Files, part: ShardFile, cache: Path | None, columns: Sequence[str] | None
) -> pa.Table:
    """Return one file of the index, from the cache if it is there with the same bytes."""
    kept = None if cache is None else cache / Path(part.path).name
    with reading(f"{files.base}/{part.path}", _DAMAGED):
        if part.bytes > _LARGEST:
            msg = f"it has {part.bytes:,} bytes, more than the {_LARGEST:,} that are read"
            raise ValueError(msg)
        if kept is not None and kept.is_file() and kept.stat().st_size == part.bytes:
            mapped = pa.memory_map(str(kept))
            if hashlib.sha256(mapped.read_buffer()).hexdigest() == part.sha256:
                return read_index_table(mapped, columns)
        data = bytes(files.range(part.path, 0, part.bytes))
        if hashlib.sha256(data).hexdigest() != part.sha256:
            msg = f"it differs from its SHA-256 in {MANIFEST}"
            raise ValueError(msg)
        if kept is not None:
            keep(data, kept)
        return read_index_table(pa.BufferReader(pa.py_buffer(data)), columns)
