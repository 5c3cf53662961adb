"""`cluster`: PCA and k-means over the vectors of images, as in the original."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from biomedica_dataset.annotation.blocks import read_record
from biomedica_dataset.annotation.embeddings.vectors import Embeddings
from biomedica_dataset.engine.fingerprint import digest_of
from biomedica_dataset.engine.launch import Launch
from biomedica_dataset.engine.lock import acquire
from biomedica_dataset.engine.progress import Progress
from biomedica_dataset.engine.report import Shown
from biomedica_dataset.errors import ArchiveError, UsageError
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.io.headers import refuse_foreign

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

_SEEDED = 40
"""Points per cluster from which the first centers are chosen. With 20, the final inertia was 0.5 %
higher than with all of a hundred thousand; with 40, it was the same. See
``docs/explanation/benchmarks.md``.
"""
_STEPS = 100
_ROUNDS_A_TICK = 10


@dataclass(frozen=True, slots=True, repr=False)
class ClusterReport(Shown):
    """The result of a run of cluster.

    Parameters
    ----------
    is_new
        Whether this run made the clusters.
    no_plots
        Why there are no plots.
    """

    model: ClusterModel
    is_new: bool
    no_plots: str | None = None

    def __str__(self) -> str:
        lines = [str(self.model.header)]
        lines += [] if self.is_new else ["nothing to do: the clusters are up to date"]
        lines += [f"no plots: {self.no_plots}"] if self.no_plots else []
        return "\n".join(lines)


def cluster(  # noqa: PLR0913 - each is given by name
    embeddings: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    components: int = 25,
    clusters: int = 2000,
    seed: int = 0,
    sample: int = 1_000_000,
    take_over: bool = False,
    progress: Progress | None = None,
) -> ClusterReport:
    """Cluster images and save the clusters, unless up-to-date ones exist.

    PCA uses the eigenvectors of the covariance. K-means chooses centers by k-means++ on a part of
    the sample, and refines them by Lloyd's algorithm on all of it. The same vectors, options and
    machine give the same bytes.

    Parameters
    ----------
    components
        Number of PCA components for k-means; 25 in the paper.
    clusters
        Number of clusters; 2,000 in the paper.
    seed
        Seed for the sample and the centers.
    sample
        Maximum number of images, drawn by a hash of seed and key.
    take_over
        Take the output over from another run.

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
    fingerprint = _fingerprint(opened, components, clusters, seed, sample)
    with acquire(folder, Launch(take_over=take_over)) as lock:
        model = _existing(folder, fingerprint)
        is_new = model is None
        if model is None:
            vectors = drawn(opened, sample, seed, progress or Progress())
            _check_enough(opened, vectors, components, clusters)
            model = _fit(opened, vectors, components, clusters, seed, fingerprint, progress)
            lock.check()
            for name in (HEADER, *PLOTS):
                folder.remove(name)
            model.save(folder)
        return ClusterReport(model, is_new=is_new, no_plots=_plot(model, folder))


def _check_enough(opened: Embeddings, vectors: Any, components: int, clusters: int) -> None:
    if components > opened.model.dim:
        msg = f"{components} components of vectors with {opened.model.dim} numbers; ask for fewer"
        raise UsageError(msg)
    if len(vectors) < max(clusters, components):
        msg = (
            f"{opened.folder.url} has {len(vectors):,} images, too few for {clusters:,} clusters "
            f"of {components} components; ask for fewer"
        )
        raise UsageError(msg)


def _fit(
    opened: Embeddings,
    vectors: np.ndarray[Any, Any],
    components: int,
    clusters: int,
    seed: int,
    fingerprint: str,
    progress: Progress | None,
) -> ClusterModel:
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
        made_of=fingerprint,
    )
    return ClusterModel(header, mean, axes, found.centers)


def _plot(model: ClusterModel, folder: Folder) -> str | None:
    """Write the plots; return why they cannot be drawn, if so."""
    try:
        write_plots(model.header, folder)
    except UsageError as error:
        return str(error)
    return None


def _fingerprint(embeddings: Embeddings, *options: int) -> str:
    records = (read_record(embeddings.folder, block) for block in embeddings.blocks())
    fingerprints = [record.fingerprint for record in records if record is not None]
    return digest_of(embeddings.digest, fingerprints, options)


def _existing(folder: Folder, fingerprint: str) -> ClusterModel | None:
    """Return the clusters that a folder has already, if they are up to date."""
    refuse_foreign(folder, "a folder of clusters", ARRAYS, HEADER)
    if folder.exists(HEADER):
        try:
            model = ClusterModel.open(folder.url)
        except ArchiveError:  # make it again
            return None
        return model if model.header.made_of == fingerprint else None
    return None


def drawn(
    embeddings: Embeddings, count: int, seed: int, progress: Progress
) -> np.ndarray[Any, Any]:
    """Return the vectors of a sample, float32 (n, d): those whose keys have the lowest hashes.

    The sample depends only on the keys and the seed, not on blocks or their order.
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
    """The result of k-means.

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
    """Run the k-means of scikit-learn on points (n, components).

    Seeding computes the distance of every point to every center. On a part of the points it gives
    equally good centers in a fraction of the time.
    """
    from sklearn.cluster import KMeans, kmeans_plusplus
    from threadpoolctl import threadpool_limits

    progress = progress or Progress()
    rng = np.random.default_rng(seed)
    rows, seeds = _SEEDED * clusters, points
    if len(points) > rows:
        seeds = points[np.sort(rng.choice(len(points), rows, replace=False))]
    progress.start(_STEPS, "rounds at most")
    # Threads add their sums in the order in which they end, which is irrelevant for two sums.
    with progress.shown(), threadpool_limits(limits=2, user_api="openmp"):
        centers, _ = kmeans_plusplus(seeds, clusters, random_state=seed)
        rounds = 0
        while True:
            lloyd = KMeans(
                clusters, init=centers, n_init=1, max_iter=_ROUNDS_A_TICK, random_state=seed
            )
            centers = lloyd.fit(points).cluster_centers_
            rounds += lloyd.n_iter_
            progress.tick(lloyd.n_iter_, 0, 0)
            if lloyd.n_iter_ < _ROUNDS_A_TICK or rounds >= _STEPS:
                break
    return KMeansResult(
        centers=centers, labels=lloyd.labels_, inertia=float(lloyd.inertia_), rounds=rounds
    )
