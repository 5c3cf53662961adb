"""Which images of an archive are in benchmarks, as files.

::

    OVERLAP/
      overlap.json              width of a block, what a row is of, the benchmarks by digest
      blocks/<block>.parquet    key, benchmarks and similarity of each image that is in one
      matches.parquet           benchmark, image, key, similarity: each image with its copies here
      checked.json              images of each benchmark by outcome
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import pyarrow as pa
import pyarrow.compute as pc

from biomedica_dataset.annotation.blocks import AGAIN, BlockTables
from biomedica_dataset.annotation.look.measured import UNITS
from biomedica_dataset.io.rules import PAIR_KEY, Between, Count, OneOf, Positive, Sha256
from biomedica_dataset.io.tables import Column
from biomedica_dataset.io.typed import read_json

_COLUMNS = {
    "key": Column(type=pa.string(), rule=PAIR_KEY, is_unique=True),
    "benchmarks": Column(type=pa.string()),
    "similarity": Column(type=pa.float64(), rule=Between(0, 1)),
}
SCHEMA = pa.schema([(name, column.type) for name, column in _COLUMNS.items()])
_MATCHES, _CHECKED = "matches.parquet", "checked.json"
_MATCH_COLUMNS = {
    "benchmark": Column(type=pa.string()),
    "image": Column(type=pa.string()),
    "key": Column(type=pa.string(), rule=PAIR_KEY),
    "similarity": Column(type=pa.float64(), rule=Between(0, 1)),
}
MATCHES = pa.schema([(name, column.type) for name, column in _MATCH_COLUMNS.items()])


@dataclass(frozen=True, slots=True)
class OverlapHeader:
    """PMCIDs per block, what a row is of, and the SHA-256 of each benchmark's images by name."""

    width: Positive
    unit: Annotated[str, OneOf(UNITS)]
    benchmarks: dict[str, Sha256]


class Overlap(BlockTables[OverlapHeader]):
    """The images of an archive that are in benchmarks; images in none have no row."""

    what, name, header_type = "a folder of overlap", "overlap.json", OverlapHeader
    columns = _COLUMNS

    @property
    def made(self) -> str:
        """What the benchmarks are, for the card."""
        return f"images of {', '.join(self.header.benchmarks)} among ours"

    def difference(self, header: OverlapHeader) -> str:
        """Return why the folder cannot take the overlap of another archive or benchmark."""
        return (
            f"{self.folder.url} has the overlap of other images: {self.made}, {self.header.unit}s; "
            "name another folder"
        )

    def keys(self) -> set[str]:
        """Return the keys of figures that are in benchmarks, or of which a panel is."""
        keys = set(self.read_all(["key"])["key"].to_pylist())
        if self.header.unit == "panel":
            keys |= {key.rpartition("-")[0] for key in keys if "-" in key}
        return keys

    def is_finished(self) -> bool:
        """Whether the matches are there, which are written after all blocks."""
        return self.folder.exists(_MATCHES) and self.folder.exists(_CHECKED)

    def matches(self) -> pa.Table:
        """Return the images of benchmarks, each with its copies here."""
        return self.read_beside(_MATCHES, _MATCH_COLUMNS)

    def images_of(self, benchmark: str) -> set[str]:
        """Return the images of a benchmark that have a copy here."""
        matches = self.matches()
        return set(matches.filter(pc.equal(matches["benchmark"], benchmark))["image"].to_pylist())

    def checked(self) -> dict[str, dict[str, int]]:
        """Return the images of each benchmark by outcome.

        Raises
        ------
        ArchiveError
            The file is broken.
        """
        return read_json(self.folder, _CHECKED, dict[str, dict[str, Count]], AGAIN)

    def write_matches(self, matches: pa.Table, checked: Mapping[str, Mapping[str, int]]) -> None:
        """Write the matches, and how many images were looked for."""
        self.write_beside(_MATCHES, matches)
        self.folder.write_bytes(_CHECKED, json.dumps(checked, indent=1).encode())
