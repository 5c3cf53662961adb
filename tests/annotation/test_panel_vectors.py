"""Vectors, clusters, sheets and labels of panels, under the keys of panels."""

from __future__ import annotations

import io

import numpy as np
import pytest
from datasets import load_dataset
from PIL import Image

from biomedica_dataset.annotation.clusters.assign import assign
from biomedica_dataset.annotation.clusters.assignments import Assignments
from biomedica_dataset.annotation.clusters.cluster import cluster
from biomedica_dataset.annotation.embeddings.article_images import Frame
from biomedica_dataset.annotation.embeddings.embed import embed
from biomedica_dataset.annotation.embeddings.vectors import Embeddings
from biomedica_dataset.annotation.labels.label import label
from biomedica_dataset.annotation.labels.taxonomy import Taxonomy
from biomedica_dataset.annotation.labels.votes import VoteFile
from biomedica_dataset.annotation.panels.panels import Panels
from biomedica_dataset.annotation.review.sheets import Review, write_sheets
from biomedica_dataset.errors import UsageError
from biomedica_dataset.serialization.serialize import serialize

from ..serialize.encoders import Quarters
from ..serialize.made_panels import make_panels
from ..trees import tree
from .test_embed import pairs_of


@pytest.fixture(scope="module")
def panels(sample_archive, tmp_path_factory):
    return make_panels(sample_archive, tmp_path_factory.mktemp("panels") / "panels")


@pytest.fixture(scope="module")
def embedded(sample_archive, panels, tmp_path_factory):
    folder = tmp_path_factory.mktemp("panel vectors") / "embeddings"
    embed(sample_archive, folder, panels=panels, encoder=Quarters(), workers=0)
    return folder


@pytest.fixture(scope="module")
def assigned(embedded, tmp_path_factory):
    folder = tmp_path_factory.mktemp("panel clusters")
    cluster(embedded, folder / "clusters", components=3, clusters=4)
    assign(embedded, folder / "assignments", clusters=folder / "clusters", workers=1)
    return folder / "assignments"


def vectors(embedded):
    there = Embeddings.open(embedded)
    found = {}
    for block in there.blocks():
        found |= dict(zip(*there.vectors(block), strict=True))
    return found


def rows_of_panels(panels):
    there = Panels.open(panels)
    return [row for block in there.blocks() for row in there.read(block).to_pylist()]


def test_a_figure_that_was_split_has_a_vector_for_each_panel_and_others_have_one(
    sample_archive, panels, embedded
):
    found, rows = vectors(embedded), rows_of_panels(panels)
    split = {row["figure"] for row in rows}
    whole = {pair.key for pair in pairs_of(sample_archive)} - split

    assert split
    assert whole
    assert found.keys() == whole | {row["key"] for row in rows}


def test_the_vector_of_a_panel_is_that_of_its_cut_out_pixels(sample_archive, panels, embedded):
    images = {pair.key: pair.image["bytes"] for pair in pairs_of(sample_archive)}
    found, encoder = vectors(embedded), Quarters()
    for row in rows_of_panels(panels)[:6]:
        image = Image.open(io.BytesIO(images[row["figure"]])).convert("RGB")
        part, written = image.crop([row[side] for side in ("x0", "y0", "x1", "y1")]), io.BytesIO()
        part.save(written, "PNG")
        alone = Frame(size=16, colour=encoder.colour).decode(written.getvalue(), [None])
        expected = encoder.encode(np.stack(alone))[0].astype(np.float16)
        np.testing.assert_allclose(found[row["key"]], expected, atol=0.005)  # a reduced JPEG


@pytest.mark.slow
def test_processes_and_a_second_run_change_nothing(sample_archive, panels, embedded, tmp_path):
    embed(sample_archive, tmp_path / "e", panels=panels, encoder=Quarters(), workers=2)
    assert tree(tmp_path / "e") == tree(embedded)

    again = embed(sample_archive, embedded, panels=panels, encoder=Quarters(), workers=0)
    assert again.written == 0


def test_a_box_that_moved_costs_its_own_vector_alone(sample_archive, embedded, tmp_path):
    def moved(row):
        is_one = row["key"] == key
        return {**row, "x1": row["x1"] - 1} if is_one else row

    folder, key = tmp_path / "panels", ""
    make_panels(sample_archive, folder)
    key = rows_of_panels(folder)[0]["key"]
    output = tmp_path / "embeddings"
    embed(sample_archive, output, panels=folder, encoder=Quarters(), workers=0)
    other = make_panels(sample_archive, tmp_path / "moved", change=moved)
    report = embed(sample_archive, output, panels=other, encoder=Quarters(), workers=0)

    assert (report.written, report.encoded) == (1, 1)
    before, after = vectors(embedded), vectors(output)
    assert [k for k in before if not np.array_equal(before[k], after[k])] == [key]


def test_panels_of_another_archive_are_refused(sample_archive, panels, tmp_path):
    from biomedica_dataset.annotation.panels.panels import PanelsHeader
    from biomedica_dataset.io.folders import Folder

    Panels.begin(Folder(tmp_path / "other"), PanelsHeader(7, "no reader 1"))
    with pytest.raises(UsageError, match=r"blocks of 7 PMCIDs; .*; find the panels of"):
        embed(sample_archive, tmp_path / "e", panels=tmp_path / "other", encoder=Quarters())


def test_sheets_show_the_panels_of_a_cluster_with_their_own_captions(
    sample_archive, panels, assigned, tmp_path
):
    write_sheets(assigned, sample_archive, tmp_path / "review", panels=panels, workers=1)
    review = Review.open(tmp_path / "review")
    boxes = {row["key"]: row for row in rows_of_panels(panels)}
    shown = {key for one in review.clusters.values() for key in one.keys}
    texts = {pair.key: pair.caption for pair in pairs_of(sample_archive)}

    assert shown == review.cards.keys()
    for key in sorted(shown & boxes.keys()):
        card, row = review.cards[key], boxes[key]
        assert card.label.endswith(f", panel {row['letter']}")
        assert len(card.caption) <= len(texts[row["figure"]])
        with Image.open(tmp_path / "review" / card.thumbnail) as thumbnail:
            width, height = row["x1"] - row["x0"], row["y1"] - row["y0"]
            expected = min(640 / width, 512 / height, 1)
            assert thumbnail.size == pytest.approx((width * expected, height * expected), abs=2)
    assert shown & boxes.keys()


@pytest.mark.slow
def test_panels_have_their_own_labels_and_a_figure_has_those_of_its_panels(
    sample_archive, panels, assigned, tmp_path
):
    file = VoteFile(tmp_path / "votes", "anna", Taxonomy.load(), Assignments.open(assigned).model)
    concepts = ["Maps", "Tables", "PCR", "Microscopy"]
    for number in range(4):
        file.answer(number, "primary", [concepts[number]])
        file.answer(number, "panel_type", "single")
    file.close()
    label([file.path], tmp_path / "labels", assignments=assigned)
    folder = tmp_path / "biomedica"
    serialize(
        sample_archive, folder, panels=panels, clusters=assigned, labels=tmp_path / "labels",
        workers=1,
    )  # fmt: skip

    clusters = Assignments.open(assigned).of_pmcids(0, 10**10)
    views = list(load_dataset(str(folder), "panels", split="train"))
    pairs = {row["key"]: row for row in load_dataset(str(folder), "captions", split="train")}
    of_figures: dict[str, set[str]] = {}
    for view in views:
        assert view["image_label_id"] == clusters[view["key"]]
        assert view["image_primary_label"] == [concepts[clusters[view["key"]]]]
        of_figures.setdefault(view["figure_key"], set()).update(view["image_primary_label"])
    assert views
    for key, expected in of_figures.items():
        assert pairs[key]["image_label_id"] is None
        assert set(pairs[key]["image_primary_label"]) == expected
        assert pairs[key]["image_panel_type"] == "single"
