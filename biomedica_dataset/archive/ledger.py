"""The files of an archive: per block an articles file, which is its ledger, and an images file.

::

    archive/
      archive.json                     source, selection, width, format version: written once
      images/<block>-<digest>.parquet  images, unchanged
      articles/<block>.parquet         one row per article version of the inventory; written last

The articles file makes a block valid: its metadata holds the digests of the block's part of the
inventory and of what was wanted, and the name and SHA-256 of its images file. Images files without
an articles file are removed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from biomedica_dataset.engine.report import Tally  # noqa: TC001 - for pydantic
from biomedica_dataset.errors import ArchiveError, UsageError
from biomedica_dataset.io.failures import reading
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.io.headers import begin_folder, read_header
from biomedica_dataset.io.partial import abandoned
from biomedica_dataset.io.rules import Count, Positive  # noqa: TC001 - for pydantic
from biomedica_dataset.io.typed import read_json, typed

from .entries import HEADER, IMAGES_FILE, BlockHeader, ImageEntry, LedgerRow
from .layout import AGAIN, articles_columns, articles_name, images_columns
from .selection import Selection, StoredSelection

FORMAT_VERSION = 1
HEADER_FILE = "archive.json"
WHAT = "an archive"
_ARTICLES_FILE = re.compile(r"(\d{7,})\.parquet")
REPORT = "report.json"
_AT_ONCE = 64 * 2**20  # bytes of an article's images held in memory at once


@dataclass(frozen=True, slots=True)
class ArchiveHeader:
    """The content of ``archive.json``."""

    source: str
    selection: StoredSelection
    width: Positive


@dataclass(frozen=True, slots=True)
class ArchiveReport:
    """The content of ``report.json``; see `extraction.report.ExtractReport`."""

    source: str
    selection: str
    inventory: str | None
    blocks: Count
    blocks_failed: dict[str, str]
    articles: Tally
    figures: Tally
    newer: Count
    not_listed: list[str]


class Archive:
    """An archive in a folder.

    Parameters
    ----------
    folder
        Its folder.
    header
        The content of its ``archive.json``.
    """

    def __init__(self, folder: Folder, header: ArchiveHeader) -> None:
        self.folder, self.source, self.width = folder, header.source, header.width
        self.selection = Selection.of(header.selection)

    @classmethod
    def open(cls, url: str | os.PathLike[str]) -> Archive:
        """Open an existing archive.

        Raises
        ------
        UsageError
            The folder holds no archive, or one of another format version.
        """
        archive = cls.find(Folder(url))
        if archive is None:
            msg = f"{url} is not an archive: it has no {HEADER_FILE}; run `biomedica extract`"
            raise UsageError(msg)
        return archive

    @classmethod
    def find(cls, folder: Folder) -> Archive | None:
        """Return the archive in a folder, or ``None``."""
        if not folder.exists(HEADER_FILE):
            return None
        return cls(folder, read_header(folder, HEADER_FILE, WHAT, FORMAT_VERSION, ArchiveHeader))

    @classmethod
    def create(cls, folder: Folder, source: str, selection: Selection, width: int) -> Archive:
        """Start an archive in an empty folder, or open the one that another part just started.

        Raises
        ------
        UsageError
            The folder is something else, or another part has started an archive with other
            articles.
        """
        header = {"source": source, "selection": selection.as_json(), "width": width}
        found = begin_folder(folder, HEADER_FILE, WHAT, FORMAT_VERSION, header, ArchiveHeader)
        there = cls(folder, found)
        if (there.selection, there.width) != (selection, width):
            msg = f"another part has just started {folder.url} with other articles; run again"
            raise UsageError(msg)
        return there

    def report(self) -> ArchiveReport | None:
        """Return the report of the last finished run, if any."""
        there = self.folder.exists(REPORT)
        return read_json(self.folder, REPORT, ArchiveReport, AGAIN) if there else None

    def blocks(self) -> list[int]:
        """Return the numbers of the valid blocks, ascending."""
        found = map(_ARTICLES_FILE.fullmatch, self.folder.names("articles"))
        return sorted(int(match[1]) for match in found if match)

    def header(self, block: int) -> BlockHeader:
        """Return the header of a block.

        Raises
        ------
        ArchiveError
            The file is damaged.
        """
        import pyarrow.parquet as pq

        name = articles_name(block)
        with self.folder.reading(name, AGAIN) as file:
            return typed(BlockHeader, pq.read_metadata(file).metadata[HEADER])

    def headers(self) -> dict[int, BlockHeader]:
        """Return the headers of all valid blocks, by number."""
        blocks = self.blocks()
        return dict(zip(blocks, self.folder.map(self.header, blocks), strict=True))

    def remove(self, block: int) -> int:
        """Remove a block whose articles have all left the inventory; return their number.

        That is 0 if another part of the run has removed the block.
        """
        try:
            header = self.header(block)
        except ArchiveError:
            if not self.folder.exists(articles_name(block)):
                return 0
            raise
        self.folder.remove(articles_name(block))
        if header.images_file is not None:
            self.folder.remove(header.images_file)
        return sum(header.counts["articles"].values())

    def sweep(self, headers: Mapping[int, BlockHeader]) -> None:
        """Remove leftovers of killed runs, but not files being written on this machine."""
        self.folder.sweep()
        for name in self.images_files().keys() - {h.images_file for h in headers.values()}:
            if not self.folder.is_local:  # the run lock excludes other writers
                self._remove_unnamed(name)
                continue
            with abandoned(Path(self.folder.path(name))) as is_abandoned:
                if is_abandoned:
                    self._remove_unnamed(name)

    def _remove_unnamed(self, name: str) -> None:
        """Remove an images file, unless its block was finished after the headers were read."""
        block = int(name.removeprefix("images/").partition("-")[0])
        there = self.folder.exists(articles_name(block))
        if not there or self.header(block).images_file != name:
            self.folder.remove(name)

    def images_files(self) -> dict[str, int]:
        """Return the sizes of the images files by name."""
        sizes = self.folder.sizes("images").items()
        return {
            f"images/{name}": size for name, size in sizes if IMAGES_FILE.holds(f"images/{name}")
        }

    def rows(self, block: int) -> Iterator[LedgerRow]:
        """Yield the ledger rows of a block in order, holding one row group in memory.

        Raises
        ------
        ArchiveError
            The file is damaged.
        """
        import pyarrow.parquet as pq

        from biomedica_dataset.io.tables import CheckedFile

        name = articles_name(block)
        with self.folder.reading(name, AGAIN) as file:
            metadata = pq.read_metadata(file)
            parquet = CheckedFile(metadata, file.seek(0, 2), articles_columns())
            for group in range(metadata.num_row_groups):
                found = parquet.read(file, group).to_pylist()[::-1]
                while found:  # a document may be large: hold it only once
                    row = found.pop()
                    row["images"] = [ImageEntry(**entry) for entry in row["images"]]
                    yield LedgerRow(**row)

    def images(self, block: int) -> Iterator[tuple[int, int, str, bytes]]:
        """Yield (PMCID, version, file name, bytes) of a block's images, in row order."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        from biomedica_dataset.io.tables import CheckedFile, check_values

        name, checks = self.header(block).images_file, images_columns()
        if name is None:
            return
        with reading(self.folder.path(name), AGAIN), self.folder.open_arrow(name) as file:
            size, columns = file.seek(0, 2), ["pmcid", "version", "name", "bytes"]
            parquet = pq.ParquetFile(file)
            CheckedFile(parquet.metadata, size, checks)
            for group in range(parquet.num_row_groups):  # by itself, which bounds the memory
                for batch in parquet.iter_batches(64, row_groups=[group], columns=columns):
                    check_values(pa.Table.from_batches([batch]), {n: checks[n] for n in columns})
                    found = zip(*(batch[name].to_pylist() for name in columns[:3]), strict=True)
                    for ids, data in zip(found, batch["bytes"], strict=True):
                        yield *ids, data.as_py()

    def articles(self, block: int) -> Iterator[tuple[LedgerRow, Mapping[str, bytes]]]:
        """Yield the kept article versions of a block with their images by file name.

        Images of a very large article are read on access.
        """
        from .stored_images import ArticleImages, open_images

        places: dict[tuple[int, int], dict[str, tuple[int, int]]] = {}
        name = self.header(block).images_file
        stored = open_images(self.folder, name) if name else None
        for (pmcid, version, image, _md5), group, at in stored.entries() if stored else ():
            places.setdefault((pmcid, version), {})[image] = (group, at)
        for row in self.rows(block):
            if row.status != "kept":
                continue
            own = places.pop((row.pmcid, row.version), {})
            size = sum(entry.size or 0 for entry in row.images if entry.status == "kept")
            images = ArticleImages(self.folder, name or "", own, size, stored) if own else {}
            yield row, images if size > _AT_ONCE else dict(images)
