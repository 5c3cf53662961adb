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
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from biomedica_dataset.annotation.blocks import block_numbers, read_block
from biomedica_dataset.errors import UsageError
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.io.headers import begin_folder, read_header
from biomedica_dataset.io.rules import PAIR_KEY, SHA256, Positive
from biomedica_dataset.io.tables import Column

from .model_id import ModelId  # noqa: TC001 - for pydantic

if TYPE_CHECKING:
    import os

FORMAT_VERSION = 1
HEADER = "embeddings.json"
_WHAT = "a folder of embeddings"


@dataclass(frozen=True, slots=True)
class _Header:
    width: Positive
    model: ModelId


class Embeddings:
    """The vectors of an archive's images in a folder.

    Parameters
    ----------
    folder
        Where the files are.
    width
        PMCIDs per block.
    model
        The identity of the model that made the vectors.
    """

    def __init__(self, folder: Folder, width: int, model: ModelId) -> None:
        self.folder, self.width, self.model = folder, width, model

    @classmethod
    def open(cls, url: str | os.PathLike[str]) -> Embeddings:
        """Open existing embeddings.

        Raises
        ------
        UsageError
            The folder has no embeddings, or another format version.
        """
        folder = Folder(url)
        header = read_header(folder, HEADER, _WHAT, FORMAT_VERSION, _Header)
        return cls(folder, header.width, header.model)

    @classmethod
    def begin(cls, folder: Folder, width: int, model: ModelId) -> Embeddings:
        """Begin an empty folder, or resume one of the same model.

        Raises
        ------
        UsageError
            The folder is something else, or has vectors of another model or archive.
        """
        header = asdict(_Header(width, model))
        found = begin_folder(folder, HEADER, _WHAT, FORMAT_VERSION, header, _Header)
        there = cls(folder, found.width, found.model)
        if there.model != model:
            msg = (
                f"{folder.url} has vectors of {there.model}; these would be of {model}, and the "
                "two cannot be compared: name another folder"
            )
            raise UsageError(msg)
        if there.width != width:
            msg = (
                f"{folder.url} was made from an archive with blocks of {there.width} PMCIDs; "
                f"this one has {width}; name another folder"
            )
            raise UsageError(msg)
        return there

    @property
    def digest(self) -> str:
        """Digest of the model identity: vectors with the same digest can be compared."""
        return hashlib.sha256(json.dumps(asdict(self.model)).encode()).hexdigest()

    def blocks(self) -> list[int]:
        """Return the numbers of the finished blocks, ascending."""
        return block_numbers(self.folder)

    def read(self, block: int, columns: list[str] | None = None) -> pa.Table:
        """Return key, image_hash and vector of a block's pairs, or some of these columns."""
        checks = {
            "key": Column(type=pa.string(), rule=PAIR_KEY, is_unique=True),
            "image_hash": Column(type=pa.string(), rule=SHA256),
            "vector": Column(type=pa.binary(2 * self.model.dim)),
        }
        return read_block(self.folder, block, checks, columns)

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
