"""Checks an archive or a dataset folder against what its own files promise."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from .errors import ArchiveError, UsageError
from .extract.inventory import Inventory, Version
from .extract.ledger import ARTICLE_STATUSES, Archive, articles_name, count
from .schema import LICENSE_GROUPS, TABLES, Pair, arrow_schema
from .serialize.card import CARD
from .serialize.manifest import MANIFEST, Manifest, read_manifest
from .storage import Folder

if TYPE_CHECKING:
    import os

    from .extract.ledger import LedgerRow
    from .progress import Ticker
    from .serialize.shard import ShardFile

_MOST = 50  # problems told one by one


@dataclass(slots=True)
class VerifyReport:
    """What a check found.

    Parameters
    ----------
    what
        ``archive`` or ``dataset folder``.
    files, rows
        How much was checked.
    problems
        What is wrong, with the place.
    """

    what: str
    files: int = 0
    rows: int = 0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Return the report in words."""
        told = self.problems[:_MOST]
        if len(self.problems) > _MOST:
            told.append(f"and {len(self.problems) - _MOST:,} more")
        verdict = f"{len(self.problems):,} problems" if self.problems else "all as it should be"
        return "\n".join([*told, f"{self.what}: {self.files:,} files, {self.rows:,} rows checked: {verdict}"])


def verify(url: str | os.PathLike[str], tick: Ticker | None = None) -> VerifyReport:
    """Check an archive (digests, ledgers, images) or a dataset folder (files, rows, keys, byte ranges, schema).

    Parameters
    ----------
    tick
        Told of files, rows and bytes that were checked.

    Raises
    ------
    UsageError
        The folder is neither.
    """
    folder = Folder(url)
    archive = Archive.find(folder)
    if archive is not None:
        return _verify_archive(archive, tick or _no_tick)
    if not folder.exists(MANIFEST) and not folder.exists(CARD):
        msg = f"{folder.url} is neither an archive nor a finished dataset folder"
        raise UsageError(msg)
    return _Dataset(folder, tick or _no_tick).verify()


def _verify_archive(archive: Archive, tick: Ticker) -> VerifyReport:
    report = VerifyReport("archive")
    named = set()
    for block in archive.blocks():
        name = articles_name(block)
        try:
            header = archive.header(block)
            named.add(header.images_file)
            _verify_block(archive, block, report)
        except (ArchiveError, pa.ArrowInvalid, OSError) as error:
            report.problems.append(f"{name}: {error}")
        report.files += 1
        tick(1, 0, archive.folder.size(name))
    for image in archive.folder.names("images"):
        if f"images/{image}" not in named:
            report.problems.append(f"images/{image}: no block names it; the next run of extract sweeps it")
    return report


def _verify_block(archive: Archive, block: int, report: VerifyReport) -> None:
    name, header = articles_name(block), archive.header(block)
    versions: list[Version] = []
    promised: Counter[tuple[int, int, str, str]] = Counter()

    def rows() -> list[LedgerRow]:
        seen = []
        for row in archive.rows(block):
            versions.append(Version(row.pmcid, row.version, row.etag))
            if row.status not in ARTICLE_STATUSES or row.pmcid // archive.width != block:
                report.problems.append(f"{name}: the row of {row.name} does not belong there")
            kept = {(e.name, e.md5) for e in row.images if e.status == "kept"}
            promised.update((row.pmcid, row.version, n or "", m or "") for n, m in kept)
            seen.append(row)
        return seen

    counts = count(iter(rows()))
    report.rows += len(versions)
    if counts != header.counts:
        report.problems.append(f"{name}: its counts differ from its rows")
    if Inventory.of(versions).digest() != header.inventory:
        report.problems.append(f"{name}: its rows differ from the inventory that it was made of")
    if header.images_file is None:
        found: Counter[tuple[int, int, str, str]] = Counter()
    elif not archive.folder.exists(header.images_file):
        report.problems.append(f"{header.images_file}: missing, {name} names it")
        return
    else:
        report.files += 1
        if archive.folder.sha256(header.images_file) != header.images_sha256:
            report.problems.append(f"{header.images_file}: differs from the SHA-256 that {name} gives")
            return
        found = Counter((p, v, n, _md5(data)) for p, v, n, data in archive.images(block))
    if found != promised:
        lost = list((promised - found) + (found - promised))[:3]
        report.problems.append(f"{name}: images and ledger differ, first at {lost}")


class _Dataset:
    """Checks one dataset folder."""

    def __init__(self, folder: Folder, tick: Ticker) -> None:
        self._folder, self._tick = folder, tick
        self._report = VerifyReport("dataset folder")
        self._keys: set[str] = set()
        self._hashes: dict[str, list[str]] = {}
        self._whole: set[str] = set()

    def verify(self) -> VerifyReport:
        manifest = read_manifest(self._folder)
        for file in manifest.files:
            if not self._folder.exists(file.path):
                self._wrong(file.path, "missing")
                continue
            self._file(file)
            self._report.files += 1
            self._tick(1, file.rows, file.bytes)
        self._index(manifest)
        self._strangers(manifest)
        if not self._folder.exists(CARD):
            self._wrong(CARD, "missing")
        elif manifest.digest.encode() not in self._folder.read_bytes(CARD):
            self._wrong(CARD, "is the card of another manifest")
        return self._report

    def _wrong(self, path: str, what: str) -> None:
        self._report.problems.append(f"{path}: {what}")

    def _file(self, file: ShardFile) -> None:
        if self._folder.sha256(file.path) != file.sha256:
            self._wrong(file.path, f"differs from its SHA-256 in {MANIFEST}")
            return
        self._whole.add(file.path)
        with self._folder.open_arrow(file.path) as opened:
            parquet = pq.ParquetFile(opened)
            expected = arrow_schema(TABLES[file.config])
            if not parquet.schema_arrow.equals(expected, check_metadata=False):
                self._wrong(file.path, "has other columns than this version of the schema")
                return
            if parquet.metadata.num_rows != file.rows:
                self._wrong(file.path, f"has {parquet.metadata.num_rows} rows, {MANIFEST} says {file.rows}")
            self._report.rows += parquet.metadata.num_rows
            if TABLES[file.config] is Pair:
                self._pairs(file.path, parquet.read(columns=["key", "image_hash"]))

    def _pairs(self, path: str, table: pa.Table) -> None:
        keys = table["key"].to_pylist()
        repeated = self._keys.intersection(keys)
        if repeated or len(set(keys)) < len(keys):
            self._wrong(path, f"has keys that are there already: {sorted(repeated)[:3]}")
        self._keys.update(keys)
        self._hashes[path] = table["image_hash"].to_pylist()

    def _index(self, manifest: Manifest) -> None:
        """Check that the bytes at each range of the index are the image of that row."""
        seen = 0
        for file in manifest.config_files("index"):
            if file.path not in self._whole:
                continue
            with self._folder.open_arrow(file.path) as opened:
                columns = ["key", "file", "row", "image_offset", "image_length"]
                table = pq.read_table(opened, columns=columns).sort_by([("file", "ascending")])
            seen += table.num_rows
            self._ranges(table)
        pairs = sum(manifest.rows(group) for group in LICENSE_GROUPS)
        whole = all(file.path in self._whole for file in manifest.config_files("index"))
        if whole and seen != pairs:
            self._wrong("index", f"has {seen} rows for {pairs} pairs")

    def _ranges(self, table: pa.Table) -> None:
        opened, path = None, None
        try:
            for row in zip(*(table[i].to_pylist() for i in range(5)), strict=True):
                key, name, position, offset, length = row
                hashes = self._hashes.get(name)
                if name not in self._whole:
                    continue
                if hashes is None or position >= len(hashes) or key not in self._keys:
                    self._wrong("index", f"{key} points to row {position} of {name}, which is not there")
                    continue
                if name != path:
                    if opened is not None:
                        opened.close()
                    opened, path = self._folder.open(name), name
                assert opened is not None  # noqa: S101 - opened with its path
                opened.seek(offset)
                if hashlib.sha256(opened.read(length)).hexdigest() != hashes[position]:
                    self._wrong(name, f"the byte range of {key} does not hold its image")
        finally:
            if opened is not None:
                opened.close()

    def _strangers(self, manifest: Manifest) -> None:
        known = {file.path for file in manifest.files}
        for folder in sorted({path.rpartition("/")[0] for path in known}):
            for name in self._folder.names(folder):
                if f"{folder}/{name}" not in known:
                    self._wrong(f"{folder}/{name}", f"is not in {MANIFEST}")


def _md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()  # noqa: S324 - as PMC gives it


def _no_tick(_units: int, _images: int, _received: int) -> None:
    pass
