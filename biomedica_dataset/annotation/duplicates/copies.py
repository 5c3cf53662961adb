"""Which images of an archive are copies, as files.

::

    DUPLICATES/
      duplicates.json           width of a block
      blocks/<block>.parquet    key, key of the group's keeper, size of the group, is_keeper
      pairs.parquet             first, second, distance in bits: what connects the groups
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from biomedica_dataset.annotation.blocks import BlockTables
from biomedica_dataset.io.rules import PAIR_KEY, POSITIVE, Positive
from biomedica_dataset.io.tables import Column

_COLUMNS = {
    "key": Column(type=pa.string(), rule=PAIR_KEY, is_unique=True),
    "keeper": Column(type=pa.string(), rule=PAIR_KEY),
    "size": Column(type=pa.int64(), rule=POSITIVE),
    "is_keeper": Column(type=pa.bool_()),
}
SCHEMA = pa.schema([(name, column.type) for name, column in _COLUMNS.items()])


@dataclass(frozen=True, slots=True)
class DuplicatesHeader:
    """PMCIDs per block."""

    width: Positive


class Duplicates(BlockTables[DuplicatesHeader]):
    """The groups of an archive's images in a folder; an image without a copy is a group of one."""

    what, name, header_type = "a folder of duplicates", "duplicates.json", DuplicatesHeader
    columns = _COLUMNS

    def difference(self, header: DuplicatesHeader) -> str:
        """Return why the folder cannot take duplicates of another archive."""
        return (
            f"{self.folder.url} has duplicates of an archive with blocks of {self.width} PMCIDs; "
            f"this one has {header.width}: name another folder"
        )
