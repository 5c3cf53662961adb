"""What a dataset added and removed since its last release: the state last pushed with a tag.

::

    .shards/released/
      release.json                the tag, and the files below; written last
      <digest>-0000.parquet       key and licence group of the rows of one file of the index
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated

import pyarrow.parquet as pq

from biomedica_dataset.io.failures import reading
from biomedica_dataset.io.rules import Form
from biomedica_dataset.io.typed import read_small, typed

from .index_rows import read_index_table
from .manifest import Changes, Manifest
from .record import RECORDS

if TYPE_CHECKING:
    from biomedica_dataset.io.folders import Folder


_RELEASED = f"{RECORDS}/released"
_HEADER = f"{_RELEASED}/release.json"
_COLUMNS = ["key", "license_group"]
_FILE = Form(r"[0-9a-f]{16}-[A-Za-z0-9_-]+\.parquet", "a file of keys of the release")


@dataclass(frozen=True, slots=True)
class _Release:
    """The tag of a release, and its files of keys by the file of the index."""

    tag: str
    files: dict[str, Annotated[str, _FILE]]


def remember_release(folder: Folder, manifest: Manifest, tag: str) -> None:
    """Store the keys of a dataset folder as those of a release."""
    files = {}
    for file in manifest.config_files("index"):
        stem = PurePosixPath(file.path).stem
        name = f"{file.sha256[:16]}-{stem}.parquet"
        with folder.open(file.path) as opened:
            table = pq.read_table(opened, columns=_COLUMNS)
        with folder.create() as new:
            # Neighbouring keys share prefixes, so each takes a few bytes.
            encoding = {"key": "DELTA_BYTE_ARRAY"}
            with pq.ParquetWriter(
                new, table.schema, compression="zstd", use_dictionary=["license_group"],
                column_encoding=encoding,
            ) as writer:  # fmt: skip
                writer.write_table(table)
            new.publish(f"{_RELEASED}/{name}")
        files[stem] = name
    folder.write_bytes(_HEADER, json.dumps({"tag": tag, "files": files}, indent=1).encode())
    for name in folder.names(_RELEASED):
        if name not in files.values() and name.endswith(".parquet"):
            folder.remove(f"{_RELEASED}/{name}")


def changes(folder: Folder, index: Iterable[str]) -> Changes | None:
    """Return how a dataset folder differs from its last release; ``None`` if there is none.

    Parameters
    ----------
    index
        The files of its index.

    Raises
    ------
    ArchiveError
        The stored keys of the release cannot be read.
    """
    if not folder.exists(_HEADER):
        return None
    with reading(folder.path(_RELEASED), "Remove it; the next release then starts afresh."):
        header = typed(_Release, read_small(folder, _HEADER))
        before = {stem: f"{_RELEASED}/{name}" for stem, name in header.files.items()}
        now = {PurePosixPath(path).stem: path for path in index}
        added: Counter[str] = Counter()
        removed: Counter[str] = Counter()
        articles = [0, 0]
        for stem in sorted({*before, *now}):  # each PMCID is in one file of the index
            old, new = _rows(folder, before.get(stem)), _rows(folder, now.get(stem))
            added.update(group for _key, group in new - old)
            removed.update(group for _key, group in old - new)
            articles[0] += len(_articles(new) - _articles(old))
            articles[1] += len(_articles(old) - _articles(new))
    return Changes(
        since=header.tag,
        added=dict(sorted(added.items())),
        removed=dict(sorted(removed.items())),
        articles_added=articles[0],
        articles_removed=articles[1],
    )


def _rows(folder: Folder, name: str | None) -> set[tuple[str, str]]:
    if name is None:
        return set()
    with folder.open(name) as file:
        table = read_index_table(file, _COLUMNS)
    return set(zip(*(column.to_pylist() for column in table.columns), strict=True))


def _articles(rows: Collection[tuple[str, str]]) -> set[str]:
    return {key.partition("_")[0] for key, _group in rows}
