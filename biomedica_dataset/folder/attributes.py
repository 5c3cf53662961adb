"""Attributes: tables of what is known of images, keyed by ``key``, beside the rows.

::

    attributes/<name>/<file>.parquet   the images of index/<file>.parquet that have a value
    .shards/attributes.json            which attributes there are; serialize keeps them
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import pyarrow as pa
import pyarrow.parquet as pq

from biomedica_dataset.io.rules import PAIR_KEY, Form
from biomedica_dataset.io.tables import Column
from biomedica_dataset.io.typed import read_json
from biomedica_dataset.schema import features_metadata

if TYPE_CHECKING:
    from biomedica_dataset.io.folders import Folder

CONFIG = "attributes"
"""The folder of attributes in a dataset folder."""

TYPES = {
    "string": pa.string(),
    "bool": pa.bool_(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float32": pa.float32(),
    "float64": pa.float64(),
}
"""The types that a column may have, by name."""

NAME = Form("[a-z][a-z0-9_]{0,39}", "small letters, digits and _, such as scores")
COLUMN_NAME = Form("[A-Za-z_][A-Za-z0-9_]{0,63}", "letters, digits and _, such as score")
_TYPE = Form("|".join(TYPES), f"one of {', '.join(TYPES)}")
_STORED = ".shards/attributes.json"
_GROUP_ROWS, _GROUP_BYTES = 2**17, 2**24


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """A table of what is known of images.

    Parameters
    ----------
    made
        How it was made and of what, in words; differs if the values do.
    columns
        Types by column, without ``key``.
    """

    name: Annotated[str, NAME]
    made: str
    columns: dict[Annotated[str, COLUMN_NAME], Annotated[str, _TYPE]]

    @property
    def types(self) -> dict[str, str]:
        """The types of the columns of its files, by name."""
        return {"key": "string", **self.columns}

    @property
    def schema(self) -> pa.Schema:
        """The columns of its files."""
        return pa.schema({name: TYPES[of] for name, of in self.types.items()})

    @property
    def checks(self) -> dict[str, Column]:
        """What the columns of its files may hold."""
        columns = {
            name: Column(type=TYPES[of], is_nullable=True) for name, of in self.columns.items()
        }
        return {"key": Column(type=pa.string(), rule=PAIR_KEY, is_unique=True)} | columns

    def path(self, index: str) -> str:
        """Return the path of the rows of a file of the index."""
        return f"{CONFIG}/{self.name}/{index.rpartition('/')[2]}"


def write_rows(folder: Folder, attribute: Attribute, path: str, table: pa.Table) -> tuple[int, str]:
    """Write a file of an attribute; return its bytes and its SHA-256."""
    metadata = features_metadata(attribute.types)
    rows = min(_GROUP_ROWS, 1 + _GROUP_BYTES * len(table) // max(table.nbytes, 1))
    with folder.create() as file:
        pq.write_table(
            table.cast(attribute.schema).replace_schema_metadata(metadata), file,
            compression="zstd", use_dictionary=False, row_group_size=rows,
            column_encoding={"key": "DELTA_BYTE_ARRAY"}, write_page_checksum=True,
        )  # fmt: skip
        file.publish(path)
        return file.size, file.sha256


def stored_attributes(folder: Folder) -> list[Attribute]:
    """Return the attributes that were last written to a dataset folder."""
    if not folder.exists(_STORED):
        return []
    return read_json(folder, _STORED, list[Attribute], "Remove it, and add the attributes again.")


def store_attributes(folder: Folder, attributes: list[Attribute]) -> None:
    """Note the attributes of a dataset folder, where serialize finds them without a manifest."""
    if attributes or folder.exists(_STORED):
        folder.write_bytes(_STORED, json.dumps([asdict(a) for a in attributes], indent=1).encode())
