"""One shard: the rows of a few neighbouring blocks, in a file for each table and licence group.

A shard is finished when it has its record, which is written last: the index rows of the shard, the
fingerprint of its inputs and the list of its files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from biomedica_dataset.engine.fingerprint import code_fingerprint
from biomedica_dataset.folder.panel_rows import CONFIG as PANELS
from biomedica_dataset.folder.panel_rows import panel_rows
from biomedica_dataset.folder.parquet import TableWriter
from biomedica_dataset.folder.record import (
    ShardFile,
    ShardRecord,
    caption_only_path,
    shard_path,
    write_record,
)
from biomedica_dataset.folder.splits import SPLITS, Splits
from biomedica_dataset.licenses import LICENSE_GROUPS
from biomedica_dataset.schema import (
    ArticleRow,
    CaptionRow,
    DocumentRow,
    IndexRow,
    Pair,
    PanelRow,
    column_names,
    to_table,
)

from .counts import ShardCounts

if TYPE_CHECKING:
    from biomedica_dataset.annotation.panels.figure_panels import FigurePanels
    from biomedica_dataset.archive.ledger import Archive
    from biomedica_dataset.engine.progress import Ticker
    from biomedica_dataset.io.folders import Folder
    from biomedica_dataset.io.partial import NewFile
    from biomedica_dataset.joins import Joins
    from biomedica_dataset.rows import ArticleRows

    from .image_groups import ImageGroups

_CODE = ("archive.ledger", "joins", "serialization.shard")
"""The code that makes rows of an archive's block, and shards of rows."""

_LIBRARIES = ("lxml", "pillow", "pyarrow")
_CAPTIONS_ONLY = "captions without images"


@dataclass(frozen=True)
class ShardSource:
    """What shards are made from, and how."""

    archive: Archive
    joins: Joins
    splits: Splits
    groups: ImageGroups
    check_images: bool
    documents: bool = False

    def split(self, row: Pair | CaptionRow | ArticleRow | DocumentRow) -> str:
        """Return the split of a row."""
        pmcid = int(row.article_accession_id.removeprefix("PMC"))
        return self.splits.of(self.groups.leader(pmcid))

    def fingerprint(self, blocks: list[int]) -> str:
        """Return the fingerprint of what a shard depends on: ledgers, joins, code and libraries."""
        digest = hashlib.sha256(code_fingerprint(_CODE, _LIBRARIES).encode())
        digest.update(f"checked {self.check_images} documents {self.documents}\n".encode())
        for block in blocks:
            first, after = pmcids(self.archive, block)
            digest.update(f"{block} {self.archive.header(block).digest}\n".encode())
            digest.update(self.joins.digest(first, after).encode())
            digest.update(self.groups.digest(first, after).encode())
        return digest.hexdigest()

    def panels(self, block: int) -> FigurePanels | None:
        """Return the panels of the figures of a block, if any are joined."""
        return self.joins.figure_panels(*pmcids(self.archive, block))

    def articles(
        self, block: int, panels: FigurePanels | None
    ) -> Iterator[tuple[ArticleRows, int]]:
        """Yield the rows of a block, and the bytes of their images."""
        articles, bounds = self.archive.articles(block), pmcids(self.archive, block)
        yield from self.joins.rows(
            articles, *bounds, full_text=True, documents=self.documents, panels=panels
        )


def kept(archive: Archive, blocks: list[int]) -> int:
    """Return how many article versions in blocks are kept."""
    return sum(archive.header(block).counts["articles"].get("kept", 0) for block in blocks)


def pmcids(archive: Archive, block: int) -> tuple[int, int]:
    """Return the first PMCID of a block and that of the next."""
    return block * archive.width, (block + 1) * archive.width


def build_shard(
    source: ShardSource, output: Folder, shard: int, blocks: list[int], tick: Ticker
) -> ShardRecord:
    """Write the files of a shard and, last, its record.

    Raises
    ------
    ArchiveError
        A block of the archive is broken.
    """
    counts = ShardCounts()
    with ExitStack() as stack:
        files = _Files(output, shard, source, stack)
        for block in blocks:
            panels = source.panels(block)
            for found, size in source.articles(block, panels):
                rows = counts.checked(found) if source.check_images else found
                files.add(rows)
                counts.add(rows)
                tick(1, len(rows.pairs), size)
            # A change in one block leaves the row groups of the others as they are.
            files.flush()
            counts.add_panels(panels)
        written, index = files.publish()
        record = ShardRecord(
            shard=shard,
            fingerprint=source.fingerprint(blocks),
            files=written,
            articles=dict(sorted(counts.articles.items())),
            figures=dict(sorted(counts.figures.items())),
            labels=dict(sorted(counts.labels.items())) if source.joins.clusters else {},
            images=dict(sorted(counts.images.items())),
            split_figures=dict(sorted(counts.split_figures.items())),
            panels=dict(sorted(counts.panels.items())),
            document_figures=dict(sorted(counts.document_figures.items())),
            document_tables=dict(sorted(counts.document_tables.items())),
            undecodable=counts.undecodable,
            problems=counts.problems,
        )
        write_record(output, record, to_table(IndexRow, index))
    return record


class _SplitFigure(NamedTuple):
    """A figure whose panels are written when its image has a place."""

    group: str
    split: str
    row: int
    columns: dict[str, Any]
    own: dict[str, dict[str, Any]]


class _Files:
    """The files of one shard, each opened at its first row."""

    def __init__(self, output: Folder, shard: int, source: ShardSource, stack: ExitStack) -> None:
        self._output, self._shard, self._source, self._stack = output, shard, source, stack
        self._writers: dict[tuple[str, str, str], tuple[NewFile, TableWriter]] = {}
        self._index: dict[tuple[str, str], list[dict[str, Any]]] = {
            (group, split): [] for group in LICENSE_GROUPS for split in SPLITS
        }
        self._split: list[list[_SplitFigure]] = [[]]  # by block

    def add(self, rows: ArticleRows) -> None:
        for group, pair in rows.pairs:
            split = self._source.split(pair)
            index, path = self._index[group, split], self._path(group, group, split)
            if pair.panels:
                columns = {name: value for name, value in vars(pair).items() if name != "image"}
                one = _SplitFigure(group, split, len(index), columns, rows.panels)
                self._split[-1].append(one)
            index.append(_index_columns(pair, group, split, path, len(index)))
            self._writer(group, group, split, Pair).write(pair)
            self._writer("captions", group, split, CaptionRow).write(pair)
        for group, caption in rows.captions:
            self._writer(_CAPTIONS_ONLY, group, self._source.split(caption), CaptionRow).write(
                caption
            )
        if rows.article is not None:
            group, article = rows.article
            self._writer("articles", group, self._source.split(article), ArticleRow).write(article)
        if rows.document is not None:
            group, row = rows.document.group, rows.document.row
            self._writer("documents", group, self._source.split(row), DocumentRow).write(row)

    def flush(self) -> None:
        self._split.append([])
        for _file, writer in self._writers.values():
            writer.flush()

    def publish(self) -> tuple[list[ShardFile], list[IndexRow]]:
        """Make the files visible, and remove those of an earlier state of the shard."""
        index = {key: self._placed(*key) for key in self._index}
        self._write_panels(index)
        written: list[ShardFile] = []
        for (config, group, split), (file, writer) in sorted(self._writers.items()):
            if config != group:
                writer.close()
            path = self._path(config, group, split)
            file.publish(path)
            of = "captions" if config == _CAPTIONS_ONLY else config
            size, memory = file.size, writer.memory
            written.append(ShardFile(path, of, writer.rows, size, memory, file.sha256))
        paths = {item.path for item in written}
        for group, split in self._index:
            for config in (group, "captions", _CAPTIONS_ONLY, "articles", "documents", PANELS):
                path = self._path(config, group, split)
                if path not in paths:
                    self._output.remove(path)
        return written, [row for rows in index.values() for row in rows]

    def _placed(self, group: str, split: str) -> list[IndexRow]:
        """Return the index rows of a file of images, which ends."""
        _file, writer = self._writers.get((group, group, split), (None, None))
        columns = zip(self._index[group, split], writer.close() if writer else (), strict=True)
        return [IndexRow(**row, **place) for row, place in columns]

    def _write_panels(self, index: Mapping[tuple[str, str], list[IndexRow]]) -> None:
        """Write the rows of panels, whose images now have a place."""
        for block in self._split:
            for figure in block:
                place = vars(index[figure.group, figure.split][figure.row])
                writer = self._writer(PANELS, figure.group, figure.split, PanelRow)
                for row in panel_rows(figure.columns, figure.own, place):
                    writer.write(row)
            for (config, _group, _split), (_file, writer) in self._writers.items():
                if config == PANELS:
                    writer.flush()

    def _path(self, config: str, group: str, split: str) -> str:
        if config == _CAPTIONS_ONLY:
            return caption_only_path(self._path("captions", group, split))
        return shard_path(config, group, split, self._shard, self._source.splits)

    def _writer(self, config: str, group: str, split: str, table: type) -> TableWriter:
        key = config, group, split
        if key not in self._writers:
            file = self._stack.enter_context(self._output.create())
            self._writers[key] = file, TableWriter(file, table, {})
        return self._writers[key][1]


def _index_columns(pair: Pair, group: str, split: str, path: str, row: int) -> dict[str, Any]:
    """Return the columns of the index that are known before the file is written."""
    year = (pair.article_date or "")[:4]
    return {
        **{name: getattr(pair, name) for name in _SHARED},
        "license_group": group,
        "split": split,
        "article_year": int(year) if year else None,
        "image_panel_count": len(pair.image_panels) if pair.image_panels else None,
        "panel_count_found": len(pair.panels) if pair.panels else None,
        "panel_scores": [panel["score"] for panel in pair.panels or ()] or None,
        "image_width": pair.image_size[0],
        "image_height": pair.image_size[1],
        "caption_length": len(pair.caption),
        "file": path,
        "row": row,
    }


_SHARED = [name for name in column_names(IndexRow) if name in column_names(Pair)]
