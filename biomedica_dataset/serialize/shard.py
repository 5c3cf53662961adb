"""One shard: the rows of a few neighbouring blocks, in a file for each table and licence group.

A shard is finished when its record is there, written last: the index rows of the shard, with the
digest of all that the shard was made of and the list of its files.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from biomedica_dataset.errors import ArchiveError
from biomedica_dataset.extract.ledger import Archive, articles_name
from biomedica_dataset.rows import rows_of
from biomedica_dataset.schema import (
    LICENSE_GROUPS,
    SCHEMA_VERSION,
    ArticleRow,
    CaptionRow,
    IndexRow,
    Pair,
    column_names,
)

from .parquet import TableWriter

if TYPE_CHECKING:
    from biomedica_dataset.progress import Ticker
    from biomedica_dataset.pubmed.table import ArticleTerms, MeshTable
    from biomedica_dataset.rows import ArticleRows
    from biomedica_dataset.storage import Folder, NewFile

RECORDS = ".shards"
"""Folder of the records; it stays with the maker and is no part of the dataset."""

_RECORD = b"biomedica_shard"
_ROW_CODE = (
    "extract/metadata.py", "files.py", "images.py", "jats", "matching.py",
    "pubmed/table.py", "records.py", "rows.py",
    "schema.py", "serialize/parquet.py", "serialize/shard.py",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ShardFile:
    """One Parquet file of the dataset.

    Parameters
    ----------
    memory
        Bytes of its columns before compression.
    """

    path: str
    config: str
    rows: int
    bytes: int
    memory: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardRecord:
    """What a finished shard is made of and holds."""

    shard: int
    fingerprint: str
    files: list[ShardFile] = field(default_factory=list)
    articles: dict[str, int] = field(default_factory=dict)
    figures: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def record_name(shard: int) -> str:
    """Return the name of a shard's record."""
    return f"{RECORDS}/{shard:06d}.parquet"


def read_record(output: Folder, shard: int) -> ShardRecord | None:
    """Return the record of a shard, or ``None`` where it is not finished."""
    name = record_name(shard)
    if not output.exists(name):
        return None
    try:
        with output.open(name) as file:
            stored = json.loads(pq.read_metadata(file).metadata[_RECORD])
        stored["files"] = [ShardFile(**entry) for entry in stored["files"]]
        return ShardRecord(**stored)
    except (pa.ArrowInvalid, OSError, KeyError, ValueError, TypeError) as error:
        msg = f"{output.path(name)} cannot be read: {error}. Remove it and serialize again."
        raise ArchiveError(msg) from error


def fingerprint(archive: Archive, blocks: list[int], mesh: MeshTable | None = None) -> str:
    """Return the digest of all that a shard depends on: ledgers, MeSH, code and libraries."""
    digest = hashlib.sha256(code_digest().encode())
    for block in blocks:
        digest.update(f"{block} {archive.folder.sha256(articles_name(block))}\n".encode())
        if mesh is not None:
            digest.update(mesh.digest(*_pmcids(archive, block)).encode())
    return digest.hexdigest()


def terms_of(archive: Archive, block: int, mesh: MeshTable | None) -> dict[int, ArticleTerms]:
    """Return what PubMed says of the articles of a block, by PMCID."""
    return {} if mesh is None else mesh.articles(*_pmcids(archive, block))


def _pmcids(archive: Archive, block: int) -> tuple[int, int]:
    """Return the first PMCID of a block and that of the next."""
    return block * archive.width, (block + 1) * archive.width


@cache
def code_digest() -> str:
    """Return the digest of the code that makes rows, so that a better reader makes them anew."""
    package = Path(__file__).parent.parent
    digest = hashlib.sha256(SCHEMA_VERSION.encode())
    for name in _ROW_CODE:
        path = package / name
        for module in sorted(path.glob("*.py")) if path.is_dir() else [path]:
            digest.update(hashlib.sha256(module.read_bytes()).digest())
    for library in ("lxml", "pillow", "pyarrow"):
        digest.update(version(library).encode())
    return digest.hexdigest()


def build_shard(
    archive: Archive,
    output: Folder,
    shard: int,
    blocks: list[int],
    tick: Ticker,
    mesh: MeshTable | None = None,
) -> ShardRecord:
    """Write the files of a shard and, last, its record.

    Raises
    ------
    ArchiveError
        A block of the archive is broken.
    """
    counts = _Counts()
    with ExitStack() as stack:
        files = _Files(output, shard, stack)
        for block in blocks:
            terms = terms_of(archive, block, mesh)
            for row, images in archive.articles(block):
                rows = rows_of(row, images, full_text=True, terms=terms.get(row.pmcid))
                files.add(rows)
                counts.add(rows)
                tick(1, len(rows.pairs), sum(map(len, images.values())))
            # A change in one block leaves the row groups of the others as they are.
            files.flush()
        written, index = files.publish()
        record = ShardRecord(
            shard=shard,
            fingerprint=fingerprint(archive, blocks, mesh),
            files=written,
            articles=dict(sorted(counts.articles.items())),
            figures=dict(sorted(counts.figures.items())),
            problems=counts.problems,
        )
        _write_record(output, record, index)
    return record


@dataclass(slots=True)
class _Counts:
    articles: Counter[str] = field(default_factory=Counter)
    figures: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def add(self, rows: ArticleRows) -> None:
        self.figures.update(rows.figures)
        self.articles["unreadable" if rows.problem else "kept"] += 1
        self.articles["licences disagree, PMC's counts"] += rows.licenses_disagree
        if rows.problem:
            self.problems.append(rows.problem)


class _Files:
    """The files of one shard, opened when their first row comes."""

    def __init__(self, output: Folder, shard: int, stack: ExitStack) -> None:
        self._output, self._shard, self._stack = output, shard, stack
        self._writers: dict[tuple[str, str], tuple[NewFile, TableWriter]] = {}
        self._index: dict[str, list[IndexRow]] = {group: [] for group in LICENSE_GROUPS}

    def add(self, rows: ArticleRows) -> None:
        for group, pair in rows.pairs:
            path = _path(group, group, self._shard)
            self._index[group].append(_index_row(pair, group, path, len(self._index[group])))
            self._writer(group, group, Pair).write(pair)
            self._writer("captions", group, CaptionRow).write(pair)
        if rows.article is not None:
            group, article = rows.article
            self._writer("articles", group, ArticleRow).write(article)

    def flush(self) -> None:
        for _file, writer in self._writers.values():
            writer.flush()

    def publish(self) -> tuple[list[ShardFile], list[IndexRow]]:
        """Make the files visible, and remove those that only an earlier state of the shard had."""
        written = []
        for (config, group), (file, writer) in sorted(self._writers.items()):
            ranges = writer.close()
            if ranges:
                self._index[group] = [
                    replace(row, image_offset=offset, image_length=length)
                    for row, (offset, length) in zip(self._index[group], ranges, strict=True)
                ]
            path = _path(config, group, self._shard)
            file.publish(path)
            written.append(
                ShardFile(path, config, writer.rows, file.size, writer.memory, file.sha256)
            )
        paths = {item.path for item in written}
        for group in LICENSE_GROUPS:
            for config in (group, "captions", "articles"):
                path = _path(config, group, self._shard)
                if path not in paths:
                    self._output.remove(path)
        return written, [row for group in LICENSE_GROUPS for row in self._index[group]]

    def _writer(self, config: str, group: str, table: type) -> TableWriter:
        if (config, group) not in self._writers:
            file = self._stack.enter_context(self._output.create())
            self._writers[config, group] = file, TableWriter(file, table, {})
        return self._writers[config, group][1]


def _path(config: str, group: str, shard: int) -> str:
    folder = f"{group}/train" if config == group else f"{config}/{group}"
    return f"{folder}/{shard:06d}.parquet"


def _index_row(pair: Pair, group: str, path: str, row: int) -> IndexRow:
    year = (pair.article_date or "")[:4]
    shared = {name: getattr(pair, name) for name in _SHARED}
    return IndexRow(
        **shared,
        license_group=group,
        split="train",
        article_year=int(year) if year else None,
        image_panel_count=len(pair.image_panels) if pair.image_panels else None,
        image_width=pair.image_size[0],
        image_height=pair.image_size[1],
        caption_length=len(pair.caption),
        file=path,
        row=row,
        image_offset=0,
        image_length=0,
    )


_SHARED = [name for name in column_names(IndexRow) if name in column_names(Pair)]


def _write_record(output: Folder, record: ShardRecord, index: list[IndexRow]) -> None:
    metadata: dict[bytes, Any] = {_RECORD: json.dumps(asdict(record), sort_keys=True).encode()}
    with output.create() as file:
        writer = TableWriter(file, IndexRow, metadata)
        for row in index:
            writer.write(row)
        writer.close()
        file.publish(record_name(record.shard))
