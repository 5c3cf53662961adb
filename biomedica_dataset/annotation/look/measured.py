"""What was measured of the images of an archive, as files.

::

    LOOK/
      look.json                 whether figures or panels were measured; width of a block
      blocks/<block>.parquet    key, image_hash, the measures and a thumbnail of each image
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pyarrow as pa

from biomedica_dataset.annotation.blocks import BlockTables
from biomedica_dataset.io.rules import PAIR_KEY, SHA256, Between, OneOf, Positive
from biomedica_dataset.io.tables import Column

UNITS = ("figure", "panel")
_SIDE = Between(1, 2**31 - 1)
_COLUMNS = {
    "key": Column(type=pa.string(), rule=PAIR_KEY, is_unique=True),
    "image_hash": Column(type=pa.string(), rule=SHA256),
    "is_decodable": Column(type=pa.bool_()),
    "width": Column(type=pa.int32(), rule=_SIDE),
    "height": Column(type=pa.int32(), rule=_SIDE),
    "frames": Column(type=pa.int32(), rule=_SIDE, is_nullable=True),
    "is_grey": Column(type=pa.bool_(), is_nullable=True),
    "white": Column(type=pa.float32(), rule=Between(0, 1), is_nullable=True),
    "entropy": Column(type=pa.float32(), rule=Between(0, 8), is_nullable=True),
    "sharpness": Column(type=pa.float32(), rule=Between(0, 2**24), is_nullable=True),
    "hash": Column(type=pa.int64(), is_nullable=True),
    "mirror_hash": Column(type=pa.int64(), is_nullable=True),
    "windows": Column(type=pa.binary(), is_nullable=True),
    "thumbnail": Column(type=pa.binary(), is_nullable=True),
}
SCHEMA = pa.schema([(name, column.type) for name, column in _COLUMNS.items()])


@dataclass(frozen=True, slots=True)
class LookHeader:
    """PMCIDs per block, and what a row is of: a ``figure`` or a ``panel``."""

    width: Positive
    unit: Annotated[str, OneOf(UNITS)]


class Look(BlockTables[LookHeader]):
    """The measures of an archive's images in a folder; those of an undecodable image are null."""

    what, name, header_type = "a folder of measures", "look.json", LookHeader
    columns = _COLUMNS

    def difference(self, header: LookHeader) -> str:
        """Return why the folder cannot take measures of another archive or unit."""
        return (
            f"{self.folder.url} has measures of {self.header.unit}s and blocks of {self.width} "
            f"PMCIDs; these would be of {header.unit}s and {header.width}: name another folder"
        )
