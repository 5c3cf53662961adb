"""A run of cluster: PCA and k-means over the vectors of images, as the original did."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from biomedica_dataset.annotation.blocks import read_record
from biomedica_dataset.annotation.embeddings.vectors import Embeddings
from biomedica_dataset.engine.progress import Progress
from biomedica_dataset.errors import ArchiveError, UsageError
from biomedica_dataset.io.folders import Folder

from .cluster_model import (
    ARRAYS,
    HEADER,
    PLOTS,
    ClusterHeader,
    ClusterModel,
    arrays_of,
    check_finite,
    project,
)
from .cluster_plots import write_plots

if TYPE_CHECKING:
    import os

_SEEDED = 40
"""Points a cluster among which its first center is chosen. With 20 the inertia ended 0.5 % higher
than with all of a hundred thousand, with 40 the same; see ``docs/benchmarks.md``.
"""
_STEPS = 100
_TOLD = 10  # rounds after which progress is told


@dataclass(frozen=True, slots=True)
class ClusterReport:
    """What a run of cluster made.

    Parameters
    ----------
    is_new
        Whether anything was to be done.
    no_plots
        Why there are no plots.
    """

    model: ClusterModel
    is_new: bool
    no_plots: str | None = None

    def __str__(self) -> str:
        """Return the report in words."""
        lines = [str(self.model.header)]
        lines += [] if self.is_new else ["nothing to do: the clusters are up to date"]
        lines += [f"no plots: {self.no_plots}"] if self.no_plots else []
        return "\n".join(lines)


def cluster(
    embeddings: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    components: int = 25,
    clusters: int = 2000,
    seed: int = 0,
    sample: int = 1_000_000,
    progress: Progress | None = None,
) -> ClusterReport:
    """Make clusters of images and save them, or leave those there that are right.

    PCA by the eigenvectors of the covariance, then k-means: centers are chosen by k-means++ on a
    part of the sample, and moved by Lloyd's algorithm on the whole of it. The same vectors, options
    and machine give the same bytes.

    Parameters
    ----------
    components
        Dimensions that k-means works in; the paper has 25.
    clusters
        The paper has 2,000.
    seed
        Of sample and centers.
    sample
        Images at most, drawn by a hash of seed and key.

    Raises
    ------
    UsageError
        There are no embeddings, fewer images than clusters, fewer dimensions than components, or
        NaN or infinite values; or the output is something else.

    Examples
    --------
    >>> cluster("none", "clusters")
    Traceback (most recent call last):
        ...
    biomedica_dataset.errors.UsageError: none is not a folder of embeddings: it has no ...
    """
    opened, folder = Embeddings.open(embeddings), Folder(output)
    made_of = _made_of(opened, components, clusters, seed, sample)
    there = _there(folder, made_of)
    if there is not None:
        return ClusterReport(there, is_new=False, no_plots=_plot(there, folder))
    if components > opened.model.dim:
        msg = f"{components} components were asked for of vectors of {opened.model.dim} numbers"
        raise UsageError(msg)
    progress = progress or Progress()
    vectors = drawn(opened, sample, seed, progress)
    if len(vectors) < max(clusters, components):
        msg = (
            f"{opened.folder.url} holds {len(vectors):,} images, too few for {clusters:,} clusters "
            f"of {components} components; ask for fewer"
        )
        raise UsageError(msg)
    mean, axes, explained = _principal(vectors, components)
    found = k_means(project(vectors, mean, axes), clusters, seed, progress)
    arrays = arrays_of(mean, axes, found.centers)
    header = ClusterHeader(
        embeddings=opened.digest,
        model=str(opened.model),
        components=components,
        clusters=clusters,
        seed=seed,
        sample=len(vectors),
        explained=[round(float(share), 6) for share in explained],
        inertia=found.inertia,
        steps=found.rounds,
        sizes=np.bincount(found.labels, minlength=clusters).tolist(),
        arrays=hashlib.sha256(arrays).hexdigest(),
        made_of=made_of,
    )
    model = ClusterModel(header, mean, axes, found.centers)
    for name in (HEADER, *PLOTS):
        folder.remove(name)
    model.save(folder)
    return ClusterReport(model, is_new=True, no_plots=_plot(model, folder))


def _plot(model: ClusterModel, folder: Folder) -> str | None:
    """Write the plots where they can be drawn; return why not."""
    try:
        write_plots(model.header, folder)
    except UsageError as error:
        return str(error)
    return None


def _made_of(embeddings: Embeddings, *options: int) -> str:
    records = (read_record(embeddings.folder, block) for block in embeddings.blocks())
    fingerprints = [record.fingerprint for record in records if record is not None]
    parts = embeddings.digest, fingerprints, options
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _there(folder: Folder, made_of: str) -> ClusterModel | None:
    """Return the clusters that a folder holds already, if they are the ones wanted."""
    folder.sweep()
    if folder.exists(HEADER):
        try:
            model = ClusterModel.open(folder.url)
        except ArchiveError:  # to be made again
            return None
        return model if model.header.made_of == made_of else None
    if not folder.is_empty() and not folder.exists(ARRAYS):
        msg = f"{folder.url} holds something else than clusters; name a new folder"
        raise UsageError(msg)
    return None


def drawn(
    embeddings: Embeddings, count: int, seed: int, progress: Progress
) -> np.ndarray[Any, Any]:
    """Return the vectors of a sample, float32 (n, d): those whose keys have the lowest hashes.

    Which they are depends on keys and seed alone, not on blocks or their order.
    """
    blocks = embeddings.blocks()
    hashes = {block: _hashes(embeddings.keys(block), seed) for block in blocks}
    everything = np.concatenate([np.zeros(0, np.uint64), *hashes.values()])
    most = np.iinfo(np.uint64).max
    limit = np.partition(everything, count - 1)[count - 1] if len(everything) > count else most
    taken = {block: found <= limit for block, found in hashes.items()}
    rows = sum(int(own.sum()) for own in taken.values())
    sample = np.zeros((rows, embeddings.model.dim), np.float32)
    start = 0
    progress.start(len(taken), "blocks read")
    with progress.shown():
        for block, own in taken.items():
            stop = start + int(own.sum())
            sample[start:stop] = embeddings.vectors(block)[1][own]
            check_finite(sample[start:stop])
            progress.tick(1, stop - start, sample[start:stop].nbytes)
            start = stop
    return sample


def _hashes(keys: list[str], seed: int) -> np.ndarray[Any, Any]:
    digests = (hashlib.blake2b(f"{seed} {key}".encode(), digest_size=8).digest() for key in keys)
    return np.frombuffer(b"".join(digests), dtype=np.uint64)


def _principal(vectors: Any, components: int) -> tuple[Any, Any, Any]:
    from sklearn.decomposition import PCA

    found = PCA(n_components=components, svd_solver="covariance_eigh").fit(vectors)
    mean, axes = found.mean_.astype(np.float32), found.components_.astype(np.float32)
    return mean, axes, found.explained_variance_ratio_


@dataclass(frozen=True, slots=True, kw_only=True)
class KMeansResult:
    """What k-means found.

    Parameters
    ----------
    centers
        float32 (clusters, components).
    labels
        The cluster of each point, int32 (n,).
    """

    centers: np.ndarray[Any, Any]
    labels: np.ndarray[Any, Any]
    inertia: float
    rounds: int


def k_means(
    points: np.ndarray[Any, Any], clusters: int, seed: int, progress: Progress | None = None
) -> KMeansResult:
    """Return what the k-means of scikit-learn finds in points (n, components).

    Seeding takes a distance of every point to every center; on a part of the points it gives
    centers as good, at a fraction of the time.
    """
    from sklearn.cluster import KMeans, kmeans_plusplus
    from threadpoolctl import threadpool_limits

    progress = progress or Progress()
    rng = np.random.default_rng(seed)
    rows, some = _SEEDED * clusters, points
    if len(points) > rows:
        some = points[np.sort(rng.choice(len(points), rows, replace=False))]
    progress.start(_STEPS, "rounds at most")
    # Threads add their sums in the order in which they end. Of two sums the order is no matter.
    with progress.shown(), threadpool_limits(limits=2, user_api="openmp"):
        centers, _ = kmeans_plusplus(some, clusters, random_state=seed)
        rounds = 0
        while True:
            lloyd = KMeans(clusters, init=centers, n_init=1, max_iter=_TOLD, random_state=seed)
            centers = lloyd.fit(points).cluster_centers_
            rounds += lloyd.n_iter_
            progress.tick(lloyd.n_iter_, 0, 0)
            if lloyd.n_iter_ < _TOLD or rounds >= _STEPS:
                break
    return KMeansResult(
        centers=centers, labels=lloyd.labels_, inertia=float(lloyd.inertia_), rounds=rounds
    )
