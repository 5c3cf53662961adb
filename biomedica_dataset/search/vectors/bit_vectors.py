"""Vectors of one bit a number, in flat files that are mapped into memory and read as a whole.

A row is the signs of its vector, in 64-bit words. Rows are first ranked by the bits that differ
from those of the query; the first of them are then ranked by the numbers of the query times the
signs, which finds more than the bits of both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from biomedica_dataset.errors import ArchiveError
from biomedica_dataset.folder.search_files import SEARCH, SearchFile
from biomedica_dataset.search.lexical import Hit

if TYPE_CHECKING:
    from biomedica_dataset.io.folders import Folder

Array = np.ndarray[Any, Any]
Item = TypeVar("Item")

_ROWS = 2**15  # at once: their words stay in the cache of a processor
_RESCORED = 8  # times as many rows as are asked for are ranked by the numbers of the query
_BATCH = 512  # texts or images


def row_bytes(dim: int) -> int:
    """Return the bytes of a row.

    Examples
    --------
    >>> row_bytes(384), row_bytes(70)
    (48, 16)
    """
    return -(-dim // 64) * 8


def to_bits(vectors: Array) -> Array:
    """Return the signs of vectors of shape (n, d), as uint8 of shape (n, `row_bytes`)."""
    bits = np.zeros((len(vectors), row_bytes(vectors.shape[1])), np.uint8)
    packed = np.packbits(vectors > 0, axis=1)
    bits[:, : packed.shape[1]] = packed
    return bits


def write_bits(
    items: Iterable[Item], encode: Callable[[Sequence[Item]], Array], path: str, folder: Folder
) -> SearchFile:
    """Write the bits of the vectors of texts or images."""
    with folder.create() as new:
        coming = iter(items)
        while some := list(islice(coming, _BATCH)):
            new.write(to_bits(encode(some)).tobytes())
        new.publish(f"{SEARCH}/{path}")
        return SearchFile(f"{SEARCH}/{path}", new.size, new.sha256)


class BitVectors:
    """The bits of the rows of each part.

    Parameters
    ----------
    paths
        A file for each part, with so many rows.
    """

    def __init__(self, paths: Sequence[tuple[Path, int]], dim: int) -> None:
        self._dim, self._parts = dim, []
        for path, rows in paths:
            if path.stat().st_size != rows * row_bytes(dim):
                msg = f"{path} has not {rows:,} rows; run `biomedica search build` again"
                raise ArchiveError(msg)
            shape = (rows, row_bytes(dim) // 8)
            self._parts.append(np.memmap(path, np.uint64, "r", shape=shape))

    def has_bits(self) -> list[Array]:
        """Return of each part which rows have any bit, bool of shape (rows,)."""
        return [(part != 0).any(axis=1) for part in self._parts]

    def signs(self, hit: Hit) -> Array:
        """Return the signs of a row as numbers, float32 of shape (d,)."""
        bits = self._parts[hit.part][hit.row].view(np.uint8)
        return np.unpackbits(bits)[: self._dim].astype(np.float32) * 2 - 1

    def find(self, query: Array, limit: int, allowed: Sequence[Array] | None = None) -> list[Hit]:
        """Return the rows nearest to a vector, the nearest first.

        Parameters
        ----------
        query
            float32 of shape (d,).
        allowed
            Of each part which rows may be found; all by default.
        """
        asked = to_bits(query[None]).view(np.uint64)[0]
        hits: list[Hit] = []
        most = _RESCORED * limit
        for number, part in enumerate(self._parts):
            rows = np.arange(len(part)) if allowed is None else np.flatnonzero(allowed[number])
            apart = self._apart(part, rows, asked, is_whole=allowed is None)
            if len(rows) > most:
                # Ties are broken by the row, so that the same query finds the same.
                nearest = np.argpartition(apart.astype(np.int64) * len(part) + rows, most)[:most]
                rows, apart = rows[nearest], apart[nearest]
            found = zip(rows.tolist(), apart.tolist(), strict=True)
            hits += [Hit(number, row, -float(far)) for row, far in found]
        hits.sort(key=lambda hit: (-hit.score, hit.part, hit.row))
        return self._rescored(query, hits[:most])[:limit]

    @staticmethod
    def _apart(part: Array, rows: Array, asked: Array, *, is_whole: bool) -> Array:
        """Return how many bits of rows differ from those that are asked for."""
        apart = np.empty(len(rows), np.uint16)
        for at in range(0, len(rows), _ROWS):
            some = part[at : at + _ROWS] if is_whole else part[rows[at : at + _ROWS]]
            counts = np.bitwise_count(some ^ asked)
            found = apart[at : at + _ROWS]
            found[:] = counts[:, 0]
            for word in range(1, counts.shape[1]):  # twice as fast as the sum over words
                found += counts[:, word]
        return apart

    def _rescored(self, query: Array, hits: list[Hit]) -> list[Hit]:
        if not hits:
            return []
        bits = np.stack([self._parts[hit.part][hit.row] for hit in hits]).view(np.uint8)
        signs = np.unpackbits(bits, axis=1)[:, : self._dim].astype(np.float32) * 2 - 1
        scores = (signs @ query / np.sqrt(self._dim)).tolist()
        scored = [Hit(hit.part, hit.row, score) for hit, score in zip(hits, scores, strict=True)]
        return sorted(scored, key=lambda hit: (-hit.score, hit.part, hit.row))
