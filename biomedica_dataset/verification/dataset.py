"""Verifies a dataset folder: files, rows, keys, byte ranges, schema."""

from __future__ import annotations

import hashlib
from collections import Counter
from itertools import zip_longest
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from biomedica_dataset.card.write import CARD
from biomedica_dataset.folder.manifest import MANIFEST, Manifest, read_manifest
from biomedica_dataset.folder.parquet import caption_digest
from biomedica_dataset.folder.record import path_beside
from biomedica_dataset.folder.splits import Splits
from biomedica_dataset.schema import TABLES, IndexRow, arrow_schema, with_later_columns

from .report import VerifyReport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from biomedica_dataset.engine.progress import Ticker
    from biomedica_dataset.folder.manifest import CardImage
    from biomedica_dataset.folder.record import ShardFile
    from biomedica_dataset.io.folders import Folder

_ARTICLES = ["article_accession_id", "split"]
_PLACES = ["image_offset", "image_length", "caption_offset", "caption_bytes", "caption_digest"]
_TEXTS = ["key", "image_hash", "caption"]


def verify_dataset(folder: Folder, tick: Ticker) -> VerifyReport:
    """Check the files, rows, keys, byte ranges and schema of a dataset folder."""
    return _Dataset(folder, tick).verify()


class _Dataset:
    def __init__(self, folder: Folder, tick: Ticker) -> None:
        self._folder, self._tick = folder, tick
        self._report = VerifyReport("dataset folder")
        self._whole: set[str] = set()
        self._damaged: set[str] = set()
        self._splits = Splits()

    def verify(self) -> VerifyReport:
        manifest = read_manifest(self._folder)
        self._splits = Splits.parse(manifest.split)
        for file in manifest.files:
            if not self._folder.exists(file.path):
                self._report.wrong(file.path, "missing")
                continue
            self._file(file, manifest.schema_version)
            self._report.files += 1
            self._tick(1, file.rows, file.bytes)
        for image in manifest.pictures:
            self._card_image(image)
        pointed = [self._index(file) for file in manifest.config_files("index")]
        for file in manifest.config_files("all"):
            self._vectors(file)
        self._covered(manifest, set().union(*pointed))
        self._unknown_files(manifest)
        if not self._folder.exists(CARD):
            self._report.wrong(CARD, "missing")
        elif manifest.digest.encode() not in self._folder.read_bytes(CARD):
            self._report.wrong(CARD, "belongs to another manifest")
        return self._report

    def _file(self, file: ShardFile, version: str) -> None:
        if self._folder.sha256(file.path) != file.sha256:
            self._damaged.add(file.path)
            self._report.wrong(file.path, f"differs from its SHA-256 in {MANIFEST}")
            return
        with self._folder.open_arrow(file.path) as opened:
            parquet = pq.ParquetFile(opened)
            expected = arrow_schema(TABLES[file.config], version)
            if not parquet.schema_arrow.equals(expected, check_metadata=False):
                self._report.wrong(file.path, "has other columns than its schema version")
                return
            rows = parquet.metadata.num_rows
        if rows != file.rows:
            self._report.wrong(file.path, f"has {rows} rows, but {MANIFEST} gives {file.rows}")
        self._report.rows += rows
        self._whole.add(file.path)

    def _card_image(self, image: CardImage) -> None:
        self._report.files += 1
        if not self._folder.exists(image.path):
            self._report.wrong(image.path, "missing")
        elif self._folder.sha256(image.path) != image.sha256:
            self._report.wrong(image.path, f"differs from its SHA-256 in {MANIFEST}")

    def _vectors(self, images: ShardFile) -> None:
        """Check that a vector file, if any, has the same rows as its image file."""
        path = path_beside(images.path, "embeddings", self._splits)
        if {path, images.path} <= self._whole and self._keys(path) != self._keys(images.path):
            self._report.wrong(path, f"has other rows than {images.path}")

    def _keys(self, path: str) -> list[str]:
        with self._folder.open_arrow(path) as opened:
            keys: list[str] = pq.read_table(opened, columns=["key"])["key"].to_pylist()
        return keys

    def _index(self, file: ShardFile) -> set[str]:
        """Check the rows of one index file; return the shards that they point to.

        A key starts with its PMCID, and a PMCID has one shard, so keys need only be unique within
        an index file.
        """
        if file.path not in self._whole:
            return set()
        columns = ["key", "file", "row", *_PLACES]
        with self._folder.open_arrow(file.path) as opened:
            table = pq.ParquetFile(opened).read([*columns, *_ARTICLES])
        table = with_later_columns(table, IndexRow, [*columns, *_ARTICLES])
        self._split(file.path, table.select(_ARTICLES))
        keys = table["key"].to_pylist()
        if len(set(keys)) < len(keys):
            repeated = [key for key, n in Counter(keys).items() if n > 1][:3]
            self._report.wrong(file.path, f"has repeated keys: {repeated}")
        by_shard: dict[str, list[dict[str, Any]]] = {}
        for row in table.select(columns).to_pylist():
            by_shard.setdefault(row["file"], []).append(row)
        for path, rows in by_shard.items():
            if path in self._whole | self._damaged:
                self._ranges(path, rows)
        return set(by_shard)

    def _split(self, path: str, articles: pa.Table) -> None:
        """Check that each article is in the split of its PMCID."""
        for row in articles.group_by(_ARTICLES).aggregate([]).to_pylist():
            pmcid = int(row["article_accession_id"].removeprefix("PMC"))
            if row["split"] != self._splits.of(pmcid):
                self._report.wrong(path, f"has PMC{pmcid} in the split {row['split']}")

    def _ranges(self, path: str, rows: list[dict[str, Any]]) -> None:
        """Check that the index lists a shard's rows in order, with their byte ranges.

        Of a damaged shard the digests say which row is hit.
        """
        shard = self._shard_texts(path)
        found = list(enumerate(texts["key"] for texts in shard))
        if shard and [(row["row"], row["key"]) for row in rows] != found:
            self._report.wrong(path, "has other rows than the index")
            return
        with self._folder.open(path) as file:
            for row, texts in zip_longest(rows, shard):
                for what in _damaged_values(file, row, texts):
                    self._report.wrong(
                        path, f"the byte range of {row['key']} does not hold its {what}"
                    )

    def _shard_texts(self, path: str) -> list[dict[str, Any]]:
        """Return what the byte ranges of a shard are compared with; nothing if it is damaged."""
        try:
            with self._folder.open_arrow(path) as opened:
                table = pq.read_table(opened, columns=_TEXTS, page_checksum_verification=True)
        except (pa.ArrowInvalid, OSError):
            if path in self._whole:
                raise
            return []
        rows: list[dict[str, Any]] = table.to_pylist()
        return rows

    def _covered(self, manifest: Manifest, pointed: set[str]) -> None:
        """Check that the index covers all shards, if the whole index is readable."""
        index = {file.path for file in manifest.config_files("index")}
        if index <= self._whole:
            for file in manifest.config_files("all"):
                if file.path not in pointed:
                    self._report.wrong(file.path, "is not in the index")

    def _unknown_files(self, manifest: Manifest) -> None:
        known = {file.path for file in manifest.files}
        known |= {image.path for image in manifest.pictures}
        for folder in sorted({path.rpartition("/")[0] for path in known}):
            for name in self._folder.names(folder):
                if f"{folder}/{name}" not in known:
                    self._report.wrong(f"{folder}/{name}", f"is not in {MANIFEST}")


def _damaged_values(
    file: IO[bytes], row: dict[str, Any], texts: dict[str, Any] | None
) -> Iterator[str]:
    """Yield which values of a row of the index are not what its shard or its digest says."""
    file.seek(row["image_offset"])
    image = hashlib.sha256(file.read(row["image_length"])).hexdigest()
    if texts and image != texts["image_hash"]:
        yield "image"
    file.seek(row["caption_offset"])
    caption, digest = file.read(row["caption_bytes"]), row["caption_digest"]
    if (texts and caption != texts["caption"].encode()) or (
        digest is not None and digest != caption_digest(caption)
    ):
        yield "caption"
