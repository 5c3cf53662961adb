"""Finishes a dataset folder: writes the index, card and manifest over its shards."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from biomedica_dataset.card.write import publish
from biomedica_dataset.folder.changes import changes
from biomedica_dataset.folder.document_rows import CONFIG as DOCUMENTS
from biomedica_dataset.folder.manifest import Changes, Manifest, make_manifest
from biomedica_dataset.folder.parquet import TableWriter
from biomedica_dataset.folder.partition import Partition
from biomedica_dataset.folder.record import (
    ShardFile,
    ShardRecord,
    read_index,
    read_record,
    record_name,
    shard_path,
)
from biomedica_dataset.folder.splits import SPLITS, Splits
from biomedica_dataset.licenses import LICENSE_GROUPS
from biomedica_dataset.schema import IndexRow

from .attributes import AttributeSource, BlockRows, write_attributes
from .document_tables import NAME as TABLE
from .document_tables import DocumentTables

if TYPE_CHECKING:
    from biomedica_dataset.io.folders import Folder

    from .shard import ShardSource

_INDEX_SHARDS = 64  # shards per index file, so that the index has few files


def remove_shard(folder: Folder, shard: int) -> None:
    """Remove the files of a shard and, last, its record."""
    record = read_record(folder, shard)
    for file in record.files if record else []:
        folder.remove(file.path)
    folder.remove(record_name(shard))


def write_dataset(
    source: ShardSource, folder: Folder, blocks: int, records: list[ShardRecord]
) -> Manifest:
    """Write index, card and manifest; return the manifest.

    Parameters
    ----------
    blocks
        Blocks per shard.
    """
    index = _write_index(folder, records)
    since = changes(folder, [file.path for file in index])
    sources: list[AttributeSource] = list(map(BlockRows, source.joins.attributes))
    if source.documents:
        sources.append(_document_tables(folder, records))
    attributes, files = write_attributes(folder, index, source.splits, sources, without={TABLE})
    manifest = manifest_of(source, blocks, records, index, since)
    manifest = replace(manifest, attributes=attributes, files=manifest.files + files)
    _remove_unnamed(folder, manifest, source.splits)
    return publish(folder, manifest)


def _document_tables(folder: Folder, records: list[ShardRecord]) -> DocumentTables:
    files: dict[str, list[ShardFile]] = {}
    for record in records:
        own = [file for file in record.files if file.config == DOCUMENTS]
        files.setdefault(_index_path(record.shard), []).extend(own)
    return DocumentTables(folder, files)


def manifest_of(
    source: ShardSource,
    blocks: int,
    records: list[ShardRecord],
    index: list[ShardFile],
    since: Changes | None,
) -> Manifest:
    """Return the manifest of some shards and the index over them."""
    groups = {} if source.splits.by == "article" else source.groups.sizes()
    started = Partition(blocks, source.splits)
    return make_manifest(source.archive, started, source.joins, records, index, since, groups)


def _remove_unnamed(folder: Folder, manifest: Manifest, splits: Splits) -> None:
    """Remove tables that the manifest does not name, such as those that a killed run left."""
    named = {file.path for file in manifest.files}
    paths = (
        shard_path(config, group, split, 0, splits)
        for group in LICENSE_GROUPS
        for split in SPLITS
        for config in (group, "captions", "articles", DOCUMENTS, "embeddings", "panels")
    )
    for below in ("index", *dict.fromkeys(path.rpartition("/")[0] for path in paths)):
        for name in folder.names(below):
            if name.endswith(".parquet") and f"{below}/{name}" not in named:
                folder.remove(f"{below}/{name}")


def _index_path(shard: int) -> str:
    return f"index/{shard // _INDEX_SHARDS:04d}.parquet"


def _write_index(folder: Folder, records: list[ShardRecord]) -> list[ShardFile]:
    """Write the index: the rows of the shards' records, with many shards per file."""
    bundles: dict[str, list[ShardRecord]] = {}
    for record in records:
        if record.files:
            bundles.setdefault(_index_path(record.shard), []).append(record)
    written = []
    for path, members in sorted(bundles.items()):
        with folder.create() as file:
            writer = TableWriter(file, IndexRow, {})
            writer.write_table(pa.concat_tables(read_index(folder, one.shard) for one in members))
            writer.close()
            file.publish(path)
        written.append(ShardFile(path, "index", writer.rows, file.size, writer.memory, file.sha256))
    return written
