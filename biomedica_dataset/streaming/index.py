"""The index of a dataset folder: read once and cached under the digest of the manifest."""

from __future__ import annotations

import hashlib
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from biomedica_dataset.errors import ArchiveError, StorageError, UsageError
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.io.transfer import AbsentError
from biomedica_dataset.schema import VERSIONS, IndexRow, column_names, with_later_columns

from .places import until_valid

if TYPE_CHECKING:
    from .places import Files, Place

logger = logging.getLogger(__name__)

_MANIFEST = "manifest.json"
_THREADS = 16


@dataclass(frozen=True, slots=True)
class Index:
    """The index of a dataset folder.

    Parameters
    ----------
    digest
        SHA-256 of the manifest.
    files
        Size of each file by path.
    table
        The rows of the index, in order, with the columns of `IndexRow`.
    manifest
        The manifest as read.
    """

    place: Place
    digest: str
    files: dict[str, int]
    table: pa.Table
    manifest: dict[str, Any]


def read_index(place: Place) -> Index:
    """Read the index of a dataset folder.

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
        return _read(place, files)


def _read(place: Place, files: Files) -> Index:
    manifest, digest = until_valid(files, _MANIFEST, partial(_manifest, files))
    parts = [file for file in manifest["files"] if file["config"] == "index"]
    if not parts:
        msg = f"{place.url} has no index: it holds no images, or none with a published licence"
        raise UsageError(msg)
    cache = None if place.is_local else cache_folder() / "index" / digest
    with ThreadPoolExecutor(_THREADS) as pool:
        read = list(pool.map(partial(_valid_part, files, cache), parts))
    table = pa.concat_tables(part.replace_schema_metadata(None) for part in read).combine_chunks()
    try:
        table = with_later_columns(table, IndexRow, column_names(IndexRow))
    except KeyError as error:
        msg = f"the index of {place.url} lacks a column: {error.args[0]}; serialize it again"
        raise ArchiveError(msg) from error
    return Index(place, digest, {f["path"]: f["bytes"] for f in manifest["files"]}, table, manifest)


def _manifest(files: Files) -> tuple[dict[str, Any], str]:
    try:
        data = files.whole(_MANIFEST)
    except AbsentError as error:
        msg = f"{files.base} has no {_MANIFEST}: it is not a dataset folder, or is half written"
        raise UsageError(msg) from error
    try:
        manifest = json.loads(data)
        version = manifest["schema_version"]
        complete = all({"path", "config", "bytes", "sha256"} <= set(f) for f in manifest["files"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        msg = f"{files.base}/{_MANIFEST} cannot be read: {error!r}"
        raise ArchiveError(msg) from error
    if version not in VERSIONS:
        known = " and ".join(VERSIONS)
        msg = f"{files.base} has schema version {version}; this package reads {known}"
        raise UsageError(msg)
    if not complete:
        msg = f"{files.base}/{_MANIFEST} lacks sizes or digests of files; serialize again"
        raise ArchiveError(msg)
    return manifest, hashlib.sha256(data).hexdigest()


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


def _valid_part(files: Files, cache: Path | None, part: dict[str, Any]) -> pa.Table:
    return until_valid(files, part["path"], partial(_part, files, part, cache))


def _part(files: Files, part: dict[str, Any], cache: Path | None) -> pa.Table:
    """Return one file of the index, from the cache if it is complete there."""
    path, size, kept = part["path"], part["bytes"], None
    if cache is not None:
        kept = cache / Path(path).name
        if kept.is_file() and kept.stat().st_size == size:
            return _table(pa.memory_map(str(kept)))
    data = bytes(files.range(path, 0, size))
    if hashlib.sha256(data).hexdigest() != part["sha256"]:
        why = "it is half written or damaged"
        msg = f"{files.base}/{path} differs from its SHA-256 in the manifest; {why}"
        raise ArchiveError(msg)
    if kept is not None:
        keep(data, kept)
    try:
        return _table(pa.BufferReader(pa.py_buffer(data)))
    except (pa.ArrowInvalid, OSError) as error:
        msg = f"{files.base}/{path} cannot be read: {error}"
        raise ArchiveError(msg) from error


def _table(source: pa.NativeFile) -> pa.Table:
    """Read a file of the index; files are read in parallel, so each needs no threads."""
    return pq.ParquetFile(source).read(use_threads=False)
