"""Joins attributes to rows of the index: only the files and columns that a condition asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .panels import panel_columns
from .texts import Texts

if TYPE_CHECKING:
    from biomedica_dataset.folder.attributes import Attribute
    from biomedica_dataset.folder.manifest import Manifest
    from biomedica_dataset.folder.record import ShardFile

    from .index import Index

_THREADS = 8


def attribute_columns(manifest: Manifest) -> list[str]:
    """Return the columns of attributes as conditions name them, such as ``mine.score``."""
    return [f"{one.name}.{column}" for one in manifest.attributes for column in one.columns]


def join_attributes(
    index: Index,
    table: pa.Table,
    names: Sequence[str],
    tell: Callable[[str], None],
) -> pa.Table:
    """Return rows of the index with columns of attributes; null where an image has no value.

    Parameters
    ----------
    table
        Rows of the index, or panels as `expand` returns them: a panel has what is known of itself,
        or if nothing is, what is known of its figure.
    names
        Such as ``mine.score``.
    tell
        Called with what was read, in words.
    """
    for attribute in index.manifest.attributes:
        wanted = [name for name in names if name.partition(".")[0] == attribute.name]
        if wanted:
            columns = [name.partition(".")[2] for name in wanted]
            found, received = _read(index, attribute, ["key", *columns])
            tell(f"read: {', '.join(wanted)}, {received / 1e6:,.2f} MB")
            rows = _places(index, table, found["key"].combine_chunks(), tell)
            for name, column in zip(wanted, columns, strict=True):
                table = table.append_column(name, found[column].take(rows))
    return table


def _places(
    index: Index, table: pa.Table, known: pa.Array, tell: Callable[[str], None]
) -> pa.ChunkedArray:
    """Return where the keys of rows stand among those of an attribute."""
    rows = pc.index_in(table["key"], value_set=known)
    of_figures = pc.is_in(known, value_set=index.table["key"].combine_chunks())
    if "panel" not in table.column_names or pc.all(of_figures).as_py():
        return rows
    own = panel_columns(index, table, ["key"], tell)[0]["key"]
    return pc.coalesce(pc.index_in(own, value_set=known), rows)


def _read(index: Index, attribute: Attribute, columns: list[str]) -> tuple[pa.Table, int]:
    """Return columns of an attribute, and how many bytes were received."""
    empty = attribute.schema.empty_table().select(columns)
    with closing(index.place.open()) as files, ThreadPoolExecutor(_THREADS) as pool:
        texts = Texts(files, index.files, columns, attribute.checks)

        def whole(file: ShardFile) -> pa.Table:
            return texts.groups(file.path, np.arange(file.rows))[1]

        parts = pool.map(whole, index.manifest.config_files(attribute.name))
        return pa.concat_tables([empty, *parts]), files.traffic.received
