"""Chooses keys for ``extract(images=)``, also of figures whose images were not fetched.

They are chosen by their captions and articles: from a dataset folder by its index and the captions
that have no image, or straight from an archive, whose documents are read for it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.errors import UsageError
from biomedica_dataset.extraction.live import is_archive
from biomedica_dataset.folder.manifest import make_manifest
from biomedica_dataset.folder.partition import Partition
from biomedica_dataset.folder.record import ShardFile, is_caption_only
from biomedica_dataset.folder.splits import SPLITS, Splits
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.joins import JoinFolders, Joins
from biomedica_dataset.schema import CaptionRow, IndexRow, arrow_schema, column_names
from biomedica_dataset.streaming.choice import Choice, choose
from biomedica_dataset.streaming.conditions.filters import columns_of, parse_filters
from biomedica_dataset.streaming.reading.index import Index, read_index
from biomedica_dataset.streaming.reading.places import Place, find
from biomedica_dataset.streaming.reading.texts import Texts

from .report import KeysReport

if TYPE_CHECKING:
    from biomedica_dataset.engine.progress import Progress

_SHARED = [name for name in column_names(IndexRow) if name in column_names(CaptionRow)]
_READ = [*_SHARED, "caption", "image_panels", "image_size", "article_date"]
"""What rows of an index are made from."""


def write_keys(
    source: str | os.PathLike[str],
    choice: Choice,
    output: str | os.PathLike[str] | None,
    progress: Progress,
) -> KeysReport:
    """Write the keys of chosen rows into a file, one a line, unless none is named.

    Raises
    ------
    UsageError
        See `open_dataset`; or the output names a folder.
    """
    folder, name = os.path.split(os.fspath(output or ""))
    if output is not None and not name:
        msg = f"{os.fspath(output)!r} names a folder; name a file for the keys, such as keys.txt"
        raise UsageError(msg)
    is_from_archive = is_archive(os.fspath(source))
    index = _of_archive(source, choice, progress) if is_from_archive else _of_folder(source)
    chosen = choose(index, choice, progress.say)
    if output is not None:
        lines = "".join(f"{key}\n" for key in chosen.table["key"].to_pylist())
        Folder(folder or ".").write_bytes(name, lines.encode())
    return KeysReport(chosen, None if output is None else os.fspath(output))


def refuse_archive(source: str | os.PathLike[str]) -> None:
    """Refuse an archive where rows with their images are wanted.

    Raises
    ------
    UsageError
        The source is an archive.
    """
    if is_archive(os.fspath(source)):
        msg = (
            f"{os.fspath(source)} is an archive, of which only keys can be selected (--keys-only); "
            "for a smaller dataset folder, serialize it, and select from that"
        )
        raise UsageError(msg)


def _of_folder(source: str | os.PathLike[str]) -> Index:
    """Return the index of a dataset folder with rows for captions that have no image."""
    index = read_index(find(source))
    files = [file for file in index.files.values() if is_caption_only(file) and file.rows]
    with closing(index.place.open()) as opened:
        texts = Texts(opened, index.files, _READ)
        tables = [_index_rows(texts.rows(f.path, np.arange(f.rows)), f) for f in files]
    return replace(index, table=pa.concat_tables([index.table, *tables]).combine_chunks())


def _index_rows(captions: pa.Table, file: ShardFile) -> pa.Table:
    """Return rows of the index for the captions of a file, as if images were beside them."""
    group, name = (file.path.split("/")[at] for at in (1, -1))
    place = f"{group}/{file.split}/{name}"
    same = {"license_group": group, "split": file.split, "file": place}
    return _derived(
        captions, {what: pa.repeat(value, len(captions)) for what, value in same.items()}
    )


def _of_archive(source: str | os.PathLike[str], choice: Choice, progress: Progress) -> Index:
    """Return the figures of an archive as an index, with the columns that the conditions name."""
    archive, joins = Archive.open(source), Joins.open(JoinFolders())
    known = [*column_names(IndexRow), *column_names(CaptionRow)]
    asked = set() if choice.filters is None else columns_of(parse_filters(choice.filters), known)
    also = sorted(asked - set(column_names(IndexRow)))
    blocks, tables = archive.blocks(), []
    progress.start(len(blocks), "blocks")
    with progress.shown():
        for block in blocks:
            groups, captions = _captions(joins, archive, block)
            place = {"license_group": groups, "split": pa.repeat(SPLITS[0], len(captions))}
            table = _derived(captions, place)
            for name in also:
                table = table.append_column(name, captions[name])
            tables.append(table)
            progress.tick(1, len(table), 0)
    manifest = make_manifest(archive, Partition(1, Splits()), joins, [], [], None, {})
    if not tables:
        msg = f"{archive.folder.url} has no articles yet; run `biomedica extract` again"
        raise UsageError(msg)
    table = pa.concat_tables(tables).combine_chunks()
    return Index(Place(archive.folder.url), "", {}, table, manifest)


def _captions(joins: Joins, archive: Archive, block: int) -> tuple[pa.Array, pa.Table]:
    """Return the licence groups and the captions of a block, of figures with and without image."""
    groups, captions, names = [], [], column_names(CaptionRow)
    bounds = block * archive.width, (block + 1) * archive.width
    for rows, _size in joins.rows(archive.articles(block), *bounds):
        for group, row in (*rows.pairs, *rows.captions):
            groups.append(group)
            captions.append({name: getattr(row, name) for name in names})  # and no image
    return pa.array(groups, pa.string()), pa.Table.from_pylist(captions, arrow_schema(CaptionRow))


def _derived(captions: pa.Table, place: Mapping[str, pa.Array]) -> pa.Table:
    """Return rows of the index without the places of images and captions."""
    size = captions["image_size"]
    known = {name: captions[name] for name in _SHARED} | {
        "article_year": pc.cast(
            pc.utf8_slice_codeunits(captions["article_date"], 0, 4), pa.int32()
        ),
        "image_panel_count": pc.list_value_length(captions["image_panels"]),
        "image_width": pc.list_element(size, 0),
        "image_height": pc.list_element(size, 1),
        "caption_length": pc.utf8_length(captions["caption"]),
        "row": pa.array(np.arange(len(captions)), pa.int32()),
        **place,
    }
    schema = arrow_schema(IndexRow).remove_metadata()
    missing = (name for name in schema.names if name not in known)
    known |= {name: pa.nulls(len(captions), schema.field(name).type) for name in missing}
    return pa.table(known).select(schema.names).cast(schema)
