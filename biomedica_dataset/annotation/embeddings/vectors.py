"""The vectors of the images of an archive, as files.

::

    EMBEDDINGS/
      embeddings.json           model and preprocessing of the vectors; width of a block
      blocks/<block>.parquet    key, image_hash, vector of each pair; its metadata has the counts

A vector is stored as the bytes of its little-endian float16 numbers. Parquet stores a level for
each number of a list, and reads lists 35 times slower.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from biomedica_dataset.annotation.blocks import BlockTables
from biomedica_dataset.io.rules import PAIR_KEY, SHA256, Positive
from biomedica_dataset.io.tables import Column

from .model_id import ModelId  # noqa: TC001 - for pydantic


@dataclass(frozen=True, slots=True)
class EmbeddingsHeader:
    """PMCIDs per block, and the identity of the model that made the vectors."""

    width: Positive
    model: ModelId


class Embeddings(BlockTables[EmbeddingsHeader]):
    """The vectors of an archive's images in a folder: key, image_hash and vector of each pair."""

    what, name, header_type = "a folder of embeddings", "embeddings.json", EmbeddingsHeader

    @property
    def model(self) -> ModelId:
        """The identity of the model that made the vectors."""
        return self.header.model

    @property
    def columns(self) -> dict[str, Column]:
        """What the columns of a block may hold."""
        return {
            "key": Column(type=pa.string(), rule=PAIR_KEY, is_unique=True),
            "image_hash": Column(type=pa.string(), rule=SHA256),
            "vector": Column(type=pa.binary(2 * self.model.dim)),
        }

    def difference(self, header: EmbeddingsHeader) -> str:
        """Return why the folder cannot take vectors of another model or archive."""
        if self.model != header.model:
            return (
                f"{self.folder.url} has vectors of {self.model}; these would be of "
                f"{header.model}, and the two cannot be compared: name another folder"
            )
        return (
            f"{self.folder.url} was made from an archive with blocks of {self.width} PMCIDs; "
            f"this one has {header.width}; name another folder"
        )

    @property
    def digest(self) -> str:
        """Digest of the model identity: vectors with the same digest can be compared."""
        return hashlib.sha256(json.dumps(asdict(self.model)).encode()).hexdigest()

    def keys(self, block: int) -> list[str]:
        """Return the keys of a block's pairs."""
        found: list[str] = self.read(block, ["key"])["key"].to_pylist()
        return found

    def vectors(self, block: int) -> tuple[list[str], np.ndarray[Any, Any]]:
        """Return keys and vectors, float16 (n, d), of a block's pairs."""
        table = self.read(block, ["key", "vector"])
        return table["key"].to_pylist(), _as_matrix(table["vector"], self.model.dim)


def vector_table(keys: list[str], hashes: list[str], vectors: np.ndarray[Any, Any]) -> pa.Table:
    """Return the table of a block.

    Parameters
    ----------
    vectors
        float16 (n, d).
    """
    width = vectors.shape[1] * 2
    buffer = pa.py_buffer(np.ascontiguousarray(vectors, dtype="<f2").tobytes())
    stored = pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), len(keys), [None, buffer])
    columns = [pa.array(keys, pa.string()), pa.array(hashes, pa.string()), stored]
    return pa.table(columns, ["key", "image_hash", "vector"])


def _as_matrix(column: pa.ChunkedArray, dim: int) -> np.ndarray[Any, Any]:
    """Return a column of vectors as float16 (n, d)."""
    # A block has one chunk, which combine_chunks would copy.
    stored = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    flat = np.frombuffer(stored.buffers()[1] or b"", "<f2")
    return flat[stored.offset * dim :][: len(stored) * dim].reshape(-1, dim)
