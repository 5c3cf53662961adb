"""Clusters and labels are joined to rows and index, and new ones leave image files alone."""

from __future__ import annotations

import hashlib
import json
import shutil

import pyarrow.parquet as pq
import pytest
from datasets import load_dataset

from biomedica_dataset.annotation.clusters.assignments import Assignments
from biomedica_dataset.annotation.labels.label import label
from biomedica_dataset.annotation.labels.labels import Labels
from biomedica_dataset.annotation.labels.taxonomy import Taxonomy
from biomedica_dataset.annotation.labels.votes import VoteFile
from biomedica_dataset.builder import BiomedicaBuilder
from biomedica_dataset.errors import UsageError
from biomedica_dataset.extraction.extract import extract
from biomedica_dataset.serialization import shard
from biomedica_dataset.serialization.serialize import serialize
from biomedica_dataset.streaming.dataset import open_dataset
from biomedica_dataset.verification.verify import verify
from biomedica_dataset.webdataset.export import serialize_webdataset

from ..servers import BucketServer

TAXONOMY = Taxonomy.load()
INVENTORY = "2026-11-20T01-00Z"


@pytest.fixture(scope="module")
def clusters(sample_dataset, tmp_path_factory):
    """Three clusters of the sample's images by a hash of the key; every tenth has none."""
    folder = tmp_path_factory.mktemp("joined")
    keys = sorted(
        row["key"] for row in load_dataset(str(sample_dataset), "captions", split="train")
    )
    lines = ["pmcid,file_name,cluster"]
    for number, key in enumerate(keys):
        if number % 10:
            article, _, stem = key.partition("_")
            lines.append(f"{article},{stem},{number % 3}")
    (folder / "clusters.csv").write_text("\n".join(lines))
    return folder / "clusters.csv"


@pytest.fixture(scope="module")
def assigned(clusters, sample_archive):
    from biomedica_dataset.annotation.clusters.imported import import_assignments

    import_assignments(sample_archive, clusters.with_name("assignments"), table=clusters, workers=1)
    return clusters.with_name("assignments")


def labelled(assigned, folder, concepts):
    file = VoteFile(folder / "votes", "anna", TAXONOMY, Assignments.open(assigned).model)
    for cluster, concept in enumerate(concepts):
        file.answer(cluster, "primary", [concept])
        file.answer(cluster, "panel_type", "single")
    file.close()
    label([file.path], folder / "labels", assignments=assigned)
    return folder / "labels"


def expected_of(assigned, labels):
    found = Assignments.open(assigned).of_pmcids(0, 10**10)
    opened = Labels.open(labels)
    return {key: (cluster, opened.of(cluster)) for key, cluster in found.items()}


def pages(folder):
    """Return (sha256, bytes, column) of each column chunk of the image shards."""
    found = []
    for path in sorted(folder.glob("*/train/*.parquet")):
        data, footer = path.read_bytes(), pq.read_metadata(path)
        for group in range(footer.num_row_groups):
            for i in range(footer.num_columns):
                chunk = footer.row_group(group).column(i)
                start = chunk.dictionary_page_offset or chunk.data_page_offset
                part = data[start : start + chunk.total_compressed_size]
                column = chunk.path_in_schema
                found.append((hashlib.sha256(part).hexdigest(), len(part), column))
    return found


@pytest.mark.slow
def test_rows_index_tars_and_builder_have_the_labels(sample_archive, assigned, tmp_path):
    labels = labelled(assigned, tmp_path, ["Maps", "Tables"])
    expected = expected_of(assigned, labels)
    joined = {"clusters": str(assigned), "labels": str(labels)}
    report = serialize(sample_archive, tmp_path / "biomedica", **joined, workers=1)
    serialize_webdataset(sample_archive, tmp_path / "tars", **joined, workers=2)
    built = BiomedicaBuilder(config_name="all", source=str(sample_archive), **joined)
    tars = [
        json.loads(member)
        for path in (tmp_path / "tars").glob("*/*.tar")
        for member in _json_of(path)
    ]
    folder = str(tmp_path / "biomedica")

    assert not verify(folder).problems
    card = (tmp_path / "biomedica" / "README.md").read_text()
    assert f"| Maps | {sum(cluster == 0 for cluster, _ in expected.values())} |" in card
    assert sum(report.labels.values()) == report.manifest.rows("captions") == 62
    assert report.labels["no cluster"] == 7
    assert "labels: 62 seen" in str(report)
    for config, rows in (
        ("all", load_dataset(folder, "all", split="train", streaming=True)),
        ("index", load_dataset(folder, "index", split="train", streaming=True)),
        ("captions", load_dataset(folder, "captions", split="train", streaming=True)),
        ("builder", built.as_streaming_dataset(split="train")),
    ):
        seen = 0
        for row in rows:
            cluster, label = expected.get(row["key"], (None, None))
            assert row["image_label_id"] == cluster, config
            assert row["image_primary_label"] == (label.primary if label else None)
            assert row["image_panel_type"] == (label.panel_type if label else None)
            seen += 1
        assert seen == 62
    assert sum(bool(sample["image_primary_label"]) for sample in tars) == report.labels["kept"]
    chosen = open_dataset(folder, concepts=["Maps"], columns=["key", "image_primary_label"])
    assert {row["key"] for row in chosen} == {
        key for key, (cluster, _) in expected.items() if cluster == 0
    } & {row["key"] for row in load_dataset(folder, "all", split="train", streaming=True)}


def _json_of(path):
    import tarfile

    with tarfile.open(path) as tar:
        for member in tar:
            if member.name.endswith(".json"):
                yield tar.extractfile(member).read()


@pytest.mark.slow
def test_new_labels_add_few_bytes_and_change_no_image(sample_archive, assigned, tmp_path):
    """By the hash of pages: those of images stay, and only those of labels are new."""
    folder = tmp_path / "biomedica"
    for name, concepts in (("a", ["Maps", "Tables", "PCR"]), ("b", ["Microscopy"] * 3)):
        labels = labelled(assigned, tmp_path / name, concepts)
        serialize(sample_archive, folder, clusters=assigned, labels=labels, workers=1)
        shutil.copytree(folder, tmp_path / f"state-{name}")
    before = {digest for digest, _size, _column in pages(tmp_path / "state-a")}
    after = pages(tmp_path / "state-b")
    new = [(size, column) for digest, size, column in after if digest not in before]

    assert 0 < sum(size for size, _column in new) < 0.02 * sum(size for _, size, _ in after)
    assert {column for _size, column in new} == {"image_primary_label.list.element"}


@pytest.mark.slow
def test_only_shards_whose_own_labels_changed_are_written(sample_archive, assigned, tmp_path):
    from biomedica_dataset.annotation.clusters.imported import import_assignments

    keys = sorted(Assignments.open(assigned).of_pmcids(0, 10**10))
    lines = [f"{key.replace('_', ',', 1)},{int(key < 'PMC99002')}" for key in keys]
    (tmp_path / "halves.csv").write_text("\n".join(["pmcid,file_name,cluster", *lines]))
    halves = tmp_path / "halves"
    import_assignments(sample_archive, halves, table=tmp_path / "halves.csv", workers=1)
    folder = tmp_path / "biomedica"
    first = labelled(halves, tmp_path / "a", ["Maps", "Tables"])
    second = labelled(halves, tmp_path / "b", ["Maps", "Microscopy"])
    made = serialize(sample_archive, folder, clusters=halves, labels=first, workers=1)
    again = serialize(sample_archive, folder, clusters=halves, labels=first, workers=1)
    changed = serialize(sample_archive, folder, clusters=halves, labels=second, workers=1)

    assert (made.rewritten, again.rewritten, changed.rewritten) == (2, 0, 1)


@pytest.mark.slow
def test_a_better_reader_and_new_labels_ask_pmc_for_nothing(
    sample_bucket, assigned, tmp_path, monkeypatch
):
    archive, folder = tmp_path / "archive", tmp_path / "biomedica"
    labels = labelled(assigned, tmp_path, ["Maps", "Tables", "PCR"])
    with BucketServer(sample_bucket) as server:
        extract(server.url, str(archive), inventory=INVENTORY, workers=1)
        serialize(archive, folder, workers=1)
        server.forget()
        monkeypatch.setattr(shard, "code_fingerprint", lambda *_: "a better reader")
        better = serialize(archive, folder, workers=1)
        joined = serialize(archive, folder, clusters=assigned, labels=labels, workers=1)

        assert server.asked() == []
    assert better.rewritten == better.shards
    assert joined.rewritten == joined.shards
    assert joined.labels["kept"] == 55


def test_labels_of_other_clusters_are_refused(sample_archive, assigned, tmp_path):
    labels = labelled(assigned, tmp_path, ["Maps"])
    other = tmp_path / "other"
    shutil.copytree(assigned, other)
    header = other / "assignments.json"
    header.write_text(header.read_text().replace(Assignments.open(assigned).model, "x" * 64))
    with pytest.raises(UsageError, match="get wrong labels"):
        serialize(sample_archive, tmp_path / "out", clusters=other, labels=labels)
    with pytest.raises(UsageError, match="needs the clusters of the images"):
        serialize(sample_archive, tmp_path / "out", labels=labels)
    with pytest.raises(UsageError, match="is not a folder of labels"):
        serialize(sample_archive, tmp_path / "out", clusters=assigned, labels=tmp_path)


@pytest.mark.slow
def test_the_figures_of_an_audit_reach_the_card_without_a_row_being_written(
    sample_archive, assigned, tmp_path
):
    folder = tmp_path / "biomedica"
    labels = labelled(assigned, tmp_path / "a", ["Maps", "Tables", "PCR"])
    joined = {"clusters": assigned, "labels": labels}
    serialize(sample_archive, folder, **joined, workers=1)
    assert "these labels come without an audit" in (folder / "README.md").read_text()
    keys = Assignments.open(assigned).of_pmcids(0, 10**10)
    file = VoteFile(tmp_path / "a" / "votes", "anna", TAXONOMY, Assignments.open(assigned).model)
    maps = [key for key, cluster in sorted(keys.items()) if cluster == 0]
    for number, key in enumerate(maps):
        file.answer(0, "fits_primary", number > 1, key)
    file.close()
    label([file.path], labels, assignments=assigned)
    again = serialize(sample_archive, folder, **joined, workers=1)

    assert again.rewritten == 0
    right = f"{(len(maps) - 2) / len(maps):.0%}"
    assert (
        f"| global concepts | Maps | {len(maps)} | {right} |" in (folder / "README.md").read_text()
    )
    assert not verify(folder).problems
