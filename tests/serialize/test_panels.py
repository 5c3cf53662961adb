"""Panels of figures: a column of the pairs and a config beside it, without a byte of an image."""

from __future__ import annotations

import hashlib
import shutil

import pyarrow.parquet as pq
import pytest
from datasets import load_dataset

from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.builder import BiomedicaBuilder
from biomedica_dataset.errors import ArchiveError, UsageError
from biomedica_dataset.jats.reader import read_article
from biomedica_dataset.serialization.serialize import serialize
from biomedica_dataset.streaming.dataset import open_dataset

from .made_panels import WHOLE, grid, make_panels

CHANGED, UNCUT = "PMC99000101_sjd-15-101-g003", "PMC99001003_sm-0024-1003-f0003"
BEYOND, STRANGER = "PMC99001310_slife-01310-fig2", "PMC99003007_sim-3007-f2"


@pytest.fixture(scope="module")
def panels(sample_archive, tmp_path_factory):
    """Panels of the sample; not to be changed by a test."""
    return make_panels(sample_archive, tmp_path_factory.mktemp("panels") / "panels")


@pytest.fixture(scope="module")
def dataset(sample_archive, panels, tmp_path_factory):
    """A dataset folder with panels; not to be changed by a test."""
    folder = tmp_path_factory.mktemp("panels") / "biomedica"
    serialize(sample_archive, folder, panels=panels, workers=1)
    return folder


def rows(folder, config):
    return load_dataset(str(folder), config, split="train", streaming=True)


def digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_each_split_figure_has_its_panels_in_the_column_the_index_and_the_config(dataset):
    pairs = {row["key"]: row for row in rows(dataset, "captions")}
    views = {row["key"]: row for row in rows(dataset, "panels")}
    expected = {key: row for key, row in pairs.items() if len(row["image_panels"] or []) > 1}

    assert len(expected) > 4
    assert {key for key, row in pairs.items() if row["panels"]} == expected.keys()
    for key, row in expected.items():
        boxes = grid(row["image_size"], row["image_panels"])
        assert [one["letter"] for one in row["panels"]] == row["image_panels"]
        assert [tuple(one["box"]) for one in row["panels"]] == boxes
        for one in row["panels"]:
            view = views.pop(f"{key}-{one['letter']}")
            assert {name: view[name] for name in one} == one
            assert view["figure_key"] == key
            for name in ("image_hash", "image_license", "article_license", "image_credit"):
                assert view[name] == row[name]
            with (dataset / view["file"]).open("rb") as file:
                file.seek(view["image_offset"])
                data = file.read(view["image_length"])
            assert hashlib.sha256(data).hexdigest() == view["image_hash"]
    assert not views
    for row in rows(dataset, "index"):
        scores = [one["score"] for one in pairs[row["key"]]["panels"] or ()]
        assert row["panel_scores"] == (scores or None)
        assert row["panel_count_found"] == (len(scores) or None)


def test_the_texts_of_a_panel_are_those_that_the_reader_gives_it(dataset, sample_archive):
    archive, told = Archive.open(sample_archive), {}
    for block in archive.blocks():
        for row, _images in archive.articles(block):
            for figure in read_article(row.xml).figures:
                for letter, text in figure.subcaptions.items():
                    contexts = [
                        figure.context[one.paragraph][one.start : one.end]
                        for one in figure.panel_contexts
                        if letter in one.letters
                    ]
                    told[figure.caption, letter] = text, contexts or None
    captions = {row["key"]: row["caption"] for row in rows(dataset, "captions")}
    views = list(rows(dataset, "panels"))

    for view in views:
        expected = told.get((captions[view["figure_key"]], view["letter"]), (None, None))
        assert (view["subcaption"], view["contexts"]) == expected
    assert any(view["contexts"] for view in views)


def test_panels_add_no_byte_of_an_image_and_leave_with_the_option(
    dataset, sample_archive, sample_dataset, tmp_path
):
    def images(folder):
        shards = sorted(folder.glob("*/train/*.parquet"))
        footers = map(pq.read_metadata, shards)
        groups = [footer.row_group(i) for footer in footers for i in range(footer.num_row_groups)]
        return sum(
            group.column(i).total_compressed_size
            for group in groups
            for i in range(group.num_columns)
            if group.column(i).path_in_schema == "image.bytes"
        )

    folder = shutil.copytree(dataset, tmp_path / "biomedica")
    serialize(sample_archive, folder, workers=1)

    assert images(dataset) == images(sample_dataset)
    assert digests(folder) == digests(sample_dataset)


def test_seen_is_split_plus_whole_by_reason_for_figures_and_panels(sample_archive, tmp_path):
    """A changed image, a box beyond it, a figure of another archive, one that could not be cut."""

    def change(row):
        if row["figure"] == CHANGED and row["letter"] == "B":
            return {**row, "image_hash": "0" * 64}
        if row["figure"] == BEYOND:
            return {**row, "x1": row["x1"] + 1}
        if row["figure"] == STRANGER:
            return {**row, "figure": f"{STRANGER}0", "key": f"{STRANGER}0-{row['letter']}"}
        return row

    folder = make_panels(
        sample_archive, tmp_path / "panels", change=change, whole=lambda key: key == UNCUT
    )
    report = serialize(sample_archive, tmp_path / "out", panels=folder, workers=1)
    pairs = {row["key"]: row for row in rows(tmp_path / "out", "captions")}

    assert report.manifest.split_figures == {
        "names_no_panels": 56, "kept": 2, WHOLE: 1, "not_searched": 1,
        "panel_beyond_the_image": 1, "panels_of_another_image": 1,
    }  # fmt: skip
    assert report.manifest.panels == {
        "kept": 5, "panels_of_another_image": 4, "panel_beyond_the_image": 2, "unknown_figure": 2
    }  # fmt: skip
    assert report.manifest.rows("panels") == 5
    for key in (CHANGED, BEYOND, STRANGER, UNCUT):
        assert pairs[key]["panels"] is None
    assert "2 figures are split into panels; 60 whole" in str(report)


def test_only_shards_whose_own_panels_changed_are_written(sample_archive, panels, tmp_path):
    def move(row):
        return {**row, "x0": row["x0"] + (row["figure"] == CHANGED)}

    moved = make_panels(sample_archive, tmp_path / "moved", change=move)
    folder = tmp_path / "biomedica"
    made = serialize(sample_archive, folder, panels=panels, workers=1)
    again = serialize(sample_archive, folder, panels=panels, workers=1)
    changed = serialize(sample_archive, folder, panels=moved, workers=1)

    assert (made.rewritten, again.rewritten, changed.rewritten) == (2, 0, 1)


def test_two_workers_write_the_same_bytes(sample_archive, panels, dataset, tmp_path):
    serialize(sample_archive, tmp_path / "biomedica", panels=panels, workers=2)

    assert digests(tmp_path / "biomedica") == digests(dataset)


def test_the_builder_splits_the_same_figures(sample_archive, panels, dataset):
    built = BiomedicaBuilder(config_name="all", source=str(sample_archive), panels=str(panels))
    found = {row["key"]: row["panels"] for row in built.as_streaming_dataset(split="train")}

    assert found == {row["key"]: row["panels"] for row in rows(dataset, "captions")}


def test_rows_are_chosen_by_the_number_of_panels_found(dataset):
    chosen = open_dataset(dataset, filters="panel_count_found >= 4", columns=["key", "panels"])

    assert {row["key"]: len(row["panels"]) for row in chosen} == {CHANGED: 4, UNCUT: 5}


def test_panels_of_another_archive_and_other_folders_are_refused(sample_archive, panels, tmp_path):
    other = shutil.copytree(panels, tmp_path / "panels")
    header = other / "panels.json"
    width = Archive.open(sample_archive).width
    header.write_text(header.read_text().replace(f'"width": {width}', '"width": 7'))
    with pytest.raises(UsageError, match="find the panels of this archive"):
        serialize(sample_archive, tmp_path / "out", panels=other)
    with pytest.raises(UsageError, match="is not a folder of panels"):
        serialize(sample_archive, tmp_path / "out", panels=tmp_path)
    assert not (tmp_path / "out").exists()


def test_a_panel_with_the_key_of_another_is_refused(sample_archive, tmp_path):
    folder = make_panels(
        sample_archive, tmp_path / "panels", change=lambda row: {**row, "figure": CHANGED}
    )
    with pytest.raises(ArchiveError, match=f"is not a panel of {CHANGED}"):
        serialize(sample_archive, tmp_path / "out", panels=folder, workers=1)
