"""Writes attributes beside an index: from tables per block, from one table, or from before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from biomedica_dataset.folder.attribute_keys import index_keys
from biomedica_dataset.folder.attributes import (
    CONFIG,
    TYPES,
    Attribute,
    store_attributes,
    stored_attributes,
    write_rows,
)
from biomedica_dataset.folder.record import AGAIN, ShardFile
from biomedica_dataset.io.tables import read_table
from biomedica_dataset.keys import pmcid

if TYPE_CHECKING:
    from biomedica_dataset.annotation.blocks import BlockTables
    from biomedica_dataset.folder.splits import Splits
    from biomedica_dataset.io.folders import Folder


class AttributeSource(Protocol):
    """Where the rows of an attribute come from."""

    @property
    def attribute(self) -> Attribute:
        """The attribute."""

    def rows(self, index: str, keys: pa.ChunkedArray) -> pa.Table:
        """Return rows of which some are those of keys, in any order.

        Parameters
        ----------
        index
            The file of the index that has the figures.
        keys
            Of figures and of panels.
        """


@dataclass(frozen=True)
class BlockRows:
    """The tables per block that a stage of annotation wrote."""

    tables: BlockTables[Any]

    @cached_property
    def attribute(self) -> Attribute:
        """The attribute, which has the name of the header."""
        names = {of: name for name, of in TYPES.items()}
        types = {n: one.type for n, one in self.tables.columns.items() if n != "key"}
        columns = {n: names[of] for n, of in types.items() if of in names}
        made = f"{self.tables.made}, {self.tables.state()[:16]}"
        return Attribute(name=self.tables.name.removesuffix(".json"), made=made, columns=columns)

    def rows(self, index: str, keys: pa.ChunkedArray) -> pa.Table:
        """Return the rows of the blocks that have some of the keys."""
        wanted = {pmcid(key) // self.tables.width for key in keys.to_pylist()}
        blocks = sorted(wanted & set(self.tables.blocks()))
        names = self.attribute.schema.names
        return pa.concat_tables(
            [
                self.attribute.schema.empty_table(),
                *(self.tables.read(block, names) for block in blocks),
            ]
        )


@dataclass(frozen=True, slots=True)
class StoredRows:
    """An attribute that the dataset folder has already."""

    folder: Folder
    attribute: Attribute

    def rows(self, index: str, keys: pa.ChunkedArray) -> pa.Table:
        """Return the rows that were written beside a file of the index."""
        path = self.attribute.path(index)
        if not self.folder.exists(path):
            return self.attribute.schema.empty_table()
        with self.folder.reading(path, AGAIN) as file:
            return read_table(file, self.attribute.checks)


def write_attributes(
    folder: Folder,
    index: Sequence[ShardFile],
    splits: Splits,
    sources: Iterable[AttributeSource],
    without: Collection[str] = (),
) -> tuple[list[Attribute], list[ShardFile]]:
    """Write attributes beside an index, and keep those that are there from before.

    A row is left out whose key is neither of a figure in the index nor of a panel of one.

    Parameters
    ----------
    without
        Names of attributes that are not kept from before.
    """
    new = {source.attribute.name: source for source in sources}
    kept: list[AttributeSource] = [
        StoredRows(folder, one)
        for one in stored_attributes(folder)
        if one.name not in (*new, *without)
    ]
    files = []
    everything = sorted([*kept, *new.values()], key=lambda source: source.attribute.name)
    for part in index if everything else ():
        figures, panels = index_keys(folder, part.path, splits)
        keys = pa.chunked_array([*figures.chunks, panels])
        files += [
            file for source in everything if (file := _write(folder, part.path, keys, source))
        ]
    attributes = [source.attribute for source in everything]
    _remove_others(folder, attributes, {file.path for file in files})
    store_attributes(folder, attributes)
    return attributes, files


def _write(
    folder: Folder, index: str, keys: pa.ChunkedArray, source: AttributeSource
) -> ShardFile | None:
    table = rows_of_keys(source.rows(index, keys), keys)
    if not table.num_rows:
        return None
    path = source.attribute.path(index)
    size, digest = write_rows(folder, source.attribute, path, table)
    return ShardFile(path, CONFIG, table.num_rows, size, table.nbytes, digest)


def rows_of_keys(table: pa.Table, keys: pa.ChunkedArray | pa.Array) -> pa.Table:
    """Return the rows of a table with some keys, in their order."""
    places = pc.index_in(keys, value_set=table["key"].combine_chunks())
    return table.take(places.drop_null())


def _remove_others(folder: Folder, attributes: list[Attribute], paths: set[str]) -> None:
    """Remove files of these attributes that belong to an earlier index."""
    for attribute in attributes:
        below = f"{CONFIG}/{attribute.name}"
        for name in folder.names(below):
            if f"{below}/{name}" not in paths:
                folder.remove(f"{below}/{name}")
