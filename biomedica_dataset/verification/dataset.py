"""Verifies a dataset folder: files, rows, keys, byte ranges, schema."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from biomedica_dataset.card.write import CARD
from biomedica_dataset.errors import ArchiveError
from biomedica_dataset.folder.document_rows import CONFIG as DOCUMENTS
from biomedica_dataset.folder.document_rows import DOCUMENT_RULES
from biomedica_dataset.folder.index_places import check_places
from biomedica_dataset.folder.index_rows import read_index_table
from biomedica_dataset.folder.manifest import MANIFEST, CardImage, Manifest, read_manifest
from biomedica_dataset.folder.panel_rows import config_columns
from biomedica_dataset.folder.record import RECORDS, ShardFile, path_beside
from biomedica_dataset.folder.shared_images import count_shared_images
from biomedica_dataset.folder.splits import Splits
from biomedica_dataset.images.decode import decoding_problem
from biomedica_dataset.io.tables import Column, columns_of, read_table
from biomedica_dataset.schema import DocumentRow, IndexRow, Pair, VectorRow

from .documents import DOCUMENT_COLUMNS, document_problems
from .documents import PAIR_COLUMNS as PAIR_OF_DOCUMENT
from .expected import damaged_values, expected_schema
from .panels import PAIR_COLUMNS, panel_problems
from .report import VerifyReport

if TYPE_CHECKING:
    from biomedica_dataset.engine.progress import Ticker
    from biomedica_dataset.folder.search_files import SearchFile
    from biomedica_dataset.io.folders import Folder

_AGAIN = "Get it from its source again, or serialize it again."
_ARTICLES = ["article_accession_id", "split"]
_PLACES = ["image_offset", "image_length", "caption_offset", "caption_bytes", "caption_digest",
           "image_decodes", "panel_scores", "panel_count_found"]  # fmt: skip
_TEXTS = ["key", "image_hash", "caption"]


def verify_dataset(folder: Folder, tick: Ticker, *, images: bool = False) -> VerifyReport:
    """Check the files, rows, keys, byte ranges and schema of a dataset folder."""
    return _Dataset(folder, tick, decodes=images).verify()


class _Dataset:
    def __init__(self, folder: Folder, tick: Ticker, *, decodes: bool) -> None:
        self._folder, self._tick, self._decodes = folder, tick, decodes
        self._report = VerifyReport("dataset folder")
        self._whole: set[str] = set()
        self._damaged: set[str] = set()
        self._splits = Splits()

    def verify(self) -> VerifyReport:
        manifest = read_manifest(self._folder)
        self._splits = manifest.splits
        for file in manifest.files:
            if not self._folder.exists(file.path):
                self._report.wrong(file.path, "missing")
                continue
            self._file(file, expected_schema(manifest, file))
            self._report.files += 1
            self._tick(1, file.rows, file.bytes)
        for other in manifest.other_files:
            self._other_file(other)
        pointed = [self._index(manifest, file) for file in manifest.config_files("index")]
        for file in manifest.config_files("all"):
            self._vectors(file)
        self._documents(manifest)
        self._beside(manifest)
        self._attributes(manifest)
        self._shared(manifest)
        self._covered(manifest, set().union(*pointed))
        self._unknown_files(manifest)
        if not self._folder.exists(CARD):
            self._report.wrong(CARD, "missing")
        elif self._folder.sha256(MANIFEST).encode() not in self._folder.read_bytes(CARD):
            self._report.wrong(CARD, "belongs to another manifest")
        return self._report

    def _file(self, file: ShardFile, schema: pa.Schema | None) -> None:
        if self._folder.sha256(file.path) != file.sha256:
            self._damaged.add(file.path)
            self._report.wrong(file.path, f"differs from its SHA-256 in {MANIFEST}")
            return
        try:
            with self._folder.reading(file.path, _AGAIN) as opened:
                metadata = pq.read_metadata(opened)
                known = metadata.schema.to_arrow_schema()
        except ArchiveError as error:
            self._report.wrong(file.path, f"{error}")
            return
        if schema is None or not known.equals(schema, check_metadata=False):
            self._report.wrong(file.path, "has other columns than its schema version")
            return
        rows = metadata.num_rows
        if rows != file.rows:
            self._report.wrong(file.path, f"has {rows} rows, but {MANIFEST} gives {file.rows}")
        self._report.rows += rows
        self._whole.add(file.path)

    def _other_file(self, file: CardImage | SearchFile) -> None:
        self._report.files += 1
        if not self._folder.exists(file.path):
            self._report.wrong(file.path, "missing")
        elif self._folder.sha256(file.path) != file.sha256:
            self._report.wrong(file.path, f"differs from its SHA-256 in {MANIFEST}")

    def _vectors(self, images: ShardFile) -> None:
        """Check that a vector file, if any, has the same rows as its image file."""
        path = path_beside(images.path, "embeddings", self._splits)
        if {path, images.path} <= self._whole and self._keys(path, columns_of(VectorRow)) != (
            self._keys(images.path, columns_of(VectorRow))
        ):
            self._report.wrong(path, f"has other rows than {images.path}")

    def _panels(self, images: str, index: list[dict[str, Any]]) -> None:
        """Check that the panels of a shard are the same in its pairs, the index and the config."""
        path, known = path_beside(images, "panels", self._splits), len(self._report.problems)
        views = []
        if path in self._whole:
            views = self._texts(path, None, config_columns("panels")).to_pylist()
        elif self._folder.exists(path):
            return
        pairs = self._texts(images, PAIR_COLUMNS, config_columns("all")).to_pylist()
        if len(pairs) == len(index) and len(self._report.problems) == known:
            for problem in panel_problems(pairs, index, views):
                self._report.wrong(images, problem)

    def _documents(self, manifest: Manifest) -> None:
        """Check that documents have the figures of the shards that they are beside, each once."""
        images = {
            path_beside(f.path, DOCUMENTS, self._splits): f for f in manifest.config_files("all")
        }
        for file in manifest.config_files(DOCUMENTS):
            beside = images.get(file.path)
            if {file.path, beside.path if beside else file.path} <= self._whole:
                known = len(self._report.problems)
                columns = columns_of(DocumentRow, DOCUMENT_RULES)
                documents = self._texts(file.path, DOCUMENT_COLUMNS, columns).to_pylist()
                pairs = []
                if beside:
                    table = self._texts(beside.path, PAIR_OF_DOCUMENT, columns_of(Pair))
                    pairs = table.to_pylist()
                if len(self._report.problems) == known:
                    for problem in document_problems(file.path.split("/")[1], documents, pairs):
                        self._report.wrong(file.path, problem)

    def _keys(self, path: str, columns: Mapping[str, Column]) -> list[str]:
        keys: list[str] = self._texts(path, ["key"], columns)["key"].to_pylist()
        return keys

    def _texts(self, path: str, names: list[str] | None, columns: Mapping[str, Column]) -> pa.Table:
        """Return columns of a file; none of its rows, with a problem, if one is not allowed."""
        try:
            with self._folder.reading(path, _AGAIN) as opened:
                return read_table(opened, columns, names)
        except ArchiveError as error:
            if path in self._whole:
                self._report.wrong(path, f"{error}")
            types = [(name, columns[name].type) for name in names or columns]
            return pa.schema(types).empty_table()

    def _index(self, manifest: Manifest, file: ShardFile) -> set[str]:
        """Check the rows of one index file; return the shards that they point to."""
        if file.path not in self._whole:
            return set()
        try:
            with self._folder.reading(file.path, _AGAIN) as opened:
                table = read_index_table(opened)
                check_places(table, {file.path: file for file in manifest.files})
        except ArchiveError as error:
            self._report.wrong(file.path, f"{error}")
            return set()
        self._split(file.path, table.select(_ARTICLES))
        columns = ["key", "file", "row", *_PLACES]
        by_shard: dict[str, list[dict[str, Any]]] = {}
        for row in table.select(columns).to_pylist():
            by_shard.setdefault(row["file"], []).append(row)
        for path, rows in by_shard.items():
            if path in self._whole | self._damaged:
                self._ranges(path, rows)
            if path in self._whole:
                self._panels(path, rows)
        return set(by_shard)

    def _split(self, path: str, articles: pa.Table) -> None:
        """Check that each article is in one split, and in that of its PMCID if that decides."""
        seen: dict[str, str] = {}
        for row in articles.group_by(_ARTICLES).aggregate([]).to_pylist():
            article, split = row["article_accession_id"], row["split"]
            expected = self._splits.of(int(article.removeprefix("PMC")))
            if self._splits.by != "article":
                expected = seen.setdefault(article, split)
            if split != expected:
                self._report.wrong(path, f"has {article} in the split {split}")

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
                for what in damaged_values(file, row, texts):
                    self._report.wrong(
                        path, f"the byte range of {row['key']} does not hold its {what}"
                    )
                if self._decodes and row["image_decodes"] is not False:
                    file.seek(row["image_offset"])
                    problem = decoding_problem(file.read(row["image_length"]))
                    if problem:
                        self._report.wrong(
                            path, f"the image of {row['key']} cannot be decoded: {problem}"
                        )

    def _shard_texts(self, path: str) -> list[dict[str, Any]]:
        """Return what the byte ranges of a shard are compared with; nothing if it is damaged."""
        rows: list[dict[str, Any]] = self._texts(path, _TEXTS, columns_of(Pair)).to_pylist()
        return rows

    def _attributes(self, manifest: Manifest) -> None:
        """Check that each row of an attribute is of an image in the index file of its name."""
        for attribute in manifest.attributes:
            beside = {attribute.path(f.path): f.path for f in manifest.config_files("index")}
            for path in (file.path for file in manifest.config_files(attribute.name)):
                if {path, beside.get(path)} <= self._whole:
                    known = self._keys(beside[path], columns_of(IndexRow))
                    unknown = set(self._keys(path, attribute.checks)) - set(known)
                    if unknown and unknown - self._panel_keys(manifest):
                        self._report.wrong(path, "has keys that the index lacks")

    def _panel_keys(self, manifest: Manifest) -> set[str]:
        paths = {file.path for file in manifest.config_files("panels")} & self._whole
        return {key for path in paths for key in self._keys(path, config_columns("panels"))}

    def _shared(self, manifest: Manifest) -> None:
        """Count images in several splits, which is wrong only where articles are split by them."""
        if not {file.path for file in manifest.config_files("captions")} <= self._whole:
            return
        shared = count_shared_images(self._folder, manifest)
        if shared.images and manifest.split_by == "image":
            self._report.wrong(MANIFEST, f"is of a split by images. {shared}")
        elif shared.images:
            self._report.notes.append(f"{shared}; serialize --split-by image keeps them in one")

    def _covered(self, manifest: Manifest, pointed: set[str]) -> None:
        """Check that the index covers all shards, if the whole index is readable."""
        index = {file.path for file in manifest.config_files("index")}
        if index <= self._whole:
            for file in manifest.config_files("all"):
                if file.path not in pointed:
                    self._report.wrong(file.path, "is not in the index")

    def _beside(self, manifest: Manifest) -> None:
        """Check that panels and vectors are beside files of images."""
        images = [file.path for file in manifest.config_files("all")]
        for config in ("embeddings", "panels"):
            places = {path_beside(path, config, self._splits) for path in images}
            for file in manifest.config_files(config):
                if file.path not in places:
                    self._report.wrong(file.path, "is beside no file of images")

    def _unknown_files(self, manifest: Manifest) -> None:
        known = {file.path for file in manifest.files}
        known |= {file.path for file in manifest.other_files}
        found = (str(path) for path in self._folder.filesystem.find(self._folder.root))
        for path in sorted(path.removeprefix(f"{self._folder.root}/") for path in found):
            if path.endswith(".parquet") and path not in known and not path.startswith(RECORDS):
                self._report.wrong(path, f"is not in {MANIFEST}: no other check reads it")
                known.add(path)
        for folder in sorted({path.rpartition("/")[0] for path in known}):
            for name in self._folder.names(folder):
                if f"{folder}/{name}" not in known:
                    self._report.wrong(f"{folder}/{name}", f"is not in {MANIFEST}")
