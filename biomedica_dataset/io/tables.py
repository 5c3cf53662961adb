"""Parquet tables of our own, checked where they are read: size, columns, and every value."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from biomedica_dataset.schema import arrow_schema, later_columns

from .rules import Rule, shown

_ALWAYS = 2**28  # bytes of memory that any table may take
_TIMES = 100  # more than a table may take for each byte of its file
_WIDTH = 8  # bytes of a value


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What the values of a column may be.

    Parameters
    ----------
    rule
        Of each value, or of each item of a list.
    is_nullable
        Whether a value may be missing. Items of lists may never be.
    is_unique
        Whether all values differ.
    is_later
        Whether files of earlier versions lack the column; its values are then missing.
    parts
        The columns of a structure, or of those in a list.
    """

    type: pa.DataType
    rule: Rule | None = None
    is_nullable: bool = False
    is_unique: bool = False
    is_later: bool = False
    parts: Mapping[str, Column] = field(default_factory=dict)


def columns_of(table: type, rules: Mapping[str, Rule] | None = None) -> dict[str, Column]:
    """Return the columns of a table of `schema`.

    Parameters
    ----------
    rules
        Of columns by name, and of parts, such as ``panels.box``, which then may not be missing.
    """
    rules, types = rules or {}, arrow_schema(table)
    return {
        one.name: Column(
            type=types.field(one.name).type,
            rule=rules.get(one.name),
            is_nullable="None" in str(one.type),
            is_unique=one.name == "key",
            is_later=one.name in later_columns(table),
            parts=_parts(types.field(one.name), rules),
        )
        for one in dataclasses.fields(table)
    }


def _parts(of: pa.Field, rules: Mapping[str, Rule]) -> dict[str, Column]:
    """Return the parts of a list of structures that have a rule."""
    item = of.type.value_type if pa.types.is_list(of.type) else of.type
    return {
        part.name: Column(type=part.type, rule=rule)
        for part in (item if pa.types.is_struct(item) else ())
        if (rule := rules.get(f"{of.name}.{part.name}"))
    }


class CheckedFile:
    """A Parquet file whose footer is checked now, and its values when they are read.

    Texts are read as dictionaries first, so that one long text that many rows repeat takes no
    memory before it is refused.

    Parameters
    ----------
    metadata, size
        The footer, and the bytes of the file.
    columns
        The columns to read.

    Raises
    ------
    ValueError
        The table is larger than a file of this size can be, or a column is missing or of another
        type.
    """

    def __init__(self, metadata: pq.FileMetaData, size: int, columns: Mapping[str, Column]) -> None:
        known = metadata.schema.to_arrow_schema()
        there = set(known.names)
        self.metadata = metadata
        self._columns = {n: one for n, one in columns.items() if n in there or not one.is_later}
        self._whole = pa.schema([(name, one.type) for name, one in columns.items()])
        self._most = _ALWAYS + _TIMES * size
        _check_size(metadata, self._most)
        _check_types(known, self._columns)
        leaves = [metadata.schema.column(i) for i in range(metadata.num_columns)]
        self._texts = [
            leaf.path for i, leaf in enumerate(leaves)
            if leaf.path.partition(".")[0] in self._columns
            and leaf.logical_type.type == "STRING" and not _is_delta(metadata, i)
        ]  # fmt: skip

    def read(self, file: Any, group: int | None = None, *, use_threads: bool = True) -> pa.Table:
        """Return the columns of a row group, or of all.

        Raises
        ------
        ValueError
            A value is not allowed; the error names row and column.
        """
        parts, rows, taken = [self._whole.empty_table()], 0, 0
        for one in range(self.metadata.num_row_groups) if group is None else [group]:
            table = self._read(file, one, use_threads=use_threads)
            taken += check_values(table, self._columns, rows)
            if taken > self._most:
                msg = f"its texts unpack to more than {self._most:,} bytes"
                raise ValueError(msg)
            rows += table.num_rows
            parts.append(self._plain(table))
        whole = pa.concat_tables(parts)
        for name, column in self._columns.items():
            if column.is_unique:
                _check_unique(name, whole[name])
        return whole

    def _plain(self, table: pa.Table) -> pa.Table:
        """Return a table without dictionaries, and with the columns that its file lacks."""
        columns = [
            table[one.name].cast(one.type)
            if one.name in self._columns
            else pa.nulls(len(table), one.type)
            for one in self._whole
        ]
        return pa.table(columns, schema=self._whole)

    def _read(self, file: Any, group: int, *, use_threads: bool) -> pa.Table:
        """Return a row group with texts as dictionaries."""
        flat = [path for path in self._texts if "." not in path]
        for texts in (self._texts, flat):
            parquet = pq.ParquetFile(
                file, metadata=self.metadata, read_dictionary=texts, pre_buffer=False,
                page_checksum_verification=True,
            )  # fmt: skip
            names = list(self._columns)
            # Arrow reads a list of which a part only has a dictionary as plain texts alone.
            with contextlib.suppress(pa.ArrowNotImplementedError):
                return parquet.read_row_group(group, names, use_threads=use_threads).select(names)
        msg = f"row group {group} cannot be read as one"
        raise ValueError(msg)


def read_table(
    file: Any,
    columns: Mapping[str, Column],
    names: Iterable[str] | None = None,
    *,
    use_threads: bool = True,
) -> pa.Table:
    """Return the columns of a Parquet file, all of them by default.

    Raises
    ------
    ValueError
        See `CheckedFile`.
    """
    size = file.seek(0, 2)
    wanted = columns if names is None else {name: columns[name] for name in names}
    return CheckedFile(pq.read_metadata(file), size, wanted).read(file, use_threads=use_threads)


def _is_delta(metadata: pq.FileMetaData, column: int) -> bool:
    """Whether a column shares the beginnings of its texts, which Arrow reads as texts alone."""
    groups = (metadata.row_group(i) for i in range(metadata.num_row_groups))
    return any("DELTA_BYTE_ARRAY" in group.column(column).encodings for group in groups)


def _check_size(metadata: pq.FileMetaData, most: int) -> None:
    """Raise a ValueError if the columns of a file would take too much memory."""
    groups = (metadata.row_group(i) for i in range(metadata.num_row_groups))
    chunks = (group.column(i) for group in groups for i in range(group.num_columns))
    taken = 0
    for chunk in chunks:
        taken += max(chunk.total_uncompressed_size, chunk.num_values * _WIDTH)
        if taken > most or min(chunk.num_values, chunk.total_uncompressed_size) < 0:
            msg = f"it unpacks to more than {most:,} bytes, or to a negative number"
            raise ValueError(msg)


def _check_types(schema: pa.Schema, columns: Mapping[str, Column]) -> None:
    """Raise a ValueError if a column is missing, there twice, or of another type."""
    for name, column in columns.items():
        places = schema.get_all_field_indices(name)
        if len(places) != 1:
            msg = f"it has {'more than one' if places else 'no'} column {name}"
            raise ValueError(msg)
        if schema.field(name).type != column.type:
            msg = f"its column {name} must be {column.type}, not {schema.field(name).type}"
            raise ValueError(msg)


def check_values(table: pa.Table, columns: Mapping[str, Column], start: int = 0) -> int:
    """Return how much memory the texts of a table take that are dictionaries now.

    Parameters
    ----------
    start
        Number of the first row, for errors.

    Raises
    ------
    ValueError
        A value is not allowed; the error names row and column.
    """
    taken = 0
    for name, column in columns.items():
        first = start
        for chunk in table[name].chunks:
            taken += _check(chunk, column, name, first)
            first += len(chunk)
    return taken


def _check(values: pa.Array, column: Column, name: str, start: int) -> int:
    """Check one chunk of a column, whose first row has the number ``start``."""
    if values.null_count and not column.is_nullable:
        _refuse(pc.is_null(values), values, name, start, "may not be missing")
    if pa.types.is_list(values.type):
        items = pc.list_flatten(values)
        part = Column(type=items.type, rule=column.rule, parts=column.parts)
        try:
            return _check(items, part, name, 0)
        except _ItemError as error:
            row = pc.list_parent_indices(values)[error.row].as_py()
            raise _ItemError(start + row, error.told) from error
    if pa.types.is_struct(values.type):
        parts = column.parts.items()
        return sum(_check(pc.struct_field(values, p), c, f"{name}.{p}", start) for p, c in parts)
    if pa.types.is_dictionary(values.type):
        lengths = pc.binary_length(values.dictionary).cast(pa.int64())
        if column.rule and pc.all(column.rule.column(values.dictionary)).as_py() is False:
            _apply(column.rule, values.dictionary_decode(), name, start)
        return pc.sum(lengths.take(values.indices)).as_py() or 0
    if column.rule:
        _apply(column.rule, values, name, start)
    return 0


def _apply(rule: Rule, values: pa.Array, name: str, start: int) -> None:
    wrong = pc.invert(rule.column(values))
    if pc.any(wrong).as_py():
        _refuse(wrong, values, name, start, f"must be {rule.meaning}")


class _ItemError(ValueError):
    """A value is not allowed.

    Parameters
    ----------
    row
        Its number, from 0.
    """

    def __init__(self, row: int, told: str) -> None:
        super().__init__(f"row {row}: {told}")
        self.row, self.told = row, told


def _refuse(wrong: pa.BooleanArray, values: pa.Array, name: str, start: int, must: str) -> None:
    row = pc.index(pc.fill_null(wrong, fill_value=False), True).as_py()
    value = values[row].as_py()
    told = f"{name} {must}" + ("" if value is None else f", not {shown(value)}")
    raise _ItemError(start + row, told)


def _check_unique(name: str, column: pa.ChunkedArray) -> None:
    if pc.count_distinct(column).as_py() < len(column):
        counts = pc.value_counts(column)
        repeated = counts.filter(pc.greater(counts.field("counts"), 1)).field("values")[0]
        msg = f"two rows have the {name} {shown(repeated.as_py())}"
        raise ValueError(msg)
