"""Checks an archive or a dataset folder against what its own files promise."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from .errors import ArchiveError, UsageError
from .extract.entries import row_digest
from .extract.inventory import Inventory, Version
from .extract.ledger import ARTICLE_STATUSES, Archive, articles_name, count
from .schema import TABLES, arrow_schema
from .serialize.card import CARD
from .serialize.manifest import MANIFEST, Manifest, read_manifest
from .serialize.record import path_beside
from .splits import Splits
from .storage import Folder

if TYPE_CHECKING:
    import os

    from .extract.ledger import LedgerRow
    from .progress import Ticker
    from .serialize.manifest import CardPicture
    from .serialize.record import ShardFile

_MOST = 50  # problems told one by one
_ARTICLES = ["article_accession_id", "split"]
_PLACES = ("image_offset", "image_length", "caption_offset", "caption_bytes")


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
        return "\n".join(
            [*told, f"{self.what}: {self.files:,} files, {self.rows:,} rows checked: {verdict}"]
        )


def verify(url: str | os.PathLike[str], tick: Ticker | None = None) -> VerifyReport:
    """Check an archive or a dataset folder.

    Of an archive digests, ledgers and images; of a dataset folder files, rows, keys, byte ranges
    and schema.

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
            report.problems.append(
                f"images/{image}: no block names it; the next run of extract sweeps it"
            )
    return report


def _verify_block(archive: Archive, block: int, report: VerifyReport) -> None:
    name, header = articles_name(block), archive.header(block)
    versions: list[Version] = []
    promised: Counter[tuple[int, int, str, str]] = Counter()
    digest = hashlib.sha256()

    def rows() -> list[LedgerRow]:
        seen = []
        for row in archive.rows(block):
            versions.append(Version(row.pmcid, row.version, row.etag))
            digest.update(row_digest(row, row.xml))
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
    if digest.hexdigest() != header.rows:
        report.problems.append(f"{name}: its rows differ from the digest that it gives")
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
            report.problems.append(
                f"{header.images_file}: differs from the SHA-256 that {name} gives"
            )
            return
        found = Counter((p, v, n, _md5(data)) for p, v, n, data in archive.images(block))
    if found != promised:
        lost = list((promised - found) + (found - promised))[:3]
        report.problems.append(f"{name}: images and ledger differ, first at {lost}")


class _Dataset:
    """Checks one dataset folder, an index file at a time with the shards that it points to."""

    def __init__(self, folder: Folder, tick: Ticker) -> None:
        self._folder, self._tick = folder, tick
        self._report = VerifyReport("dataset folder")
        self._whole: set[str] = set()
        self._splits = Splits()

    def verify(self) -> VerifyReport:
        manifest = read_manifest(self._folder)
        self._splits = Splits.parse(manifest.split)
        for file in manifest.files:
            if not self._folder.exists(file.path):
                self._wrong(file.path, "missing")
                continue
            self._file(file)
            self._report.files += 1
            self._tick(1, file.rows, file.bytes)
        for picture in manifest.pictures:
            self._picture(picture)
        pointed = [self._index(file) for file in manifest.config_files("index")]
        for file in manifest.config_files("all"):
            self._vectors(file)
        self._covered(manifest, set().union(*pointed))
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
        with self._folder.open_arrow(file.path) as opened:
            parquet = pq.ParquetFile(opened)
            expected = arrow_schema(TABLES[file.config])
            if not parquet.schema_arrow.equals(expected, check_metadata=False):
                self._wrong(file.path, "has other columns than this version of the schema")
                return
            rows = parquet.metadata.num_rows
        if rows != file.rows:
            self._wrong(file.path, f"has {rows} rows, {MANIFEST} says {file.rows}")
        self._report.rows += rows
        self._whole.add(file.path)

    def _picture(self, picture: CardPicture) -> None:
        self._report.files += 1
        if not self._folder.exists(picture.path):
            self._wrong(picture.path, "missing")
        elif self._folder.sha256(picture.path) != picture.sha256:
            self._wrong(picture.path, f"differs from its SHA-256 in {MANIFEST}")

    def _vectors(self, pictures: ShardFile) -> None:
        """Check that vectors, where there are some, stand row by row beside the pictures."""
        path = path_beside(pictures.path, "embeddings", self._splits)
        if {path, pictures.path} <= self._whole and self._keys(path) != self._keys(pictures.path):
            self._wrong(path, f"has other rows than {pictures.path}")

    def _keys(self, path: str) -> list[str]:
        with self._folder.open_arrow(path) as opened:
            keys: list[str] = pq.read_table(opened, columns=["key"])["key"].to_pylist()
        return keys

    def _index(self, file: ShardFile) -> set[str]:
        """Check the rows of one index file; return the shards that they point to.

        A key begins with its PMCID, and a PMCID has one shard, so that keys need only be told
        apart within an index file.
        """
        if file.path not in self._whole:
            return set()
        columns = ["key", "file", "row", *_PLACES]
        with self._folder.open_arrow(file.path) as opened:
            table = pq.read_table(opened, columns=[*columns, *_ARTICLES])
        self._split(file.path, table.select(_ARTICLES))
        keys = table["key"].to_pylist()
        if len(set(keys)) < len(keys):
            repeated = [key for key, n in Counter(keys).items() if n > 1][:3]
            self._wrong(file.path, f"has keys more than once: {repeated}")
        by_shard: dict[str, list[tuple[str, int, tuple[int, ...]]]] = {}
        for key, path, row, *place in zip(*(table[n].to_pylist() for n in columns), strict=True):
            by_shard.setdefault(path, []).append((key, row, tuple(place)))
        for path, rows in by_shard.items():
            if path in self._whole:
                self._ranges(path, rows)
        return set(by_shard)

    def _split(self, path: str, articles: pa.Table) -> None:
        """Check that each article is in the split that its PMCID says."""
        for row in articles.group_by(_ARTICLES).aggregate([]).to_pylist():
            pmcid = int(row["article_accession_id"].removeprefix("PMC"))
            if row["split"] != self._splits.of(pmcid):
                self._wrong(path, f"has PMC{pmcid} in the split {row['split']}")

    def _ranges(self, path: str, rows: list[tuple[str, int, tuple[int, ...]]]) -> None:
        """Check that the index lists a shard's rows in order, image and caption at their places."""
        with self._folder.open_arrow(path) as opened:
            shard = pq.read_table(opened, columns=["key", "image_hash", "caption"])
        expected = list(enumerate(shard["key"].to_pylist()))
        if [(row, key) for key, row, _place in rows] != expected:
            self._wrong(path, "has other rows than the index lists")
            return
        hashes, captions = shard["image_hash"].to_pylist(), shard["caption"].to_pylist()
        with self._folder.open(path) as file:
            for key, row, (offset, length, caption_offset, caption_bytes) in rows:
                file.seek(offset)
                if hashlib.sha256(file.read(length)).hexdigest() != hashes[row]:
                    self._wrong(path, f"the byte range of {key} does not hold its image")
                file.seek(caption_offset)
                if file.read(caption_bytes) != captions[row].encode():
                    self._wrong(path, f"the byte range of {key} does not hold its caption")

    def _covered(self, manifest: Manifest, pointed: set[str]) -> None:
        """Check that no shard is left out of the index, where all of the index could be read."""
        index = {file.path for file in manifest.config_files("index")}
        if index <= self._whole:
            for file in manifest.config_files("all"):
                if file.path not in pointed:
                    self._wrong(file.path, "is not in the index")

    def _strangers(self, manifest: Manifest) -> None:
        known = {file.path for file in manifest.files}
        known |= {picture.path for picture in manifest.pictures}
        for folder in sorted({path.rpartition("/")[0] for path in known}):
            for name in self._folder.names(folder):
                if f"{folder}/{name}" not in known:
                    self._wrong(f"{folder}/{name}", f"is not in {MANIFEST}")


def _md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def _no_tick(_units: int, _images: int, _received: int) -> None:
    pass
