"""Writes selected rows as a dataset folder."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from biomedica_dataset.card.write import Whole, publish
from biomedica_dataset.folder.manifest import parse_manifest
from biomedica_dataset.folder.parquet import TableWriter
from biomedica_dataset.folder.record import ShardFile, path_beside
from biomedica_dataset.folder.splits import Splits
from biomedica_dataset.licenses import LICENSE_GROUPS
from biomedica_dataset.schema import CaptionRow, IndexRow, Pair, VectorRow, column_names
from biomedica_dataset.streaming.columns import read_columns
from biomedica_dataset.streaming.in_order import rows_in_order

if TYPE_CHECKING:
    from biomedica_dataset.engine.progress import Progress
    from biomedica_dataset.io.folders import Folder
    from biomedica_dataset.io.partial import NewFile
    from biomedica_dataset.streaming.choice import Chosen

_SHARD_ROWS = 2_000
_INDEX = "index/0000.parquet"


def write_folder(folder: Folder, chosen: Chosen, progress: Progress) -> None:
    """Write a dataset folder: shards, then the index over them, then card and manifest."""
    files: list[ShardFile] = []
    index: list[IndexRow] = []
    for group in LICENSE_GROUPS:
        for split in pc.unique(chosen.table["split"]).to_pylist():
            here = pc.and_(
                pc.equal(chosen.table["license_group"], group),
                pc.equal(chosen.table["split"], split),
            )
            table = chosen.table.filter(here)
            for number, start in enumerate(range(0, len(table), _SHARD_ROWS)):
                part = table.slice(start, _SHARD_ROWS)
                path = f"{group}/{split}/{number:06d}.parquet"
                written, rows = _write_shard(folder, chosen, part, path, progress)
                files += written
                index += rows
    with folder.create() as file:
        writer = TableWriter(file, IndexRow, {})
        for row in index:
            writer.write(row)
        writer.close()
        size = _publish(file, writer, "index", _INDEX)
    _finish(folder, chosen, [*sorted(files, key=lambda f: f.path), size])


def _write_shard(
    folder: Folder, chosen: Chosen, table: pa.Table, path: str, progress: Progress
) -> tuple[list[ShardFile], list[IndexRow]]:
    """Write rows of one licence group and split, with their captions and vectors."""
    group, splits = path.partition("/")[0], Splits.parse(chosen.index.manifest["split"])
    tables = {group: Pair, "captions": CaptionRow, "embeddings": VectorRow}
    vectors = _vectors(chosen, table, splits)
    if vectors is None:
        del tables["embeddings"]
    with ExitStack() as stack:
        made = {config: stack.enter_context(folder.create()) for config in tables}
        writers = {config: TableWriter(made[config], of, {}) for config, of in tables.items()}
        for row in rows_in_order(chosen.index, table, column_names(Pair)):
            pair = Pair(**row)
            writers[group].write(pair)
            writers["captions"].write(pair)
            progress.tick(1, 1, len(row["image"]["bytes"]))
        for row in [] if vectors is None else vectors.to_pylist():
            writers["embeddings"].write(VectorRow(**row))
        places = {config: writer.close() for config, writer in writers.items()}[group]
        files = []
        for config, writer in writers.items():
            name = path if config == group else path_beside(path, config, splits)
            files.append(_publish(made[config], writer, config, name))
    rows = [IndexRow(**row) for row in table.select(column_names(IndexRow)).to_pylist()]
    return files, [
        replace(row, file=path, row=number, **place)
        for number, (row, place) in enumerate(zip(rows, places, strict=True))
    ]


def _publish(file: NewFile, writer: TableWriter, config: str, path: str) -> ShardFile:
    file.publish(path)
    return ShardFile(path, config, writer.rows, file.size, writer.memory, file.sha256)


def _vectors(chosen: Chosen, table: pa.Table, splits: Splits) -> pa.Table | None:
    """Return the vectors of rows, if the source has any: their rows match those of the images."""
    beside = [path_beside(path, "embeddings", splits) for path in table["file"].to_pylist()]
    if not set(beside) & set(chosen.index.files):
        return None
    place = table.schema.get_field_index("file")
    columns = [name for name in column_names(VectorRow) if name != "key"]
    there = table.set_column(place, "file", pa.array(beside))
    return read_columns(chosen.index, there, columns).append_column("key", table["key"])


def _finish(folder: Folder, chosen: Chosen, files: list[ShardFile]) -> None:
    """Write the card, which marks this as a subset, and last the manifest."""
    rows = len(chosen.table)
    articles = len(pc.unique(chosen.table["article_accession_id"]))
    origin = f"a subset of {chosen.index.manifest['source']}, dataset {chosen.index.digest[:16]}"
    manifest = replace(
        parse_manifest(chosen.index.manifest),
        source=origin,
        selection=str(chosen.choice),
        articles={"kept": articles},
        figures={"kept": rows},
        changes=None,
        files=files,
    )
    whole = Whole(len(chosen.index.table), chosen.index.digest)
    publish(folder, manifest, subset_of=whole)
