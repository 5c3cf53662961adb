"""Converts a table for `datasets` and `pyarrow`, which are loaded only then."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from .columns import SCHEMA_VERSION, STRUCTURES, VERSIONS
from .described import features_dict, features_metadata, item_of

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Features


def column_names(table: type) -> list[str]:
    """Return the names of the columns of a table, in order.

    Examples
    --------
    >>> from biomedica_dataset.schema import Pair
    >>> column_names(Pair)[:3]
    ['key', 'image', 'caption']
    """
    return [field.name for field in dataclasses.fields(table)]


@cache
def column_types(table: type, version: str = SCHEMA_VERSION) -> dict[str, str]:
    """Return the types of the columns of a table, as a schema version has them, by name."""
    there = (f for f in dataclasses.fields(table) if int(f.metadata["since"]) <= int(version))
    return {field.name: field.metadata["type"] for field in there}


def features(table: type) -> Features:
    """Return the `datasets.Features` of a table."""
    from datasets import Features

    return Features.from_dict(features_dict(column_types(table)))


@cache
def arrow_schema(table: type, version: str = SCHEMA_VERSION) -> pa.Schema:
    """Return the Arrow schema of a table, with the ``huggingface`` and our version metadata."""
    import pyarrow as pa

    columns = column_types(table, version)
    return pa.schema(
        {name: _arrow_type(kind) for name, kind in columns.items()},
        {**features_metadata(columns), b"biomedica_schema_version": version.encode()},
    )


def _arrow_type(kind: str) -> pa.DataType:
    import pyarrow as pa

    if item := item_of(kind):
        return pa.list_(_arrow_type(item))
    if kind in STRUCTURES:
        return pa.struct({name: _arrow_type(part) for name, part in STRUCTURES[kind].items()})
    if kind == "image":
        return pa.struct({"bytes": pa.binary(), "path": pa.string()})
    return pa.type_for_alias(kind)


@cache
def later_columns(table: type) -> set[str]:
    """Return the columns of a table that the first schema version lacks."""
    return {f.name for f in dataclasses.fields(table) if f.metadata["since"] != VERSIONS[0]}


def to_table(table: type, rows: Sequence[Any], **ready: pa.Array) -> pa.Table:
    """Return rows of one table as an Arrow table.

    Parameters
    ----------
    ready
        Columns that already are Arrow arrays, such as images.
    """
    import pyarrow as pa

    columns = [
        ready[field.name]
        if field.name in ready
        else pa.array(list(map(attrgetter(field.name), rows)), type=field.type)
        for field in arrow_schema(table)
    ]
    return pa.Table.from_arrays(columns, schema=arrow_schema(table))


def to_dict(row: Any) -> dict[str, Any]:
    """Return a row as a dict of its columns, nested values as they are."""
    values = ((field.name, getattr(row, field.name)) for field in dataclasses.fields(row))
    return {name: dict(one) if isinstance(one, Mapping) else one for name, one in values}
