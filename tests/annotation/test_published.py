"""Labels and assignments of the original project go the whole way into a dataset folder."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset

from biomedica_dataset.annotation.clusters.assignments import Assignments
from biomedica_dataset.annotation.clusters.imported import import_assignments
from biomedica_dataset.annotation.labels.label import label
from biomedica_dataset.annotation.labels.labels import Labels
from biomedica_dataset.serialization.serialize import serialize


@pytest.mark.slow
def test_published_labels_of_published_clusters_reach_the_rows(
    real, sample_archive, assigned, tmp_path
):
    folder = real / "published_annotations"
    stored = json.loads((folder / "cluster_labels.json").read_text())
    there = Assignments.open(assigned)
    keys = [key for block in there.blocks() for key in there.read(block)["key"].to_pylist()]
    clusters = {key: 7 * number for number, key in enumerate(keys)}
    rows = [
        {"article_accession_id": key.partition("_")[0], "image_cluster_id": key.partition("_")[2],
         "image_label_id": cluster}
        for key, cluster in clusters.items()
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "labels.parquet")
    table, assignments = tmp_path / "labels.parquet", tmp_path / "assignments"
    import_assignments(sample_archive, assignments, table=table, workers=1)
    label([], tmp_path / "labels", published=folder, assignments=assignments)
    options = {"clusters": assignments, "labels": tmp_path / "labels", "workers": 1}
    serialize(sample_archive, tmp_path / "biomedica", **options)
    labels = Labels.open(tmp_path / "labels")
    found = load_dataset(str(tmp_path / "biomedica"), "all", split="train", streaming=True)
    got = {row["key"]: row for row in found}

    assert got.keys() == clusters.keys()
    named = 0
    for key, row in got.items():
        assert row["image_label_id"] == clusters[key]
        own, entry = labels.of(clusters[key]), stored[str(clusters[key])]
        assert row["image_primary_label"] == own.primary
        assert row["image_panel_type"] == own.panel_type
        named += bool(row["image_primary_label"])
        if entry["panel_type"] == "multiple" and entry["panel_subtype"] == "single panel":
            assert row["image_panel_type"] is None
    assert named > 50
