"""`attributes add`: anyone's table with a ``key`` becomes an attribute of a dataset folder."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from biomedica_dataset.card.write import publish
from biomedica_dataset.engine.launch import Launch
from biomedica_dataset.engine.lock import acquire
from biomedica_dataset.engine.report import Shown, Tally
from biomedica_dataset.errors import UsageError
from biomedica_dataset.folder.attribute_keys import index_keys
from biomedica_dataset.folder.attributes import COLUMN_NAME, CONFIG, NAME, TYPES, Attribute
from biomedica_dataset.folder.manifest import read_manifest
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.io.rules import shown
from biomedica_dataset.schema import TABLES, IndexRow, Pair, column_names

from .attributes import rows_of_keys, write_attributes

if TYPE_CHECKING:
    from biomedica_dataset.folder.record import ShardFile
    from biomedica_dataset.folder.splits import Splits

_OURS = {*column_names(Pair), *column_names(IndexRow)} - {"key"}
_READABLE = {".parquet": "Parquet", ".csv": "CSV"}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AddReport(Shown):
    """The result of adding an attribute.

    Parameters
    ----------
    rows
        Rows of the table, by outcome.
    without
        Images of the dataset folder without a row of their own.
    panels
        Rows of panels.
    not_numbers
        Values by column that are NaN or infinite, and became null.
    """

    name: str
    rows: dict[str, int]
    without: int
    panels: int
    not_numbers: dict[str, int]

    def __str__(self) -> str:
        """Return the report in words."""
        lines = Tally.of(self.rows).lines("rows")
        lines += [f"{self.panels:,} of the rows are of panels"] if self.panels else []
        lines.append(f"{self.without:,} images of the dataset folder have no row in {self.name}")
        lines += [
            f"{self.name}.{column}: {count:,} values are NaN or infinite, and became null"
            for column, count in self.not_numbers.items()
        ]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class _OwnTable:
    attribute: Attribute
    table: pa.Table
    not_numbers: dict[str, int]

    def rows(self, index: str, keys: pa.ChunkedArray) -> pa.Table:
        return self.table


def add_attribute(
    table: str | os.PathLike[str], dataset: str | os.PathLike[str], *, name: str
) -> AddReport:
    """Add a table to a dataset folder as an attribute, or replace the attribute of that name.

    Parameters
    ----------
    table
        Parquet or CSV with a column ``key``, of figures or of their panels, and columns of texts,
        numbers or truth values.
    name
        Name of the attribute: its column ``score`` is ``name.score`` in conditions.

    Raises
    ------
    UsageError
        The table cannot be read, repeats a key, has no key of the dataset folder, or has a column
        with the name of one of ours; or the name is not allowed.

    Examples
    --------
    >>> add_attribute("scores.csv", "archive", name="index")
    Traceback (most recent call last):
        ...
    biomedica_dataset.errors.UsageError: index is a config of every dataset folder; choose another \
name
    """
    _check_name(name)
    folder = Folder(dataset)
    own = _read(Path(table), name)
    with acquire(folder, Launch()) as lock:
        manifest = read_manifest(folder)
        index = manifest.config_files("index")
        counts = [_count(folder, own.table, file, manifest.splits) for file in index]
        figures, panels = (sum(column) for column in zip(*counts, strict=True))
        if not figures + panels:
            msg = f"{table} names no image of {folder.url}: its keys are of another archive"
            raise UsageError(msg)
        attributes, files = write_attributes(folder, index, manifest.splits, [own])
        others = [file for file in manifest.files if file.config != CONFIG]
        publish(folder, replace(manifest, files=others + files, attributes=attributes))
        lock.release()
    return AddReport(
        name=name,
        rows={"kept": figures + panels, "unknown key": own.table.num_rows - figures - panels},
        without=manifest.rows("index") - figures,
        panels=panels,
        not_numbers=own.not_numbers,
    )


def _count(folder: Folder, table: pa.Table, index: ShardFile, splits: Splits) -> tuple[int, int]:
    """Return the rows of a table that are of figures in a file of the index, and of panels."""
    figures, panels = index_keys(folder, index.path, splits)
    return len(rows_of_keys(table, figures)), len(rows_of_keys(table, panels))


def _check_name(name: str) -> None:
    if not NAME.holds(name):
        msg = f"the name {shown(name)} must be {NAME.meaning}"
        raise UsageError(msg)
    if name in TABLES or name == CONFIG:
        msg = f"{name} is a config of every dataset folder; choose another name"
        raise UsageError(msg)


def _read(path: Path, name: str) -> _OwnTable:
    table = _table(path)
    if "key" not in table.column_names or not pa.types.is_string(table.schema.field("key").type):
        msg = f"{path} has no column key of text; it has {', '.join(table.column_names[:20])}"
        raise UsageError(msg)
    columns = [column for column in table.column_names if column != "key"]
    for column in columns:
        if column in _OURS:
            msg = f"{path}: the column {column} has the name of one of ours; rename it"
            raise UsageError(msg)
        if not COLUMN_NAME.holds(column):
            msg = f"{path}: the column {shown(column)} must be {COLUMN_NAME.meaning}"
            raise UsageError(msg)
    if not columns:
        msg = f"{path} has no column besides key"
        raise UsageError(msg)
    _check_keys(table["key"], path)
    typed = {column: _typed(table[column], column, path) for column in columns}
    clean = {column: _finite(values) for column, values in typed.items()}
    made = f"added from a table with SHA-256 {hashlib.sha256(path.read_bytes()).hexdigest()}"
    types = {column: _name_of(values.type) for column, values in clean.items()}
    attribute = Attribute(name=name, made=made, columns=types)
    lost = {n: clean[n].null_count - typed[n].null_count for n in columns}
    whole = pa.table({"key": table["key"], **clean})
    return _OwnTable(attribute, whole, {n: count for n, count in lost.items() if count})


def _table(path: Path) -> pa.Table:
    from pyarrow import csv, parquet

    if path.suffix not in _READABLE:
        msg = f"{path} must be a table that ends in {' or '.join(_READABLE)}"
        raise UsageError(msg)
    try:
        table = parquet.read_table(path) if path.suffix == ".parquet" else csv.read_csv(path)
    except (OSError, pa.ArrowInvalid) as error:
        msg = f"{path} cannot be read as {_READABLE[path.suffix]}: {error}"
        raise UsageError(msg) from error
    if len(set(table.column_names)) < len(table.column_names):
        msg = f"{path} has two columns of the same name"
        raise UsageError(msg)
    return table


def _check_keys(keys: pa.ChunkedArray, path: Path) -> None:
    if keys.null_count:
        msg = f"{path}: {keys.null_count:,} rows have no key"
        raise UsageError(msg)
    counts = pc.value_counts(keys)
    repeated = counts.filter(pc.greater(counts.field("counts"), 1))
    if len(repeated):
        first = shown(repeated.field("values")[0].as_py())
        msg = f"{path}: {len(repeated):,} keys are repeated, such as {first}"
        raise UsageError(msg)


def _typed(values: pa.ChunkedArray, column: str, path: Path) -> pa.ChunkedArray:
    of = values.type
    for is_of, wanted in (
        (pa.types.is_boolean, pa.bool_()), (pa.types.is_float16, pa.float32()),
        (pa.types.is_float32, pa.float32()), (pa.types.is_floating, pa.float64()),
        (pa.types.is_integer, pa.int64()), (pa.types.is_null, pa.string()),
        (pa.types.is_string, pa.string()), (pa.types.is_large_string, pa.string()),
        (pa.types.is_dictionary, pa.string()),
    ):  # fmt: skip
        if is_of(of):
            try:
                return values.cast(wanted)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                msg = f"{path}: the column {column} cannot be {wanted}: {error}"
                raise UsageError(msg) from error
    msg = f"{path}: the column {column} is {of}; possible are {', '.join(TYPES)}"
    raise UsageError(msg)


def _finite(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return values with null for those that are not finite."""
    if not pa.types.is_floating(values.type):
        return values
    return pc.if_else(pc.is_finite(values), values, pa.scalar(None, values.type))


def _name_of(of: pa.DataType) -> str:
    return next(name for name, known in TYPES.items() if known == of)
