"""Centers of clusters in the space of a few components, as files.

::

    CLUSTERS/
      cluster.json             how they were made; written last
      cluster.npz              mean, components, centers
      scree.png, sizes.png     plots
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np

from biomedica_dataset.errors import UsageError
from biomedica_dataset.io.failures import reading
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.io.headers import read_header
from biomedica_dataset.io.rules import Count, Positive, Sha256  # noqa: TC001 - for pydantic

FORMAT_VERSION = 1
HEADER = "cluster.json"
ARRAYS = "cluster.npz"
PLOTS = ("scree.png", "sizes.png")
_AT_ONCE = 256  # rows, which fit into the cache of a processor


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterHeader:
    """How clusters were made.

    Parameters
    ----------
    embeddings
        Digest of the identity of the model that made the vectors.
    model
        That identity in words.
    sample
        Number of images that were clustered.
    explained
        Share of the variance that each component explains.
    inertia
        Sum of the squared distances of the sample to its centers.
    steps
        Rounds of Lloyd's algorithm.
    sizes
        Images of the sample in each cluster.
    arrays
        SHA-256 of the file of the arrays.
    made_of
        Fingerprint of the vectors and of the options.
    """

    embeddings: str
    model: str
    components: Positive
    clusters: Positive
    seed: int
    sample: Count
    explained: list[float]
    inertia: float
    steps: Count
    sizes: list[Count]
    arrays: Sha256
    made_of: str

    def __str__(self) -> str:
        used = sum(size > 0 for size in self.sizes)
        return (
            f"{self.clusters:,} clusters ({used:,} with an image) of {self.sample:,} images, "
            f"vectors of {self.model}\n{self.components} components explain "
            f"{sum(self.explained):.0%} of the variance; inertia {self.inertia:,.1f} after "
            f"{self.steps} rounds"
        )


@dataclass(frozen=True, slots=True)
class ClusterModel:
    """Centers in the space of a few components.

    Parameters
    ----------
    mean
        Mean of the vectors; float32 (d,).
    components
        float32 (components, d).
    centers
        float32 (clusters, components).
    """

    header: ClusterHeader
    mean: np.ndarray[Any, Any]
    components: np.ndarray[Any, Any]
    centers: np.ndarray[Any, Any]

    @property
    def digest(self) -> str:
        """Digest that assignments and votes refer to; it changes when any center changes."""
        return self.header.arrays

    def predict(self, vectors: np.ndarray[Any, Any]) -> tuple[Any, Any]:
        """Return cluster, int32 (n,), and distance to its center, float32 (n,), of vectors (n, d).

        Raises
        ------
        UsageError
            A vector contains NaN or infinite values.
        """
        # One thread always adds in the same order; several processes take whole blocks.
        with _libraries().limit(limits=1, user_api="blas"):
            points = project(vectors, self.mean, self.components)
            return nearest(points, self.centers)

    @classmethod
    def open(cls, url: str | os.PathLike[str]) -> ClusterModel:
        """Open an existing model.

        Raises
        ------
        UsageError
            The folder has no clusters, or another format version.
        ArchiveError
            Its arrays are truncated, or not those that its header describes.
        """
        folder = Folder(url)
        what = "a folder of clusters"
        described = read_header(folder, HEADER, what, FORMAT_VERSION, ClusterHeader)
        with reading(folder.path(ARRAYS), "Run `biomedica annotate cluster` again."):
            data = folder.read_bytes(ARRAYS)
            if hashlib.sha256(data).hexdigest() != described.arrays:
                msg = "its SHA-256 is not the one in the header"
                raise ValueError(msg)
            model = cls(described, **read_arrays(data, ("mean", "components", "centers")))
            model._check()
            return model

    def _check(self) -> None:
        """Raise a ValueError if the arrays do not match each other or the header."""
        wanted = (self.header.components, *self.mean.shape)
        shapes = (self.components.shape, self.centers.shape)
        if self.mean.ndim != 1 or shapes != (wanted, (self.header.clusters, wanted[0])):
            msg = f"its arrays have the shapes {self.mean.shape}, {shapes[0]} and {shapes[1]}"
            raise ValueError(msg)
        if not all(np.isfinite(a).all() for a in (self.mean, self.components, self.centers)):
            msg = "its arrays contain NaN or infinite values"
            raise ValueError(msg)

    def save(self, folder: Folder) -> None:
        """Write the model; its header, written last, makes it valid."""
        folder.write_bytes(ARRAYS, arrays_of(self.mean, self.components, self.centers))
        header = {"format_version": FORMAT_VERSION, **asdict(self.header)}
        folder.write_bytes(HEADER, json.dumps(header, indent=1).encode())


@cache
def _libraries() -> Any:
    """Return the libraries that compute in threads; finding them takes as long as 400 vectors."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def read_arrays(data: bytes, names: Sequence[str]) -> dict[str, Any]:
    """Return arrays of float32 from the content of a file.

    Raises
    ------
    ValueError
        It is not such a file, or an array would take more memory than the file.
    """
    found = {}
    with zipfile.ZipFile(io.BytesIO(data)) as stored:
        for name in names:
            part = stored.getinfo(f"{name}.npy")
            if part.compress_type != zipfile.ZIP_STORED or part.file_size > len(data):
                msg = f"{name} is compressed"
                raise ValueError(msg)
            file = io.BytesIO(stored.read(part))
            if np.lib.format.read_magic(file) != (1, 0):
                msg = f"{name} has another version of the format"
                raise ValueError(msg)
            shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
            rest = file.read()
            if dtype != np.float32 or math.prod(shape) * 4 != len(rest):
                msg = f"{name} has {len(rest)} bytes, which are not {shape} numbers of float32"
                raise ValueError(msg)
            found[name] = np.frombuffer(rest, np.float32).reshape(
                shape, order="F" if is_fortran else "C"
            )
    return found


def arrays_of(mean: Any, components: Any, centers: Any) -> bytes:
    """Return the content of the file of arrays."""
    held = io.BytesIO()
    np.savez(held, mean=mean, components=components, centers=centers)
    return held.getvalue()


def project(
    vectors: np.ndarray[Any, Any], mean: np.ndarray[Any, Any], components: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    """Return vectors (n, d) in the space of components, float32 (n, components).

    Raises
    ------
    UsageError
        A vector contains NaN or infinite values.
    """
    points = np.empty((len(vectors), len(components)), np.float32)
    axes = np.ascontiguousarray(components.T)
    with np.errstate(invalid="ignore"):  # reported below
        for start in range(0, len(vectors), _AT_ONCE):
            rows = slice(start, start + _AT_ONCE)
            np.matmul(vectors[rows].astype(np.float32), axes, out=points[rows])
        points -= mean @ axes
    check_finite(points)
    return points


def nearest(
    points: np.ndarray[Any, Any], centers: np.ndarray[Any, Any]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the nearest center, int32 (n,), and the distance to it, float32 (n,), of points.

    scikit-learn's ``pairwise_distances_argmin_min`` takes three times as long, as it computes in
    float64. The nearest center of a point minimizes ``|c|^2 - 2 p.c``, which is one matrix product
    of the points, each with a 1 appended.
    """
    clusters = np.zeros(len(points), np.int32)
    distances = np.zeros(len(points), np.float32)
    terms = np.vstack([-2 * centers.T, (centers**2).sum(axis=1)])
    extended = np.hstack([points, np.ones_like(points[:, :1])])
    compared = np.empty((_AT_ONCE, len(centers)), points.dtype)
    for start in range(0, len(points), _AT_ONCE):
        part = points[start : start + _AT_ONCE]
        to_all = compared[: len(part)]
        found = np.matmul(extended[start : start + _AT_ONCE], terms, out=to_all).argmin(axis=1)
        clusters[start : start + len(part)] = found
        distances[start : start + len(part)] = np.linalg.norm(part - centers[found], axis=1)
    return clusters, distances


def check_finite(numbers: np.ndarray[Any, Any]) -> None:
    """Raise a UsageError if there are NaN or infinite values."""
    if not np.isfinite(numbers).all():
        msg = "a vector contains NaN or infinite values; embed its images again"
        raise UsageError(msg)
