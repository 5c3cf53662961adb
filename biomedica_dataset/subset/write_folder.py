"""Writes selected rows as a dataset folder."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from biomedica_dataset.card.write import CARD, publish
from biomedica_dataset.engine.fingerprint import code_fingerprint
from biomedica_dataset.folder.manifest import MANIFEST, Whole
from biomedica_dataset.folder.panel_rows import CONFIG as PANELS
from biomedica_dataset.folder.panel_rows import panel_rows
from biomedica_dataset.folder.parquet import TableWriter
from biomedica_dataset.folder.record import (
    ShardFile,
    ShardRecord,
    path_beside,
    read_index,
    read_record,
    write_record,
)
from biomedica_dataset.schema import (
    SCHEMA_VERSION,
    CaptionRow,
    IndexRow,
    Pair,
    PanelRow,
    VectorRow,
    column_names,
    to_table,
)
from biomedica_dataset.serialization.attributes import write_attributes
from biomedica_dataset.streaming.in_order import rows_in_order
from biomedica_dataset.streaming.reading.columns import read_columns

from .attributes import ChosenRows
from .panels import KEPT, figures_of, keep_panels, panel_columns
from .stage import SelectStage, Slice, slices_by_group

if TYPE_CHECKING:
    from biomedica_dataset.engine.outcome import StageRun
    from biomedica_dataset.engine.progress import Ticker
    from biomedica_dataset.engine.stage import WorkerContext
    from biomedica_dataset.io.partial import NewFile

_SHARD_ROWS = 2_000
_INDEX = "index/0000.parquet"
_CODE = ("folder.parquet", "subset.panels")


@dataclass(frozen=True)
class FolderStage(SelectStage[ShardRecord]):
    """Writes the shards of a dataset folder, then the index over them, card and manifest."""

    format: ClassVar[str] = "a dataset folder"

    @cached_property
    def figures(self) -> pa.Table:
        """The rows of the index to write."""
        return figures_of(self.chosen)

    def tasks(self) -> list[Slice]:
        """Return slices of one licence group and split each."""
        return slices_by_group(self.figures, _SHARD_ROWS)

    def record(self, task: Slice) -> ShardRecord | None:
        """Return the record of a slice whose files are there, written by the same code."""
        record = read_record(self.output, task.number)
        if record is None or record.fingerprint != code_fingerprint(_CODE):
            return None
        return record if record.is_whole(self.output) else None

    def make(self, task: Slice, context: WorkerContext) -> int:
        """Write the rows of a slice, with their captions and vectors, then its record."""
        files, places = self._write(task, context.progress.tick)
        names = column_names(IndexRow)
        rows = [IndexRow(**row) for row in task.table.select(names).to_pylist()]
        placed = [
            replace(row, file=task.name, row=number, **place)
            for number, (row, place) in enumerate(zip(rows, places, strict=True))
        ]
        record = ShardRecord(shard=task.number, fingerprint=code_fingerprint(_CODE), files=files)
        write_record(self.output, record, to_table(IndexRow, placed))
        return task.number

    def _write(self, task: Slice, tick: Ticker) -> tuple[list[ShardFile], list[dict[str, Any]]]:
        """Return the files of a slice, and where the image and caption of each row lie."""
        group = task.name.partition("/")[0]
        tables: dict[str, type] = {group: Pair, "captions": CaptionRow}
        vectors = self._vectors(task.table)
        if vectors is not None:
            tables["embeddings"] = VectorRow
        own, split = panel_columns(self.chosen.index, task.table), []
        if own:
            tables[PANELS] = PanelRow
        table = task.table
        kept = table[KEPT].to_pylist() if KEPT in table.column_names else None
        rows = rows_in_order(self.chosen.index, table, column_names(Pair))
        with ExitStack() as stack:
            stack.enter_context(closing(rows))
            made = {config: stack.enter_context(self.output.create()) for config in tables}
            writers = {config: TableWriter(made[config], of, {}) for config, of in tables.items()}
            for number, row in enumerate(rows):
                if kept is not None:
                    keep_panels(row, kept[number])
                pair = Pair(**row)
                if pair.panels:
                    split.append((number, {**row, "image": None}))
                writers[group].write(pair)
                writers["captions"].write(pair)
                tick(1, 1, len(row["image"]["bytes"]))
            for row in [] if vectors is None else vectors.to_pylist():
                writers["embeddings"].write(VectorRow(**row))
            places = writers[group].close()
            for number, row in split:
                for view in panel_rows(row, own, {"file": task.name, **places[number]}):
                    writers[PANELS].write(view)
            files = []
            for config, writer in writers.items():
                name = task.name
                if config != group:
                    writer.close()
                    name = path_beside(task.name, config, self.splits)
                files.append(_publish(made[config], writer, config, name))
        return files, places

    def _vectors(self, table: pa.Table) -> pa.Table | None:
        """Return the vectors of rows, if the source has any: their rows match those of images."""
        index = self.chosen.index
        splits = self.splits
        beside = [path_beside(path, "embeddings", splits) for path in table["file"].to_pylist()]
        if not set(beside) & index.files.keys():
            return None
        place = table.schema.get_field_index("file")
        columns = [name for name in column_names(VectorRow) if name != "key"]
        there = table.set_column(place, "file", pa.array(beside))
        return read_columns(index, there, columns).append_column("key", table["key"])

    def retract(self) -> None:
        """Remove card and manifest while the rest changes."""
        self.output.remove(CARD)
        self.output.remove(MANIFEST)

    def finish(self, run: StageRun[ShardRecord, int]) -> None:
        """Write the index, the attributes, the card, and last the manifest."""
        if not run.made and self.output.exists(CARD) and self.output.exists(MANIFEST):
            return
        chosen, files = self.chosen, [file for one in run.records.values() for file in one.files]
        with self.output.create() as file:
            writer = TableWriter(file, IndexRow, {})
            parts = (read_index(self.output, number) for number in run.records)
            writer.write_table(pa.concat_tables(parts))
            writer.close()
            index = _publish(file, writer, "index", _INDEX)
        manifest = chosen.index.manifest
        sources = [ChosenRows(chosen.index, one) for one in manifest.attributes]
        attributes, beside = write_attributes(self.output, [index], self.splits, sources)
        figures = self.figures
        panels = pc.drop_null(figures["panel_count_found"]).to_pylist()
        split = {"kept": len(panels), "not_split": len(figures) - len(panels)}
        are_joined = bool(manifest.split_figures)
        manifest = replace(
            manifest,
            schema_version=SCHEMA_VERSION,
            source=f"a subset of {manifest.source}, dataset {chosen.index.digest[:16]}",
            selection=str(chosen.choice),
            articles={"kept": len(pc.unique(figures["article_accession_id"]))},
            figures={"kept": len(figures)},
            split_figures={word: n for word, n in split.items() if n and are_joined},
            panels={"kept": sum(panels)} if are_joined else {},
            document_figures={},
            document_tables={},
            changes=None,
            files=[*sorted(files, key=lambda file: file.path), index, *beside],
            search=None,
            attributes=attributes,
            subset_of=Whole(len(chosen.index.table), chosen.index.digest),
        )
        publish(self.output, manifest)


def _publish(file: NewFile, writer: TableWriter, config: str, path: str) -> ShardFile:
    file.publish(path)
    return ShardFile(path, config, writer.rows, file.size, writer.memory, file.sha256)
