"""Panels of figures: a column of the pairs and a config beside it, without a byte of an image."""

from __future__ import annotations

import hashlib
import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset
from hypothesis import given
from hypothesis import strategies as st

from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.builder import BiomedicaBuilder
from biomedica_dataset.errors import ArchiveError, UsageError
from biomedica_dataset.folder.panel_rows import config_columns, panel_rows
from biomedica_dataset.folder.parquet import TableWriter
from biomedica_dataset.io.tables import read_table
from biomedica_dataset.jats.reader import read_article
from biomedica_dataset.schema import PanelRow, to_table
from biomedica_dataset.serialization.serialize import serialize
from biomedica_dataset.streaming.dataset import open_dataset
from biomedica_dataset.subset.select import select
from biomedica_dataset.verification.panels import PAIR_COLUMNS, panel_problems
from biomedica_dataset.verification.verify import verify

from ..trees import tree
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
    assert not verify(dataset).problems
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


@pytest.mark.slow
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
    assert tree(folder) == tree(sample_dataset)


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


@pytest.mark.slow
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

    assert tree(tmp_path / "biomedica") == tree(dataset)


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


BOXES = st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(41, 50), st.integers(41, 50))
PANELS = st.dictionaries(
    st.sampled_from("ABCDEF"), st.tuples(BOXES, st.floats(0, 1, width=32), st.none() | st.text())
)


def pair_with(key, found):
    """Return a pair with an image of 50 × 50 pixels, its row of the index, and its panels."""
    panels = [
        {"letter": letter, "box": list(box), "score": score, "subcaption": text}
        for letter, (box, score, text) in found.items()
    ]
    pair = dict.fromkeys(PAIR_COLUMNS) | {
        "key": key, "panels": panels or None, "image_size": [50, 50], "image_hash": "0" * 64,
        "article_accession_id": "PMC1",
    }  # fmt: skip
    place = {
        "file": "commercial/train/000000.parquet", "image_offset": 4, "image_length": 9,
        "panel_count_found": len(panels) or None,
        "panel_scores": [one["score"] for one in panels] or None,
    }  # fmt: skip
    return pair, place, panel_rows(pair, {}, place)


@given(st.lists(PANELS, max_size=4))
def test_rows_of_panels_come_back_from_a_file_as_their_pairs_say(figures):
    made = [pair_with(f"PMC1_g{number}", found) for number, found in enumerate(figures)]
    pairs, index = [one[0] for one in made], [one[1] for one in made]
    file = pa.BufferOutputStream()
    pq.write_table(to_table(PanelRow, [row for one in made for row in one[2]]), file)
    checks = config_columns("panels")
    views = read_table(pa.BufferReader(file.getvalue()), checks).to_pylist()

    assert list(panel_problems(pairs, index, views)) == []
    assert len(views) == sum(map(len, figures))
    if views:
        told = "the config panels has another row at"
        assert told in next(panel_problems(pairs, index, views[1:]))
        assert told in next(panel_problems(pairs, index, [*views[:-1], {**views[-1], "box": [1]}]))


@pytest.mark.parametrize(
    "box", [[0, 0, 51, 9], [0, 0, 0, 9], [5, 0, 4, 9], [0, 0, 9], [0, -1, 9, 9], [0, 0, 9, 9, 9]]
)
def test_a_box_that_exceeds_its_image_is_named(box):
    pair, place, _ = pair_with("PMC1_g1", {"A": (box, 0.5, None)})
    views = list(map(vars, panel_rows(pair, {}, place)))

    assert list(panel_problems([pair], [place], views)) == ["panel A of PMC1_g1 exceeds its image"]


def test_an_index_with_other_scores_is_named():
    pair, place, views = pair_with("PMC1_g1", {"A": ((0, 0, 9, 9), 0.5, None)})
    for wrong in ({"panel_scores": [0.75]}, {"panel_scores": None}, {"panel_count_found": 2}):
        assert list(panel_problems([pair], [place | wrong], list(map(vars, views)))) == [
            "the index has other panels of PMC1_g1"
        ]


def test_a_panel_takes_at_most_400_bytes_without_its_texts(tmp_path):
    """Of 20,000 panels, four a figure, with keys and digests that share nothing."""
    with (tmp_path / "panels.parquet").open("wb") as file:
        writer = TableWriter(file, PanelRow, {})
        for number in range(5_000):
            digest = hashlib.sha256(b"%d" % number).hexdigest()
            pair, place, _ = pair_with(f"PMC{number}_{digest[:20]}", {})
            boxes = {"letter": "A", "box": [number, 7, 900, 800], "score": number / 5_000}
            panels = [{**boxes, "letter": letter, "subcaption": None} for letter in "ABCD"]
            columns = {**pair, "image_hash": digest, "panels": panels}
            for row in panel_rows(columns, {}, {**place, "image_offset": 10**6 * number}):
                writer.write(row)
        writer.close()

    assert (tmp_path / "panels.parquet").stat().st_size < 400 * 20_000


def test_a_subset_brings_the_panels_of_its_rows_along(dataset, tmp_path):
    choice = {"filters": "panel_count_found is not null", "limit": 4, "seed": 3}
    select(dataset, tmp_path / "subset", **choice)
    keys = {row["key"] for row in rows(tmp_path / "subset", "captions")}

    def views(folder):
        own = [row for row in rows(folder, "panels") if row["figure_key"] in keys]
        for row in own:
            for name in ("file", "image_offset"):  # another file
                row.pop(name)
        return sorted(own, key=lambda row: row["key"])

    assert len(keys) == 4
    assert views(tmp_path / "subset") == views(dataset)
    assert any(row["contexts"] for row in views(dataset))
    assert not verify(tmp_path / "subset").problems
    assert "4 of 4 figures (100%) are split" in (tmp_path / "subset" / "README.md").read_text()


def test_a_subset_of_whole_figures_has_no_panels(dataset, tmp_path):
    select(dataset, tmp_path / "subset", filters="panel_count_found is null", limit=3)

    assert not (tmp_path / "subset" / "panels").exists()
    assert not verify(tmp_path / "subset").problems
    assert "0 of 3 figures (0%) are split" in (tmp_path / "subset" / "README.md").read_text()


def test_the_card_counts_panels_and_the_figures_that_stay_whole(dataset, sample_dataset):
    card = (dataset / "README.md").read_text()

    assert "6 of 62 figures (10%) are split into 18 panels." in card
    assert "| `names_no_panels` | 56 |" in card
    assert "panels by letters that no reader 1 read" in card
    assert "- config_name: panels" in card
    assert "## Panels" not in (sample_dataset / "README.md").read_text()


def rewrite(folder, path, change):
    """Change the rows of a file as dicts, and its digest and size in the manifest and the card."""
    manifest = folder / "manifest.json"
    before, stored = hashlib.sha256(manifest.read_bytes()).hexdigest(), manifest.read_bytes()
    schema, told = pq.read_schema(folder / path), json.loads(stored)
    table = pq.read_table(folder / path)
    changed = change(table.to_pylist())
    pq.write_table(table.from_pylist(changed, schema=schema), folder / path)
    one = next(file for file in told["files"] if file["path"] == path)
    data = (folder / path).read_bytes()
    one |= {"rows": len(changed), "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    manifest.write_text(json.dumps(told, indent=1))
    card = folder / "README.md"
    after = hashlib.sha256(manifest.read_bytes()).hexdigest()
    card.write_text(card.read_text().replace(before, after))


def first(name, value):
    return lambda rows: [{**rows[0], name: value}, *rows[1:]]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (first("letter", "Z"), "has another row at"),
        (first("box", [0, 0, 1, 1]), "has another row at"),
        (first("subcaption", "Another."), "has another row at"),
        (first("score", 2.0), "score must be a number from 0 to 1"),
        (first("box", None), "box may not be missing"),
        (first("key", "../A"), "key must be"),
        (first("image_offset", 5), "has another row at"),
        (first("image_license", "CC0 1.0"), "has another row at"),
        (lambda rows: rows[1:], "has another row at"),
        (lambda rows: [*rows, {**rows[0], "key": "PMC1_g1-A"}], "has another row at PMC1_g1-A"),
        (lambda rows: [rows[0], *rows], "two rows have the key"),
    ],
)
def test_a_row_of_the_config_that_its_pair_does_not_have_is_named(dataset, tmp_path, change, told):
    folder = shutil.copytree(dataset, tmp_path / "biomedica")
    path = sorted((folder / "panels" / "commercial").iterdir())[0]
    rewrite(folder, str(path.relative_to(folder)), change)

    problems = verify(folder).problems
    assert len(problems) == 1
    assert told in problems[0]
