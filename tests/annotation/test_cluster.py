"""Clusters are the same for the same seed, and every image has the nearest."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from biomedica_dataset.annotation.blocks import BlockRecord, block_name, write_block
from biomedica_dataset.annotation.clusters.assign import assign
from biomedica_dataset.annotation.clusters.assignments import Assignments
from biomedica_dataset.annotation.clusters.cluster import cluster, drawn, k_means
from biomedica_dataset.annotation.clusters.cluster_model import (
    ClusterHeader,
    ClusterModel,
    arrays_of,
)
from biomedica_dataset.annotation.clusters.cluster_plots import _sizes, write_plots
from biomedica_dataset.annotation.clusters.imported import import_assignments
from biomedica_dataset.annotation.embeddings.model_id import ModelId
from biomedica_dataset.annotation.embeddings.vectors import (
    Embeddings,
    EmbeddingsHeader,
    vector_table,
)
from biomedica_dataset.engine.progress import Progress
from biomedica_dataset.errors import ArchiveError, UsageError
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.plotting import BLUE, plot

from ..trees import tree

MODEL = ModelId(
    name="made", revision=None, weights="0", dim=6, size=8, preprocess="fit", mean=None, std=None,
    dtype="float32", pictures=1,
)  # fmt: skip


def write_vectors(path, vectors, width=10):
    there = Embeddings.begin(Folder(path), EmbeddingsHeader(width, MODEL))
    for block in range(-(-len(vectors) // width)):
        part = vectors[block * width : (block + 1) * width].astype(np.float16)
        keys = [f"PMC{block * width + n}_g1" for n in range(len(part))]
        table = vector_table(keys, keys, part)
        write_block(there.folder, block, table, BlockRecord(fingerprint=str(block)))
    return there


def blobs(rows=200, groups=5, seed=0):
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(groups, 6)) * 20
    truth = rng.integers(groups, size=rows)
    return centers[truth] + rng.normal(size=(rows, 6)), truth


def test_groups_that_are_apart_become_clusters_and_images_their_members(tmp_path):
    vectors, truth = blobs()
    write_vectors(tmp_path / "vectors", vectors)
    model = cluster(tmp_path / "vectors", tmp_path / "model", components=3, clusters=5).model
    report = assign(
        tmp_path / "vectors", tmp_path / "assigned", clusters=tmp_path / "model", workers=1
    )
    found = Assignments.open(tmp_path / "assigned").of_pmcids(0, 1000)

    assert adjusted_rand_score(truth, [found[f"PMC{n}_g1"] for n in range(200)]) == 1
    assert sum(model.header.sizes) == report.images == 200
    assert model.header.explained == sorted(model.header.explained, reverse=True)
    assert "200 images in 5 of 5 clusters" in str(report)


def test_the_plot_of_sizes_shows_the_last_cluster():
    header = SimpleNamespace(sizes=[5, 5], clusters=2)
    with Image.open(io.BytesIO(plot(partial(_sizes, header)))) as drawn:
        blue = np.asarray(drawn.convert("RGB"))[drawn.height // 2, :, 0] == int(BLUE[1:3], 16)
    assert blue.sum() > 0.8 * drawn.width


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_and_plots(tmp_path):
    write_vectors(tmp_path / "vectors", blobs()[0])
    for name in ("a", "b"):
        model = cluster(
            tmp_path / "vectors", tmp_path / name, components=3, clusters=7, seed=4
        ).model
        write_plots(model.header, Folder(tmp_path / name))

    assert tree(tmp_path / "a") == tree(tmp_path / "b")
    assert {"scree.png", "sizes.png", "cluster.json", "cluster.npz"} == set(tree(tmp_path / "a"))
    other = cluster(tmp_path / "vectors", tmp_path / "c", components=3, clusters=7, seed=5).model
    assert other.digest != ClusterModel.open(tmp_path / "a").digest


@pytest.mark.slow
def test_the_same_command_again_does_nothing_and_a_new_vector_is_seen(tmp_path):
    vectors = blobs()[0]
    write_vectors(tmp_path / "vectors", vectors)
    options = {"components": 3, "clusters": 5}
    first = cluster(tmp_path / "vectors", tmp_path / "model", **options)
    before = tree(tmp_path / "model")
    again = cluster(tmp_path / "vectors", tmp_path / "model", **options)

    assert (first.is_new, again.is_new) == (True, False)
    assert "nothing to do" in str(again)
    assert tree(tmp_path / "model") == before
    assert cluster(tmp_path / "vectors", tmp_path / "model", **{**options, "clusters": 6}).is_new
    write_vectors(tmp_path / "vectors", np.concatenate([vectors, vectors[:10] + 1]))
    assert cluster(tmp_path / "vectors", tmp_path / "model", **{**options, "clusters": 6}).is_new
    (tmp_path / "model" / "cluster.npz").write_bytes(b"cut")
    assert cluster(tmp_path / "vectors", tmp_path / "model", **{**options, "clusters": 6}).is_new


def test_a_sample_depends_on_keys_and_seed_and_not_on_blocks(tmp_path):
    vectors = blobs()[0]
    a = drawn(write_vectors(tmp_path / "a", vectors, width=10), 50, 1, Progress())
    b = drawn(write_vectors(tmp_path / "b", vectors, width=70), 50, 1, Progress())
    c = drawn(write_vectors(tmp_path / "c", vectors, width=70), 50, 2, Progress())

    assert a.shape == (50, 6)
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)
    assert len(drawn(Embeddings.open(tmp_path / "a"), 10**6, 1, Progress())) == 200


@pytest.mark.slow
def test_seeding_on_a_part_is_as_good_as_on_all():
    points = np.random.default_rng(0).normal(size=(4000, 6)).astype(np.float32)
    ours = np.mean([k_means(points, 40, seed).inertia for seed in range(5)])
    plain = np.mean(
        [KMeans(40, n_init=1, random_state=seed).fit(points).inertia_ for seed in range(5)]
    )

    assert ours <= plain * 1.01


def test_lloyd_goes_on_to_where_scikit_learn_ends():
    points = np.random.default_rng(0).normal(size=(1500, 6)).astype(np.float32)
    found = k_means(points, 40, 3)
    plain = KMeans(40, n_init=1, max_iter=100, random_state=3).fit(points)

    assert found.rounds > 10
    assert found.inertia == pytest.approx(plain.inertia_, rel=0.03)
    distances = np.linalg.norm(points[:, None] - found.centers[None], axis=2)
    np.testing.assert_array_equal(found.labels, distances.argmin(axis=1))
    assert found.inertia == pytest.approx((distances.min(axis=1) ** 2).sum(), rel=1e-4)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**16), rows=st.integers(0, 40), clusters=st.integers(1, 9))
def test_the_cluster_is_the_nearest_center(seed, rows, clusters):
    rng = np.random.default_rng(seed)
    mean, axes = rng.normal(size=6), rng.normal(size=(3, 6))
    centers, vectors = rng.normal(size=(clusters, 3)), rng.normal(size=(rows, 6))
    model = ClusterModel(None, *(a.astype(np.float32) for a in (mean, axes, centers)))
    found, distances = model.predict(vectors.astype(np.float16))
    points = (vectors.astype(np.float16).astype(np.float64) - mean) @ axes.T
    expected = np.linalg.norm(points[:, None] - centers[None], axis=2)

    np.testing.assert_allclose(
        distances, expected.min(axis=1, initial=np.inf), rtol=1e-3, atol=1e-3
    )
    chosen = expected[np.arange(rows), found]
    np.testing.assert_allclose(chosen, distances, rtol=1e-3, atol=1e-3)


def test_assign_again_does_only_what_has_changed(embedded, clustered, assigned, tmp_path):
    shutil.copytree(assigned, tmp_path / "copy")
    before = tree(tmp_path / "copy")
    report = assign(embedded, tmp_path / "copy", clusters=clustered, workers=1)
    assert report.written == 0
    (tmp_path / "copy" / block_name(Embeddings.open(embedded).blocks()[0])).unlink()
    assert assign(embedded, tmp_path / "copy", clusters=clustered, workers=2).written == 1
    assert tree(tmp_path / "copy") == before


def test_digest_and_clusters_of_articles_follow_their_assignments(assigned, tmp_path):
    there = Assignments.open(assigned)
    table = pa.concat_tables(there.read(block) for block in there.blocks()).to_pylist()
    first = min(int(row["key"][3:].split("_")[0]) for row in table)
    own = there.of_pmcids(first, first + 1)

    assert own == {r["key"]: r["cluster"] for r in table if r["key"].startswith(f"PMC{first}_")}
    shutil.copytree(assigned, tmp_path / "copy")
    other = Assignments.open(tmp_path / "copy")
    assert other.digest(first, first + 1) == there.digest(first, first + 1)
    path = tmp_path / "copy" / block_name(first // there.width)
    changed = pq.read_table(path)
    clusters = pa.array([(c + 1) % 6 for c in changed["cluster"].to_pylist()], pa.int32())
    pq.write_table(changed.set_column(1, "cluster", clusters), path)
    assert other.digest(first, first + 1) != there.digest(first, first + 1)


class TestBadInput:
    def test_vectors_of_another_encoder(self, clustered, tmp_path):
        write_vectors(tmp_path / "vectors", blobs()[0])
        with pytest.raises(UsageError, match="cannot be compared"):
            assign(tmp_path / "vectors", tmp_path / "out", clusters=clustered)

    def test_a_model_that_is_cut_short(self, embedded, clustered, tmp_path):
        shutil.copytree(clustered, tmp_path / "cut")
        arrays = tmp_path / "cut" / "cluster.npz"
        arrays.write_bytes(arrays.read_bytes()[:-10])
        with pytest.raises(ArchiveError, match="cannot be read: its SHA-256"):
            assign(embedded, tmp_path / "out", clusters=tmp_path / "cut")

    def test_arrays_that_do_not_fit_their_header(self, clustered, tmp_path):
        model = ClusterModel.open(clustered)
        nan = model.centers.copy()
        nan[0, 0] = np.nan
        for arrays in (
            (model.mean[:1], model.components, model.centers),
            (model.mean, model.components[:, :-1], model.centers),
            (model.mean, model.components, model.centers[:-1]),
            (model.mean, model.components, nan),
        ):
            data = arrays_of(*arrays)
            header = replace(model.header, arrays=hashlib.sha256(data).hexdigest())
            ClusterModel(header, *arrays).save(Folder(tmp_path / "bad"))
            with pytest.raises(ArchiveError, match="its arrays"):
                ClusterModel.open(tmp_path / "bad")

    def test_fewer_images_than_clusters(self, embedded, tmp_path):
        with pytest.raises(UsageError, match=r"62 images, too few for 2,000 clusters"):
            cluster(embedded, tmp_path / "model")

    def test_more_components_than_dimensions(self, embedded, tmp_path):
        with pytest.raises(UsageError, match="65 components of vectors with 64"):
            cluster(embedded, tmp_path / "model", components=65, clusters=3)

    def test_numbers_that_are_none(self, tmp_path):
        vectors = blobs()[0]
        vectors[3, 2] = np.nan
        write_vectors(tmp_path / "vectors", vectors)
        with pytest.raises(UsageError, match="NaN or infinite values"):
            cluster(tmp_path / "vectors", tmp_path / "model", components=3, clusters=5)

    def test_numbers_that_are_none_get_no_cluster(self, tmp_path):
        vectors = blobs()[0]
        write_vectors(tmp_path / "vectors", vectors)
        cluster(tmp_path / "vectors", tmp_path / "model", components=3, clusters=5)
        for broken in (np.nan, np.inf):
            vectors[3, 2] = broken
            write_vectors(tmp_path / "broken", vectors)
            with pytest.raises(UsageError, match="NaN or infinite values"):
                assign(
                    tmp_path / "broken", tmp_path / "out", clusters=tmp_path / "model", workers=1
                )

    def test_vectors_of_another_archive(self, tmp_path):
        write_vectors(tmp_path / "vectors", blobs()[0], width=10)
        with pytest.raises(UsageError, match="blocks of 10 PMCIDs; this one has 20"):
            Embeddings.begin(Folder(tmp_path / "vectors"), EmbeddingsHeader(20, MODEL))

    def test_folders_that_are_something_else(self, embedded, clustered, assigned, tmp_path):
        (tmp_path / "letter.txt").write_text("dear")
        for call in (
            lambda: cluster(embedded, tmp_path, components=8, clusters=6),
            lambda: assign(embedded, tmp_path, clusters=clustered),
            lambda: Assignments.open(tmp_path),
            lambda: ClusterModel.open(tmp_path),
            lambda: Embeddings.open(assigned),
        ):
            with pytest.raises(UsageError):
                call()

    def test_another_format_version(self, clustered, tmp_path):
        shutil.copytree(clustered, tmp_path / "new")
        header = tmp_path / "new" / "cluster.json"
        header.write_text(json.dumps({**json.loads(header.read_text()), "format_version": 99}))
        with pytest.raises(UsageError, match="format version 99"):
            ClusterModel.open(tmp_path / "new")
        header.write_text("{")
        with pytest.raises(ArchiveError, match="cannot be read"):
            ClusterModel.open(tmp_path / "new")


class TestImport:
    @pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
    def test_a_table_is_joined_by_article_and_stem(
        self, sample_archive, assigned, tmp_path, suffix
    ):
        there = Assignments.open(assigned)
        keys = [key for block in there.blocks() for key in there.read(block)["key"].to_pylist()]
        rows = [
            {"article_accession_id": key.split("_", 1)[0], "image_cluster_id": key.split("_", 1)[1],
             "image_label_id": number % 3}
            for number, key in enumerate(keys[:40])
        ]  # fmt: skip
        rows.append({"article_accession_id": "PMC1", "image_cluster_id": "g1", "image_label_id": 2})
        rows.append(rows[0])
        path = tmp_path / f"labels{suffix}"
        table = pa.Table.from_pylist(rows)
        if suffix == ".parquet":
            pq.write_table(table, path)
        elif suffix == ".csv":
            from pyarrow import csv

            csv.write_csv(table, path)
        else:
            path.write_text("\n".join(map(json.dumps, rows)))
        report = import_assignments(sample_archive, tmp_path / "out", table=path, workers=1)
        found = Assignments.open(tmp_path / "out").of_pmcids(0, 10**9)

        assert (report.rows, report.matched, report.images, report.clusters) == (42, 40, 62, 3)
        assert found == {key: number % 3 for number, key in enumerate(keys[:40])}
        assert "42 seen = 40 matched + 1 repeated + 1 not matching any image" in str(report)

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("pmcid,file_name\n1,a\n", "no column cluster or image_label_id"),
            ("pmcid,file_name,cluster\n1,a,x\n", "cluster"),
            ("pmcid,file_name,cluster\n1,a,-1\n", "an integer from 0"),
            ("pmcid,file_name,cluster\n1,a.jpg,1\n1,a,2\n", "has cluster 1 and cluster 2"),
            ("pmcid,file_name,cluster\n,a,1\n", "the PMCID is"),
            ("pmcid,file_name,cluster\n1.5,a,1\n", "the PMCID is"),
            ("pmcid,file_name,cluster\n1,a,4294967296\n", "an integer from 0"),
            ("", "cannot be read"),
        ],
    )
    def test_a_table_that_cannot_be_used_is_told_of(self, sample_archive, tmp_path, text, why):
        path = tmp_path / "labels.csv"
        path.write_text(text)
        with pytest.raises(UsageError, match=why):
            import_assignments(sample_archive, tmp_path / "out", table=path)


def test_a_header_tells_itself_in_words():
    header = ClusterHeader(
        embeddings="", model="made", components=2, clusters=3, seed=0, sample=9,
        explained=[0.5, 0.25], inertia=1234.5, steps=4, sizes=[9, 0, 0], arrays="", made_of="",
    )  # fmt: skip

    assert "3 clusters (1 with an image) of 9 images" in str(header)
    assert "2 components explain 75% of the variance; inertia 1,234.5 after 4 rounds" in str(header)
