"""The cluster of every image, as files.

::

    ASSIGNMENTS/
      assignments.json          number of clusters, digest of their model, width of a block
      blocks/<block>.parquet    key, cluster, distance to its center (null if unknown)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pyarrow as pa

from biomedica_dataset.annotation.blocks import BlockTables, block_name
from biomedica_dataset.io.rules import PAIR_KEY, Between, Positive
from biomedica_dataset.io.tables import Column
from biomedica_dataset.keys import pmcid

_CLUSTERS, _DISTANCES = Between(0, 2**31 - 1), Between(0, float(np.finfo(np.float32).max))
SCHEMA = pa.schema({"key": pa.string(), "cluster": pa.int32(), "distance": pa.float32()})


@dataclass(frozen=True, slots=True)
class AssignmentsHeader:
    """PMCIDs per block, and the clusters.

    Parameters
    ----------
    clusters
        Number of clusters, numbered from 0.
    model
        Digest of the cluster model, or of the table that the clusters were read from.
    """

    width: Positive
    clusters: Annotated[int, _CLUSTERS]
    model: str


class Assignments(BlockTables[AssignmentsHeader]):
    """The clusters of images in a folder: key, cluster and distance."""

    what, name, header_type = (
        "a folder of cluster assignments",
        "assignments.json",
        AssignmentsHeader,
    )

    @property
    def clusters(self) -> int:
        """Number of clusters."""
        return self.header.clusters

    @property
    def model(self) -> str:
        """Digest of the cluster model."""
        return self.header.model

    @property
    def columns(self) -> dict[str, Column]:
        """What the columns of a block may hold."""
        return {
            "key": Column(type=pa.string(), rule=PAIR_KEY, is_unique=True),
            "cluster": Column(type=pa.int32(), rule=Between(0, self.clusters - 1)),
            "distance": Column(type=pa.float32(), rule=_DISTANCES, is_nullable=True),
        }

    def difference(self, header: AssignmentsHeader) -> str:
        """Return why the folder cannot take assignments to other clusters."""
        return f"{self.folder.url} has assignments to other clusters; name another folder"

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
