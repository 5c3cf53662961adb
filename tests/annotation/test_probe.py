"""`annotate probe`: labels of single images, learned from votes on clusters and from an audit."""

from __future__ import annotations

import hashlib
from shutil import copytree

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from biomedica_dataset import UsageError, label, probe, serialize
from biomedica_dataset.annotation.blocks import BlockRecord, write_block
from biomedica_dataset.annotation.clusters.assignments import (
    Assignments,
    AssignmentsHeader,
    as_table,
)
from biomedica_dataset.annotation.embeddings.model_id import ModelId
from biomedica_dataset.annotation.embeddings.vectors import (
    Embeddings,
    EmbeddingsHeader,
    vector_table,
)
from biomedica_dataset.annotation.labels.cluster_label import ClusterLabel
from biomedica_dataset.annotation.labels.taxonomy import Taxonomy
from biomedica_dataset.annotation.labels.votes import VoteFile
from biomedica_dataset.annotation.probe.examples import Example, said_of
from biomedica_dataset.annotation.probe.fit import FEWEST, folds_of, threshold
from biomedica_dataset.annotation.probe.probabilities import Probe, named_columns
from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.cli.group import main
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.keys import pmcid
from biomedica_dataset.streaming.choice import Choice
from biomedica_dataset.streaming.dataset import choose_rows

TAXONOMY = Taxonomy.load()
MODEL, DIM = "c" * 64, 6
NAMES = ["Microscopy", "Maps", "Tables"]
IDENTITY = ModelId(
    name="made", revision=None, weights="", dim=DIM, size=8, preprocess="fit", mean=None, std=None,
    dtype="float32", pictures=1,
)  # fmt: skip


def class_of(key):
    return hashlib.sha256(key.encode()).digest()[0] % 3


def write_vectors(folder, keys, width=1000, identity=IDENTITY):
    there = Embeddings.begin(Folder(folder), EmbeddingsHeader(width, identity))
    for block in sorted({pmcid(key) // width for key in keys}):
        own = [key for key in keys if pmcid(key) // width == block]
        noise = [np.random.default_rng(pmcid(key)).normal(0, 0.4, DIM) for key in own]
        vectors = np.array([np.eye(DIM)[class_of(k)] * 3 + n for k, n in zip(own, noise)])  # noqa: B905
        table = vector_table(own, [hashlib.sha256(k.encode()).hexdigest() for k in own], vectors)
        write_block(there.folder, block, table, BlockRecord(fingerprint=repr(own)))
    return folder


def write_clusters(folder, keys, width=1000):
    """Three clusters, each of a class, with every fifth image of the next class among them."""
    header = AssignmentsHeader(width, 3, MODEL)
    there = Assignments.begin(Folder(folder), header)
    for block in sorted({pmcid(key) // width for key in keys}):
        own = [key for key in keys if pmcid(key) // width == block]
        table = as_table(own, [cluster_of(key) for key in own], [None] * len(own))
        write_block(there.folder, block, table, BlockRecord(fingerprint=repr(own)))
    return folder


def cluster_of(key):
    return (class_of(key) + (hashlib.sha256(key.encode()).digest()[1] % 5 == 0)) % 3


def write_labels(home, clusters, keys, *, audit=30, names=NAMES):
    there = Assignments.open(clusters)
    file = VoteFile(home / "votes", "anna", TAXONOMY, there.model)
    for number, name in enumerate(names):
        file.answer(number, "primary", [name])
        members = [key for key in keys if cluster_of(key) == number]
        for key in members[:audit]:
            file.answer(number, "fits_primary", names[class_of(key)] == name, key)
    file.close()
    label([file.path], home / "labels", assignments=clusters)
    return home / "labels"


def write_all(home, keys, **options):
    vectors, clusters = write_vectors(home / "vectors", keys), write_clusters(home / "c", keys)
    labels = write_labels(home, clusters, keys, **options)
    return vectors, {"labels": labels, "assignments": clusters}


KEYS = [f"PMC{30 * number}_f{figure}" for number in range(1, 161) for figure in (1, 2)]


def files_of(folder):
    return {p.name: p.read_bytes() for p in folder.rglob("*") if p.suffix in {".parquet", ".json"}}


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Vectors, labels and clusters of 320 images, not to be changed by a test."""
    return write_all(tmp_path_factory.mktemp("made"), KEYS)


@pytest.fixture(scope="session")
def probed(made, tmp_path_factory):
    vectors, folders = made
    output = tmp_path_factory.mktemp("probed") / "probe"
    return output, probe(vectors, output, **folders)


def test_an_image_gets_the_label_of_its_class_and_not_that_of_its_cluster(probed):
    labels = Probe.open(probed[0]).labels(0, 10**6)
    given = {key: labels.get(key, {}).get("image_primary_label") for key in KEYS}
    labelled = [key for key in KEYS if given[key]]
    strays = [key for key in labelled if cluster_of(key) != class_of(key)]

    assert len(labelled) > 0.9 * len(KEYS)
    assert len(strays) > 40
    assert all(given[key] == [NAMES[class_of(key)]] for key in labelled)


def test_the_report_compares_with_the_labels_of_clusters(probed):
    _, report = probed
    words = str(report)

    assert (report.images.seen, report.audited, report.tried.kept) == (len(KEYS), 90, 3)
    for one in report.concepts:
        fitting = sum(NAMES[class_of(k)] == one.name for k in KEYS if cluster_of(k) == class_of(k))
        assert one.clusters.labelled == 30
        assert one.clusters.right == one.clusters.shown < 30 < fitting
        assert one.probe.right == one.probe.labelled > 0.7 * one.probe.shown
    assert "labels of clusters: precision " in words
    assert "- primary, Maps: from 0." in words
    assert "precision 100% (" in words


def test_the_same_inputs_give_the_same_bytes_and_a_second_run_does_nothing(made, probed, tmp_path):
    vectors, folders = made
    output, _ = probed
    probe(vectors, tmp_path / "probe", **folders)

    assert files_of(tmp_path / "probe") == files_of(output)
    again = probe(vectors, tmp_path / "probe", **folders)
    assert again.written == 0
    assert again.concepts == probed[1].concepts
    assert "nothing to do" in str(again)


def test_a_run_that_was_cut_short_ends_with_the_same_bytes(made, probed, tmp_path):
    vectors, folders = made
    copytree(probed[0], tmp_path / "probe")
    (tmp_path / "probe/concepts.json").write_text("{")
    next((tmp_path / "probe/blocks").iterdir()).unlink()

    assert probe(vectors, tmp_path / "probe", **folders).written == 1
    assert files_of(tmp_path / "probe") == files_of(probed[0])


def test_another_precision_writes_everything_again(made, probed, tmp_path):
    vectors, folders = made
    _, first = probed
    copytree(probed[0], tmp_path / "probe")
    second = probe(vectors, tmp_path / "probe", **folders, precision=0.8)

    assert second.written == first.blocks
    assert all(
        one.threshold <= two.threshold
        for one, two in zip(second.concepts, first.concepts, strict=True)
    )


def test_images_without_a_vector_are_counted(made, tmp_path):
    vectors = write_vectors(tmp_path / "vectors", KEYS[:-20])
    report = probe(vectors, tmp_path / "probe", **made[1])

    assert report.images.dropped == {"no vector": 20}


def other_clusters(home, vectors, folders):
    there = Assignments.begin(Folder(home / "other"), AssignmentsHeader(1000, 3, "d" * 64))
    write_block(there.folder, 0, as_table([], [], []), BlockRecord(fingerprint=""))
    return vectors, folders | {"assignments": home / "other"}


def small_audit(home, vectors, folders):
    return vectors, folders | {"labels": write_labels(home, folders["assignments"], KEYS, audit=0)}


def one_class(home, vectors, folders):
    names = ["Microscopy"] * 3
    labels = write_labels(home, folders["assignments"], KEYS, names=names)
    return vectors, folders | {"labels": labels}


def other_articles(home, vectors, folders):
    return write_vectors(home / "v", [f"PMC{n}_x" for n in range(50)]), folders


def other_width(home, vectors, folders):
    return write_vectors(home / "v", KEYS, width=500), folders


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (other_clusters, "labels of clusters other than those of"),
        (small_audit, "has 0 audited images; a threshold needs 10 or more: audit more"),
        (one_class, r"no concept that can be learned \(1 in all labelled images\); label clusters"),
        (other_articles, "no labelled image of .* has a vector in"),
        (other_width, "was made from an archive with blocks of 1000 PMCIDs; this one has 500"),
    ],
)
def test_what_does_not_belong_together_is_refused_in_one_line(change, why, made, tmp_path):
    vectors, folders = change(tmp_path, *made)
    with pytest.raises(UsageError, match=why) as caught:
        probe(vectors, tmp_path / "probe", **folders)

    assert "\n" not in str(caught.value)


def test_vectors_of_another_encoder_need_another_folder(made, probed, tmp_path):
    other = ModelId(**{one: getattr(IDENTITY, one) for one in IDENTITY.__slots__} | {"name": "b"})
    own = write_vectors(tmp_path / "vectors", KEYS, identity=other)

    with pytest.raises(UsageError, match=r"these are of b.*name another folder"):
        probe(own, probed[0], **made[1])


@pytest.mark.parametrize(
    ("fits", "question", "name", "parent", "expected"),
    [
        ({}, "primary", "Maps", None, (1, False)),
        ({}, "primary", "Tables", None, (0, False)),
        ({"primary": True}, "primary", "Maps", None, (1, True)),
        ({"primary": True}, "primary", "Tables", None, (0, True)),
        ({"primary": False}, "primary", "Maps", None, (0, True)),
        ({"primary": False}, "primary", "Tables", None, (-1, False)),
        ({}, "panel_type", "single", None, (-1, False)),
        ({}, "secondary", "map", "Maps", (-1, False)),
        ({}, "secondary", "table", "Tables", (0, False)),
        ({"primary": True}, "secondary", "table", "Tables", (0, True)),
    ],
)
def test_what_is_known_of_an_image(fits, question, name, parent, expected):
    labels = {4: ClusterLabel(cluster=4, primary=["Maps"])}
    example = Example("PMC1_a", 4, frozenset(fits.items()))
    said = said_of([example], labels, question, name, parent)

    assert (said.shows[0], said.audited[0]) == expected


def test_of_several_concepts_that_do_not_fit_none_is_blamed():
    labels = {4: ClusterLabel(cluster=4, primary=["Maps", "Tables"])}
    example = Example("PMC1_a", 4, frozenset({("primary", False)}))

    assert said_of([example], labels, "primary", "Maps", None).shows[0] == -1


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=60),
    st.sampled_from([0.5, 0.8, 0.95, 1.0]),
)
def test_a_threshold_is_the_least_that_is_precise_enough(images, precision):
    chances = np.array([chance / 20 for chance, _ in images], np.float32)
    shows = np.array([shown for _, shown in images], np.int8)
    found = threshold(chances, shows, precision)
    enough = [
        float(least)
        for least in np.unique(chances[shows == 1])
        if (passed := chances >= least).sum() >= FEWEST and shows[passed].mean() >= precision
    ]

    assert found == min(enough, default=None)


def test_images_of_an_article_share_a_fold():
    folds = folds_of(KEYS)

    assert (folds[::2] == folds[1::2]).all()
    assert len(set(folds)) == 5


@settings(deadline=None, max_examples=20)
@given(st.lists(st.text("aB1 -é", min_size=1, max_size=70), min_size=1, max_size=9, unique=True))
def test_every_concept_has_a_column_of_its_own(names):
    taxonomy = Taxonomy("1", {"single": ["a"]}, {name: [f"{name}x"] for name in names}, {}, "")
    columns = named_columns(taxonomy)

    assert len(set(columns.values())) == len(columns) == 1 + 2 * len(names)
    assert all(
        name.isascii() and name.isidentifier() and len(name) < 64 for name in columns.values()
    )


@pytest.fixture(scope="session")
def labelled_sample(sample_archive, sample_dataset, tmp_path_factory):
    """The sample as a dataset folder with labels of a probe, and the probe."""
    home = tmp_path_factory.mktemp("labelled")
    width = Archive.open(sample_archive).width
    keys = choose_rows(sample_dataset, Choice()).table["key"].to_pylist()
    vectors = write_vectors(home / "vectors", keys, width)
    clusters = write_clusters(home / "clusters", keys, width)
    labels = write_labels(home, clusters, keys)
    probe(vectors, home / "probe", labels=labels, assignments=clusters, precision=0.9)
    options = {"clusters": clusters, "labels": home / "probe", "workers": 1}
    report = serialize(sample_archive, home / "data", **options)
    return home, report, options


@pytest.mark.slow
def test_serialize_fills_the_label_columns_with_what_passed(labelled_sample):
    home, report, _ = labelled_sample
    table = choose_rows(home / "data", Choice()).table
    rows = {row["key"]: row["image_primary_label"] for row in table.to_pylist()}
    labels = Probe.open(home / "probe").labels(0, 10**12)

    assert sum(map(bool, rows.values())) == report.labels["kept"] == len(labels) > 30
    assert all(rows[key] == one["image_primary_label"] for key, one in labels.items())
    assert all(NAMES[class_of(key)] in names for key, names in rows.items() if names)


def test_conditions_name_the_probability_of_a_concept(labelled_sample):
    home, _, _ = labelled_sample
    table = choose_rows(home / "data", Choice(filters="probe.primary_maps > 0.5")).table

    assert {class_of(key) for key in table["key"].to_pylist()} == {NAMES.index("Maps")}


def test_the_card_says_how_often_labels_of_the_probe_are_true(labelled_sample):
    home, _, _ = labelled_sample
    card = (home / "data/README.md").read_text()

    assert "A probe labels each image by itself" in card
    assert "| global concepts | Maps |" in card
    assert "Experts label clusters of images" not in card


def test_serializing_again_with_the_same_probe_does_nothing(labelled_sample, sample_archive):
    home, _, options = labelled_sample

    assert serialize(sample_archive, home / "data", **options).rewritten == 0


def test_the_command_prints_the_report(made, probed, tmp_path):
    vectors, folders = made
    copytree(probed[0], tmp_path / "probe")
    words = ["annotate", "probe", str(vectors), "-o", str(tmp_path / "probe"), "-q"]
    words += [part for name, url in folders.items() for part in (f"--{name}", str(url))]
    result = CliRunner().invoke(main, words)

    assert result.exit_code == 0, result.output
    assert "labelled images: 320 seen = 320 kept + 0 dropped" in result.output
