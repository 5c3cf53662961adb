"""Finds images with near vectors, each within its cluster: never all pairs of all images.

Vectors alone do not tell copies: those of other images of a kind are as near as those of a crop. So
an image is compared only with its nearest, and thumbnails decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .align import Thumbnail, aligned_similarity
from .compare import Shares, read_thumbnail

if TYPE_CHECKING:
    from biomedica_dataset.annotation.clusters.assignments import Assignments
    from biomedica_dataset.annotation.embeddings.vectors import Embeddings
    from biomedica_dataset.annotation.look.measured import Look

    from .pairs import Numbers

LEAST_COSINE = 0.95
MOST_NEIGHBOURS = 16

_HELD = 2**30  # bytes of vectors of clusters that are in memory at once
_PRODUCTS = 2**25
_TOGETHER = 50_000  # pairs whose thumbnails are in memory at once
_CACHED = 1024  # images whose windows are in memory: 150 kB each

Vectors = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Neighbours:
    """The images of measures, by their vectors and clusters.

    Parameters
    ----------
    wanted
        Whether an image is compared, by its number: where it stands in the blocks of measures.
    least
        Cosine of neighbours, at least.
    """

    measured: Look
    embeddings: Embeddings
    assignments: Assignments
    wanted: np.ndarray[Any, np.dtype[np.bool_]]
    least: float

    @cached_property
    def clusters(self) -> np.ndarray[Any, np.dtype[np.int32]]:
        """The cluster of each image; -1 if it has no vector, no cluster, or is not wanted."""
        found = np.full(len(self.wanted), -1, np.int32)
        for block, keys, start in self._blocks():
            known = self.assignments.read(block, ["key", "cluster"])
            places = pc.index_in(keys, value_set=known["key"].combine_chunks())
            clusters = pc.fill_null(known["cluster"].take(places), -1).to_numpy()
            vectors = self.embeddings.read(block, ["key"])["key"]
            has_vector = pc.is_in(keys, value_set=vectors.combine_chunks())
            own = slice(start, start + len(keys))
            found[own] = np.where(self.wanted[own] & has_vector.to_numpy(), clusters, -1)
        return found

    def pairs(self) -> tuple[Numbers, Numbers, Shares]:
        """Return first and second image and cosine of each pair of neighbours, each once."""
        parts = [_unique(*self._of_clusters(chosen)) for chosen in self._batches()]
        none = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
        first, second, cosine = (np.concatenate(part) for part in zip(none, *parts, strict=True))
        return first, second, cosine

    def _blocks(self) -> Iterator[tuple[int, pa.ChunkedArray, int]]:
        """Yield the blocks that have vectors and clusters, with keys and the first number."""
        there = set(self.embeddings.blocks()) & set(self.assignments.blocks())
        start = 0
        for block in self.measured.blocks():
            keys = self.measured.read(block, ["key"])["key"]
            if block in there:
                yield block, keys, start
            start += len(keys)

    def _batches(self) -> Iterator[np.ndarray[Any, Any]]:
        """Yield clusters of two images or more, whose vectors fit into memory together."""
        counts = np.bincount(self.clusters[self.clusters >= 0])
        several = np.flatnonzero(counts > 1)
        sizes = np.cumsum(counts[several] * 2 * self.embeddings.model.dim)
        for batch in np.unique(sizes // _HELD):
            yield several[sizes // _HELD == batch]

    def _of_clusters(self, chosen: np.ndarray[Any, Any]) -> tuple[Numbers, Numbers, Shares]:
        numbers, vectors = [np.zeros(0, np.int64)], []
        for block, keys, start in self._blocks():
            own = np.flatnonzero(np.isin(self.clusters[start : start + len(keys)], chosen))
            if len(own):
                named, there = self.embeddings.vectors(block)
                places = pc.index_in(keys.take(own), value_set=pa.array(named))
                numbers.append(own + start)
                vectors.append(there[places.to_numpy()])
        images, held = np.concatenate(numbers), np.concatenate(vectors)
        order = np.argsort(self.clusters[images], kind="stable")
        bounds = np.flatnonzero(np.diff(self.clusters[images[order]], prepend=-1, append=-1))
        found = [
            (*(images[part][place] for place in ends), cosine)
            for one, after in pairwise(bounds)
            for part in [order[one:after]]
            for *ends, cosine in [nearest(held[part], self.least)]
        ]
        first, second, cosines = (np.concatenate(part) for part in zip(*found, strict=True))
        return first, second, cosines


def nearest(vectors: Vectors, least: float) -> tuple[Numbers, Numbers, Shares]:
    """Return the pairs of vectors of which one is among the 16 nearest of the other.

    Parameters
    ----------
    vectors
        float16 (n, d).
    least
        Cosine, at least.

    Returns
    -------
    tuple
        Each vector, its neighbour and their cosine, up to twice a pair.

    Examples
    --------
    >>> first, second, cosine = nearest(np.float16([[1, 0], [0, 2], [3, 0.1]]), 0.9)
    >>> first, second, cosine.round(3)
    (array([0, 2]), array([2, 0]), array([0.999, 0.999]))
    """
    plain = vectors.astype(np.float32)
    plain /= np.linalg.norm(plain, axis=1, keepdims=True) + np.float32(1e-12)
    step = max(1, _PRODUCTS // len(plain))
    found = []
    for start in range(0, len(plain), step):
        cosines = plain[start : start + step] @ plain.T
        rows = np.arange(len(cosines))
        cosines[rows, rows + start] = -1
        most = min(MOST_NEIGHBOURS, len(plain))
        places = np.argpartition(-cosines, most - 1, axis=1)[:, :most]
        near = np.take_along_axis(cosines, places, axis=1)
        row, column = np.nonzero(near >= least)
        found.append(
            (row + start, places[row, column], np.minimum(near[row, column], 1).astype(np.float64))
        )
    first, second, cosine = (np.concatenate(part) for part in zip(*found, strict=True))
    return first, second, cosine


def _unique(first: Numbers, second: Numbers, cosine: Shares) -> tuple[Numbers, Numbers, Shares]:
    """Return each pair once, the lesser number first."""
    ends = np.stack([np.minimum(first, second), np.maximum(first, second)])
    pairs, places = np.unique(ends, axis=1, return_index=True)
    return pairs[0], pairs[1], cosine[places]


def aligned_similarities(
    first: Numbers, second: Numbers, thumbnails_of: Callable[[Numbers], Mapping[int, bytes]]
) -> Shares:
    """Return the `aligned_similarity` of pairs of images; see `similarities`."""
    found: Shares = np.zeros(len(first))
    for start in range(0, len(found), _TOGETHER):
        part = slice(start, start + _TOGETHER)
        images = thumbnails_of(np.concatenate([first[part], second[part]]))

        @lru_cache(_CACHED)
        def thumbnail(number: int, images: Mapping[int, bytes] = images) -> Thumbnail:
            return Thumbnail(read_thumbnail(images[number]))

        ends = zip(first[part].tolist(), second[part].tolist(), strict=True)
        found[part] = [aligned_similarity(thumbnail(one), thumbnail(two)) for one, two in ends]
    return found
