"""Clusters of a million images: time, memory and inertia beside plain scikit-learn; assigning.

    python benchmarks/clusters.py [--rows 1000000] [--clusters 2000] [--seeds 3]

Made-up points in 25 dimensions: 5,000 groups of different width. Plain scikit-learn seeds on all
rows, which takes long; it gets ``--plain-rows`` of them, and ours the same for the comparison.
Vectors that are assigned are read from files, as `annotate assign` does.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import sys
import tempfile
import time
from pathlib import Path

from options import check


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--plain-rows", type=int, default=100_000)
    parser.add_argument("--clusters", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--dim", type=int, default=1024)
    parser.add_argument("--assigned", type=int, default=2_000_000)
    return parser


if __name__ == "__main__":
    check(arguments())


import numpy as np
from threadpoolctl import threadpool_limits

from biomedica_dataset.annotation.blocks import BlockRecord, write_block
from biomedica_dataset.annotation.clusters.assign import assign
from biomedica_dataset.annotation.clusters.cluster import k_means
from biomedica_dataset.annotation.clusters.cluster_model import (
    ClusterHeader,
    ClusterModel,
    arrays_of,
    nearest,
)
from biomedica_dataset.annotation.embeddings.model_id import ModelId
from biomedica_dataset.annotation.embeddings.vectors import (
    Embeddings,
    EmbeddingsHeader,
    vector_table,
)
from biomedica_dataset.io.folders import Folder

DIMENSIONS = 25
BLOCK = 4000  # images of a block


def made(rows: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(5000, DIMENSIONS)).astype(np.float32)
    width = rng.uniform(0.1, 0.6, size=5000).astype(np.float32)
    group = rng.integers(5000, size=rows)
    noise = rng.normal(size=(rows, DIMENSIONS)).astype(np.float32)
    return centers[group] + noise * width[group, None]


def compare(points: np.ndarray, clusters: int, seeds: int) -> None:
    """Print time and inertia beside scikit-learn, seed by seed."""
    from sklearn.cluster import KMeans  # not needed by the processes that assign

    ratios = []
    for seed in range(seeds):
        started = time.perf_counter()
        plain = KMeans(clusters, n_init=1, max_iter=100, random_state=seed).fit(points)
        theirs = time.perf_counter() - started
        started = time.perf_counter()
        ours = k_means(points, clusters, seed)
        took = time.perf_counter() - started
        ratios.append(ours.inertia / plain.inertia_)
        print(f"{len(points):,} rows, seed {seed}: scikit-learn {theirs:.1f} s, inertia "
              f"{plain.inertia_:,.0f}; ours {took:.1f} s ({took / theirs:.2f}), inertia "
              f"{ours.inertia:,.0f} ({ratios[-1]:.4f})", flush=True)  # fmt: skip
    if ratios:
        print(f"inertia beside scikit-learn's, mean of {seeds}: {np.mean(ratios):.4f}")


def processor_time() -> float:
    """Return the seconds that this process and those that it started and saw end have worked."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def time_assign(clusters: int, dim: int, rows: int) -> None:
    """Print how fast vectors in files get their clusters."""
    from sklearn.metrics import pairwise_distances_argmin_min

    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as home:
        folders = [Path(home, name) for name in ("vectors", "model", "assigned")]
        identity = ModelId(
            name="made", revision=None, weights="", dim=dim, size=224, preprocess="fit",
            mean=None, std=None, dtype="float32", pictures=1,
        )  # fmt: skip
        there = Embeddings.begin(Folder(folders[0]), EmbeddingsHeader(BLOCK, identity))
        part = rng.normal(size=(BLOCK, dim)).astype(np.float16)
        for block in range(rows // BLOCK):
            keys = [f"PMC{block * BLOCK + n}_g1" for n in range(BLOCK)]
            table = vector_table(keys, keys, part)
            write_block(there.folder, block, table, BlockRecord(fingerprint=str(block)))
        arrays = [rng.normal(size=s).astype(np.float32) / 8 for s in
                  [(dim,), (DIMENSIONS, dim), (clusters, DIMENSIONS)]]  # fmt: skip
        header = ClusterHeader(
            embeddings=there.digest, model="made", components=DIMENSIONS, clusters=clusters, seed=0,
            sample=0, explained=[], inertia=0.0, steps=0, sizes=[], made_of="",
            arrays=hashlib.sha256(arrays_of(*arrays)).hexdigest(),
        )  # fmt: skip
        ClusterModel(header, *arrays).save(Folder(folders[1]))
        before, started = processor_time(), time.perf_counter()
        assign(folders[0], folders[2], clusters=folders[1])
        spent, worked = time.perf_counter() - started, processor_time() - before
        print(f"assign from files of {dim} dimensions: {rows / spent:,.0f} rows/s, "
              f"{rows / worked:,.0f} for each second of a processor")  # fmt: skip
        points = rng.normal(size=(rows, DIMENSIONS)).astype(np.float32)
        with threadpool_limits(limits=1):
            started = time.process_time()
            nearest(points, arrays[2])
            spent = time.process_time() - started
            print(f"the nearest center alone, one processor: {rows / spent:,.0f} rows/s")
            started = time.process_time()
            pairwise_distances_argmin_min(points, arrays[2])
            spent = time.process_time() - started
            print(f"the same by scikit-learn: {rows / spent:,.0f} rows/s")


def main() -> None:
    options = arguments().parse_args()
    time_assign(options.clusters, options.dim, options.assigned)
    points = made(options.rows)
    compare(points[: options.plain_rows], options.clusters, options.seeds)
    started = time.perf_counter()
    found = k_means(points, options.clusters, 0)
    took = time.perf_counter() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{options.rows:,} rows: {took:.0f} s, {found.rounds} rounds, peak {memory:.1f} GB")


if __name__ == "__main__":
    sys.exit(main())
