"""The descriptor without weights, and the labels that the demo gives with it."""

from __future__ import annotations

import numpy as np
import pytest

from biomedica_dataset.annotation.clusters.assignments import Assignments
from biomedica_dataset.annotation.embeddings.classical import Classical
from biomedica_dataset.annotation.embeddings.embed import embed
from biomedica_dataset.annotation.labels.labels import Labels
from biomedica_dataset.demo import annotate_sample
from biomedica_dataset.errors import UsageError

# What a person sees in the images of the sample; all others are plots.
SEEN = {
    "Illustrative Diagrams": [
        "PMC99000101_sjd-15-101-g001",
        "PMC99000205_srad-205-f3",
        "PMC99001555_gr3_lrg",
        "PMC99002366_40001_2025_2366_Fig2_HTML",
    ],
    "Clinical Imaging": [
        "PMC99000101_sjd-15-101-g002",
        "PMC99000101_sjd-15-101-g003",
        "PMC99000102_so-14-102-g001",
        "PMC99000102_so-14-102-g002",
        "PMC99000205_srad-205-f1",
        "PMC99000205_srad-205-f2",
        "PMC99002590_sbjn-2590-1",
        "PMC99002590_sbjn-2590-2",
        "PMC99003150_scr-3150-f1a",
        "PMC99003150_scr-3150-f1b",
        "PMC99003800_svn-3800-f1",
    ],
    "Microscopy": [
        "PMC99000118_spr-118-01",
        "PMC99000118_spr-118-02",
        "PMC99001310_slife-01310-fig1",
        "PMC99001310_slife-01310-fig1-figsupp1",
        "PMC99002918_viruses-01-g001",
        "PMC99002918_viruses-01-s001",
        "PMC99002918_viruses-01-s002",
        "PMC99003007_sim-3007-f1",
        "PMC99003007_sim-3007-f2",
        "PMC99003462_sbr-3462-g1",
        "PMC99003462_sbr-3462-g2",
    ],
    "Tables": [
        "PMC99000340_sheart-340-t001",
        "PMC99003150_scr-3150-t1",
    ],
    "Laboratory Specimens and Cultures": [
        "PMC99001003_sm-0024-1003-f0001",
        "PMC99001003_sm-0024-1003-f0003",
    ],
    "PCR": [
        "PMC99001044_sgen-1044-fig-1",
    ],
    "Graphs and Networks": [
        "PMC99001044_sgen-1044-fig-2",
        "PMC99002011_sone_0312011_g001",
    ],
    "Chemical Structures": [
        "PMC99001129_d5sc01129-ga",
        "PMC99001129_d5sc01129-s1",
        "PMC99001129_d5sc01129-u1",
    ],
    "Maps": [
        "PMC99001555_gr1_lrg",
        "PMC99002012_0034-rmsp-57-2012-gf1",
    ],
}
COMPOUND = "PMC99002366_40001_2025_2366_Fig3_HTML"  # a micrograph, a blot and plots


@pytest.mark.slow
def test_nine_of_ten_labels_of_the_demo_are_right(sample_archive, tmp_path):
    (tmp_path / "archive").symlink_to(sample_archive)
    annotate_sample(tmp_path, {})
    clusters = Assignments.open(tmp_path / "assignments").of_pmcids(0, 10**10)
    labels = Labels.open(tmp_path / "labels")
    seen = {key: concept for concept, keys in SEEN.items() for key in keys} | {COMPOUND: "none"}
    given = {key: label for key, one in clusters.items() if (label := labels.of(one, key))}
    told = {key: label.primary[0] for key, label in given.items() if label.primary}

    assert seen.keys() <= clusters.keys()
    assert len(told) > 30
    right = [concept == seen.get(key, "Plots and Charts") for key, concept in told.items()]
    assert sum(right) >= 0.9 * len(right)


def test_a_vector_does_not_depend_on_what_stands_beside_it():
    images = np.random.default_rng(0).integers(0, 255, (5, 96, 96, 3), np.uint8)
    encoder = Classical()

    together = encoder.encode(images)

    assert together.shape == (5, encoder.id.dim)
    assert together.dtype == np.float32
    np.testing.assert_array_equal(together[3:4], encoder.encode(images[3:4]))


@pytest.mark.parametrize("value", [0, 255])
def test_an_image_of_one_colour_has_a_finite_vector(value):
    assert np.isfinite(Classical().encode(np.full((1, 96, 96, 3), value, np.uint8))).all()


def test_what_models_have_is_refused(sample_archive, tmp_path):
    with pytest.raises(UsageError, match="no --preprocess, --revision or --decoder"):
        embed(sample_archive, tmp_path / "e", model="classical", preprocess="paper")
