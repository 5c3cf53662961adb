"""One block: what is there of it is compared with the inventory, what is missing fetched, and both files written."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from .fetch import ArticleFetch, Fetched, Known
from .ledger import (
    Archive,
    BlockHeader,
    LedgerRow,
    articles_name,
    articles_schema,
    count,
    header_metadata,
    images_name,
    images_schema,
)
from .source import NetworkFailedError, Source
from .spool import Held, Spool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ..progress import Ticker
    from .inventory import Inventory, Version
    from .selection import Wants

_ROW_GROUP_BYTES = 32 * 2**20
_ROW_GROUP_ROWS = 256


class BlockFailedError(Exception):
    """A block could not be fetched whole for the network; it was not written."""


@dataclass(frozen=True, slots=True)
class Task:
    """A block to bring into agreement with the inventory.

    Parameters
    ----------
    inventory
        The block's part of it.
    retry
        Whether to fetch again what was unavailable or corrupt.
    """

    block: int
    inventory: Inventory
    wants: Wants
    retry: bool = False


def run_block(archive: Archive, source: Source, task: Task, tick: Ticker) -> BlockHeader:
    """Fetch what a block lacks and write it.

    Raises
    ------
    BlockFailedError
        Some article could not be fetched, twice; nothing was written.
    SourceError
        Too many requests fail to go on.
    """
    with Spool(archive.folder.scratch()) as spool:
        old = _OldBlock(archive, task, spool)
        try:
            fetched = asyncio.run(_fetch(source, task, spool, old, tick))
            header = _write(archive, task, fetched)
        finally:
            old.close()
    archive.sweep_images(task.block, header.images_file)
    return header


async def _fetch(
    source: Source, task: Task, spool: Spool, old: _OldBlock, tick: Ticker
) -> list[Fetched]:
    grouped: dict[int, list[Version]] = {}
    for version in task.inventory.versions():
        grouped.setdefault(version.pmcid, []).append(version)

    received = source.received

    async def one(pmcid: int) -> Fetched:
        nonlocal received
        known = old.known(pmcid)
        versions = grouped[pmcid]
        fetched = old.agreeing(pmcid, versions)
        if fetched is None:
            fetched = await ArticleFetch(source, spool, task.wants, versions, known).run()
        tick(len(fetched.rows), len(fetched.images), source.received - received)
        received = source.received
        return fetched

    results = dict(zip(grouped, await _settled(one, grouped), strict=True))
    again = [pmcid for pmcid, result in results.items() if not isinstance(result, Fetched)]
    results.update(zip(again, await _settled(one, again), strict=True))
    failed = [f"PMC{pmcid}" for pmcid in again if not isinstance(results[pmcid], Fetched)]
    if failed:
        msg = f"{len(failed)} articles, the first {failed[0]}: {results[int(failed[0][3:])]}"
        raise BlockFailedError(msg)
    return [result for result in results.values() if isinstance(result, Fetched)]


async def _settled(
    one: Callable[[int], object], pmcids: Iterable[int]
) -> list[Fetched | NetworkFailedError]:
    """Run all; a network failure is a result, any other error stops the rest."""

    async def caught(pmcid: int) -> Fetched | NetworkFailedError:
        try:
            return await one(pmcid)  # type: ignore[misc, no-any-return]
        except NetworkFailedError as error:
            return error

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(caught(pmcid)) for pmcid in pmcids]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]


class _OldBlock:
    """What the archive has of a block already."""

    def __init__(self, archive: Archive, task: Task, spool: Spool) -> None:
        self._rows: dict[int, dict[int, LedgerRow]] = {}
        self._xml: dict[int, dict[int, Held]] = {}
        self._images: dict[int, dict[tuple[str, str], Held]] = {}
        self._file = None
        self._same_wants = False
        self._retry = task.retry
        if task.block in archive.blocks():
            self._read(archive, task, spool)

    def _read(self, archive: Archive, task: Task, spool: Spool) -> None:
        header = archive.header(task.block)
        self._same_wants = header.wants == task.wants.digest
        for row in archive.rows(task.block):
            if row.xml is not None:
                self._xml.setdefault(row.pmcid, {})[row.version] = spool.add(row.xml)
            self._rows.setdefault(row.pmcid, {})[row.version] = replace(row, xml=None)
        if header.images_file and archive.folder.exists(header.images_file):
            self._file = archive.folder.open(header.images_file)
            images = _OldImages(self._file)
            for pmcid, name, md5, held in images.entries():
                self._images.setdefault(pmcid, {})[name, md5] = held

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def known(self, pmcid: int) -> Known:
        return Known(
            self._rows.get(pmcid, {}), self._xml.get(pmcid, {}), self._images.get(pmcid, {})
        )

    def agreeing(self, pmcid: int, versions: list[Version]) -> Fetched | None:
        """Return what is there of a PMCID, where nothing about it has changed."""
        rows = self._rows.get(pmcid, {})
        if not self._same_wants or {v.version: v.etag for v in versions} != {
            r.version: r.etag for r in rows.values()
        }:
            return None
        ordered = [rows[version] for version in sorted(rows)]
        if self._retry and any(map(_failed, ordered)):
            return None
        held = self._images.get(pmcid, {})
        images = {
            (row.version, entry.name): held[entry.name, entry.md5]
            for row in ordered
            for entry in row.images
            if entry.status == "kept" and entry.name and entry.md5
        }
        return Fetched(ordered, dict(self._xml.get(pmcid, {})), images)


def _failed(row: LedgerRow) -> bool:
    return any(
        s in ("unavailable", "corrupt") for s in (row.status, *(e.status for e in row.images))
    )


class _OldImages:
    """The images file of an older block, read a row group at a time."""

    def __init__(self, file: object) -> None:
        self._parquet = pq.ParquetFile(file)
        self._group = -1
        self._bytes: pa.ChunkedArray | None = None

    def entries(self) -> Iterator[tuple[int, str, str, Held]]:
        for group in range(self._parquet.num_row_groups):
            table = self._parquet.read_row_group(group, columns=["pmcid", "name", "md5"])
            for row, (pmcid, name, md5) in enumerate(zip(*table.to_pydict().values(), strict=True)):
                yield pmcid, name, md5, _OldImage(self, group, row)

    def read(self, group: int, row: int) -> bytes:
        if group != self._group:
            self._bytes = self._parquet.read_row_group(group, columns=["bytes"])["bytes"]
            self._group = group
        assert self._bytes is not None  # noqa: S101 - set with the group
        data: bytes = self._bytes[row].as_py()
        return data


@dataclass(frozen=True, slots=True)
class _OldImage:
    images: _OldImages
    group: int
    row: int

    @property
    def size(self) -> int:
        return len(self.read())

    def read(self) -> bytes:
        return self.images.read(self.group, self.row)


def _write(archive: Archive, task: Task, fetched: list[Fetched]) -> BlockHeader:
    images_file, images_sha256 = _write_images(archive, task.block, fetched)
    header = BlockHeader(
        inventory=task.inventory.digest(),
        wants=task.wants.digest,
        images_file=images_file,
        images_sha256=images_sha256,
        counts=count(row for item in fetched for row in item.rows),
    )
    schema = articles_schema().with_metadata(header_metadata(header))
    with archive.folder.create() as file:
        writer = pq.ParquetWriter(file, schema, compression="zstd", write_page_index=True)
        with writer:
            for rows in _groups(_article_rows(fetched), "xml"):
                writer.write_table(pa.Table.from_pylist(rows, schema=schema))
        file.publish(articles_name(task.block))
    return header


def _article_rows(fetched: list[Fetched]) -> Iterator[dict[str, object]]:
    for item in fetched:
        for row in item.rows:
            held = item.xml.get(row.version)
            columns: dict[str, object] = {name: getattr(row, name) for name in LedgerRow.__slots__}
            columns["xml"] = held.read() if held else None
            columns["images"] = [
                {name: getattr(entry, name) for name in type(entry).__slots__}
                for entry in row.images
            ]
            yield columns


def _write_images(
    archive: Archive, block: int, fetched: list[Fetched]
) -> tuple[str | None, str | None]:
    schema = images_schema()
    options = {
        "compression": "none",
        "use_dictionary": False,
        "write_statistics": ["pmcid", "version", "name"],
    }
    if not any(item.images for item in fetched):
        return None, None
    with archive.folder.create() as file:
        with pq.ParquetWriter(file, schema, **options) as writer:
            for rows in _groups(_image_rows(fetched), "bytes"):
                writer.write_table(pa.Table.from_pylist(rows, schema=schema))
        name = images_name(block, file.sha256)
        file.publish(name)
        return name, file.sha256


def _image_rows(fetched: list[Fetched]) -> Iterator[dict[str, object]]:
    for item in fetched:
        md5s = {(row.version, e.name): e.md5 for row in item.rows for e in row.images}
        pmcid = item.rows[0].pmcid
        for (version, name), held in item.images.items():
            yield {
                "pmcid": pmcid,
                "version": version,
                "name": name,
                "md5": md5s[version, name],
                "bytes": held.read(),
            }


def _groups(rows: Iterable[dict[str, object]], heavy: str) -> Iterator[list[dict[str, object]]]:
    """Cut rows into row groups by the bytes of their heavy column."""
    group: list[dict[str, object]] = []
    size = 0
    for row in rows:
        group.append(row)
        data = row[heavy]
        size += len(data) if isinstance(data, bytes) else 0
        if size >= _ROW_GROUP_BYTES or len(group) >= _ROW_GROUP_ROWS:
            yield group
            group, size = [], 0
    if group:
        yield group
