"""Which images of an archive are copies, as files.

::

    DUPLICATES/
      duplicates.json           width of a block
      blocks/<block>.parquet    key, key of the group's keeper, size of the group, is_keeper
      pairs.parquet             first, second, measure, distance in bits, cosine, similarity
      sheets/<number>.png       pairs of copies side by side, if asked for
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from biomedica_dataset.annotation.blocks import BlockTables
from biomedica_dataset.io.rules import PAIR_KEY, POSITIVE, Between, OneOf, Positive
from biomedica_dataset.io.tables import Column

_COLUMNS = {
    "key": Column(type=pa.string(), rule=PAIR_KEY, is_unique=True),
    "keeper": Column(type=pa.string(), rule=PAIR_KEY),
    "size": Column(type=pa.int64(), rule=POSITIVE),
    "is_keeper": Column(type=pa.bool_()),
}
SCHEMA = pa.schema([(name, column.type) for name, column in _COLUMNS.items()])
PAIRS = "pairs.parquet"
MEASURES = ("bytes", "hash", "vector")
"""What brings two images together: equal bytes, near hashes or near vectors."""

_PAIR_COLUMNS = {
    "first": Column(type=pa.string(), rule=PAIR_KEY),
    "second": Column(type=pa.string(), rule=PAIR_KEY),
    "measure": Column(type=pa.string(), rule=OneOf(MEASURES)),
    "distance": Column(type=pa.int64(), rule=Between(0, 64), is_nullable=True),
    "cosine": Column(type=pa.float64(), rule=Between(0, 1), is_nullable=True),
    "similarity": Column(type=pa.float64(), rule=Between(0, 1)),
}
PAIR_SCHEMA = pa.schema([(name, column.type) for name, column in _PAIR_COLUMNS.items()])


@dataclass(frozen=True, slots=True)
class DuplicatesHeader:
    """PMCIDs per block."""

    width: Positive


class Duplicates(BlockTables[DuplicatesHeader]):
    """The groups of an archive's images in a folder; an image without a copy is a group of one."""

    what, name, header_type = "a folder of duplicates", "duplicates.json", DuplicatesHeader
    columns = _COLUMNS

    def pairs(self) -> pa.Table:
        """Return the pairs of images that were compared."""
        return self.read_beside(PAIRS, _PAIR_COLUMNS)

    def difference(self, header: DuplicatesHeader) -> str:
        """Return why the folder cannot take duplicates of another archive."""
        return (
            f"{self.folder.url} has duplicates of an archive with blocks of {self.width} PMCIDs; "
            f"this one has {header.width}: name another folder"
        )
