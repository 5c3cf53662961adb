"""Real pictures of five classes: clusters are labelled by one half and checked on the other."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from datasets import load_dataset
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from biomedica_dataset.annotation.clusters.assign import assign
from biomedica_dataset.annotation.clusters.assignments import Assignments
from biomedica_dataset.annotation.clusters.cluster import cluster, k_means
from biomedica_dataset.annotation.embeddings.article_images import Frame
from biomedica_dataset.annotation.embeddings.embed import embed
from biomedica_dataset.annotation.embeddings.encoder import load_encoder
from biomedica_dataset.annotation.labels.label import label
from biomedica_dataset.annotation.labels.taxonomy import Taxonomy
from biomedica_dataset.annotation.labels.votes import VoteFile
from biomedica_dataset.extraction.extract import extract
from biomedica_dataset.images.decode import open_rgb
from biomedica_dataset.serialization.serialize import serialize

from .bucket import pmcids_of, write_articles

CLUSTERS = 20
CONCEPTS = {
    "blood_smear_microscopy": "Microscopy",
    "chemical_structure": "Chemical Structures",
    "electron_microscopy_neural": "Clinical Imaging",
    "fluorescence_nuclei": "Natural Images",
    "histology_cytology_stained": "Immuno Assays",
}
"""A different concept for each class, whatever it says, so that no two are taken for one."""


@pytest.fixture(scope="module")
def pictures(real):
    """Classes and bytes of the pictures, those of a class apart in the two halves."""
    paths = sorted((real / "images").glob("*/*"))
    paths = [path for path in paths if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".tif")]
    return [path.parent.name for path in paths], [path.read_bytes() for path in paths]


def scores(clusters, classes):
    """Return purity on the second half of labels from the first, ARI and NMI on the second."""
    first, second = np.arange(len(classes)) % 2 == 0, np.arange(len(classes)) % 2 == 1
    classes = np.array(classes)
    labels = {
        cluster: Counter(classes[first & (clusters == cluster)]).most_common(1)[0][0]
        for cluster in set(clusters[first])
    }
    right = [labels.get(c) == k for c, k in zip(clusters[second], classes[second], strict=True)]
    return (
        float(np.mean(right)),
        adjusted_rand_score(classes[second], clusters[second]),
        normalized_mutual_info_score(classes[second], clusters[second]),
    )


def histogram(data):
    pixels = np.asarray(open_rgb(data, 64)).reshape(-1, 3)
    found, _ = np.histogramdd(pixels, bins=(4, 4, 4), range=[(0, 256)] * 3)
    return found.ravel() / found.sum()


@pytest.mark.slow
def test_clusters_of_an_encoder_that_was_never_trained_tell_classes_apart(
    pictures, encoder_folder, record_property
):
    classes, data = pictures
    encoder = load_encoder(str(encoder_folder))
    frame = Frame(size=encoder.id.size, colour=encoder.colour)
    vectors = encoder.encode(np.stack([frame.decode(item, [None])[0] for item in data]))
    ours = scores(k_means(vectors, CLUSTERS, 0).labels, classes)
    colours = np.stack([histogram(item) for item in data])
    theirs = scores(KMeans(CLUSTERS, n_init=1, random_state=0).fit_predict(colours), classes)
    chance = max(Counter(classes).values()) / len(classes)
    record_property("purity, ARI, NMI", ours)
    record_property("colour histograms", theirs)

    assert ours[0] > chance + 0.6
    assert ours[2] > 0.4
    assert ours[0] > theirs[0] - 0.2


@pytest.mark.slow
def test_the_same_pictures_go_the_whole_route_and_come_back_with_labels(
    pictures, encoder_folder, tmp_path
):
    classes, data = pictures
    keys = write_articles(tmp_path / "bucket", data)
    known = dict(zip(keys, classes, strict=True))
    extract(str(tmp_path / "bucket"), str(tmp_path / "archive"), pmcids=pmcids_of(keys))
    names = ("vectors", "clusters", "assigned", "labels", "biomedica")
    vectors, clusters, assigned, labels, dataset = (tmp_path / name for name in names)
    embed(tmp_path / "archive", vectors, model=str(encoder_folder), workers=0)
    cluster(vectors, clusters, clusters=CLUSTERS)
    assign(vectors, assigned, clusters=clusters, workers=1)
    found = Assignments.open(assigned)
    told = found.of_pmcids(0, 10**9)
    file = VoteFile(tmp_path / "votes", "half", Taxonomy.load(), found.model)
    for number in set(told.values()):
        half = [known[key] for key in keys[::2] if told.get(key) == number]
        if half:
            concept = CONCEPTS[Counter(half).most_common(1)[0][0]]
            file.answer(number, "primary", [concept])
    file.close()
    label([file.path], labels, assignments=assigned)
    serialize(tmp_path / "archive", dataset, clusters=assigned, labels=labels, workers=1)
    rows = load_dataset(str(dataset), "all", split="train", streaming=True)
    got = {row["key"]: row["image_primary_label"] for row in rows}
    right = [got[key] == [CONCEPTS[known[key]]] for key in keys[1::2] if key in got]

    assert len(got) >= len(keys) - 2
    assert np.mean(right) > 0.8
