"""The cluster of every image, as files.

::

    ASSIGNMENTS/
      assignments.json          number of clusters, digest of their model, width of a block
      blocks/<block>.parquet    key, cluster, distance to its center (null if unknown)
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import pyarrow as pa

from biomedica_dataset.annotation.blocks import block_name, block_numbers, read_block
from biomedica_dataset.errors import UsageError
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.io.headers import begin_folder, read_header
from biomedica_dataset.io.rules import PAIR_KEY, Between, Positive
from biomedica_dataset.io.tables import Column
from biomedica_dataset.keys import pmcid

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator


FORMAT_VERSION = 1
HEADER = "assignments.json"
_WHAT = "a folder of cluster assignments"
_CLUSTERS, _DISTANCES = Between(0, 2**31 - 1), Between(0, float(np.finfo(np.float32).max))
SCHEMA = pa.schema({"key": pa.string(), "cluster": pa.int32(), "distance": pa.float32()})


@dataclass(frozen=True, slots=True)
class _Header:
    width: Positive
    clusters: Annotated[int, _CLUSTERS]
    model: str


class Assignments:
    """The clusters of images in a folder.

    Parameters
    ----------
    width
        PMCIDs per block.
    clusters
        Number of clusters, numbered from 0.
    model
        Digest of the cluster model, or of the table that the clusters were read from.
    """

    def __init__(self, folder: Folder, width: int, clusters: int, model: str) -> None:
        self.folder, self.width, self.clusters, self.model = folder, width, clusters, model

    @classmethod
    def open(cls, url: str | os.PathLike[str]) -> Assignments:
        """Open existing assignments.

        Raises
        ------
        UsageError
            The folder has no assignments, or another format version.
        """
        folder = Folder(url)
        header = read_header(folder, HEADER, _WHAT, FORMAT_VERSION, _Header)
        return cls(folder, header.width, header.clusters, header.model)

    @classmethod
    def begin(cls, folder: Folder, width: int, clusters: int, model: str) -> Assignments:
        """Begin an empty folder, or resume one of the same clusters.

        Raises
        ------
        UsageError
            The folder is something else, or has assignments to other clusters.
        """
        header = _Header(width, clusters, model)
        stored = asdict(header)
        if begin_folder(folder, HEADER, _WHAT, FORMAT_VERSION, stored, _Header) != header:
            msg = f"{folder.url} has assignments to other clusters; name another folder"
            raise UsageError(msg)
        return cls(folder, width, clusters, model)

    def blocks(self) -> list[int]:
        """Return the numbers of the finished blocks, ascending."""
        return block_numbers(self.folder)

    def read(self, block: int) -> pa.Table:
        """Return key, cluster and distance of a block's images."""
        checks = {
            "key": Column(type=pa.string(), rule=PAIR_KEY, is_unique=True),
            "cluster": Column(type=pa.int32(), rule=Between(0, self.clusters - 1)),
            "distance": Column(type=pa.float32(), rule=_DISTANCES, is_nullable=True),
        }
        return read_block(self.folder, block, checks)

    def of_pmcids(self, first: int, after: int) -> dict[str, int]:
        """Return the cluster of each image of the articles ``first`` <= PMCID < ``after``."""
        return {
            key: cluster for key, cluster in self._rows(first, after) if first <= pmcid(key) < after
        }

    def digest(self, first: int, after: int) -> str:
        """Return a digest that changes when any of those assignments changes."""
        rows = sorted(self.of_pmcids(first, after).items())
        return hashlib.sha256(json.dumps([self.model, rows]).encode()).hexdigest()

    def _rows(self, first: int, after: int) -> Iterator[tuple[str, int]]:
        wanted = range(first // self.width, -(-after // self.width))
        for block in self.blocks() if len(wanted) > 1 else wanted:
            if block in wanted and self.folder.exists(block_name(block)):
                table = self.read(block)
                yield from zip(table["key"].to_pylist(), table["cluster"].to_pylist(), strict=True)


def as_table(keys: list[str], clusters: Any, distances: Any) -> pa.Table:
    """Return assignments as the table of a block."""
    columns = [
        pa.array(values, field.type)
        for values, field in zip((keys, clusters, distances), SCHEMA, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)
