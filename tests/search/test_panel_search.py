"""Panels found by their own words and sentences, and what is refused."""

from __future__ import annotations

import io
import json
import shutil
import sys
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from biomedica_dataset.cli.group import main
from biomedica_dataset.errors import ArchiveError, UsageError
from biomedica_dataset.folder.manifest import MANIFEST, read_manifest
from biomedica_dataset.hub.staging import collect
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.search.build import build_search
from biomedica_dataset.search.documents import SearchDocument
from biomedica_dataset.search.lexical import write_segment
from biomedica_dataset.search.page.found_images import FoundImages
from biomedica_dataset.search.page.search_page import SearchHandlers
from biomedica_dataset.search.search import open_search
from biomedica_dataset.serialization.add_attribute import add_attribute
from biomedica_dataset.serialization.serialize import serialize
from biomedica_dataset.verification.verify import verify

from ..serialize.made_panels import make_panels
from ..servers.bucket import BucketServer
from ..streaming.panels import SIDE, colour, views, write_panels
from .test_search import files, keys

ALL = 500


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A searchable folder of made-up compound figures, and its pairs; not to be changed."""
    folder = tmp_path_factory.mktemp("panelled") / "biomedica"
    pairs = write_panels(folder)
    build_search(folder, workers=1)
    return folder, pairs


@pytest.fixture(scope="module")
def panels(made):
    """The opened search, and what is expected by key: the pair and its panel, if it has one."""
    folder, pairs = made
    return open_search(folder), views(pairs, 0.8)


@pytest.fixture(scope="module")
def of_sample(sample_archive, tmp_path_factory):
    """The sample with panels that name their letters; not to be changed by a test."""
    folder = tmp_path_factory.mktemp("sample")
    found = make_panels(sample_archive, folder / "panels", change=lambda row: row | {"score": 0.9})
    serialize(sample_archive, folder / "biomedica", panels=found, workers=1)
    build_search(folder / "biomedica", workers=1)
    return folder / "biomedica"


def caption(pair, panel):
    return panel["subcaption"] if panel else pair.caption


def test_panels_are_found_by_their_own_captions_and_whole_figures_by_theirs(panels):
    search, expected = panels
    found = search.search("caption:melanoma", unit="panel", limit=ALL)
    wanted = {key for key, one in expected.items() if "melanoma" in caption(*one)}

    assert set(keys(found)) == wanted
    assert {one.row["letter"] is None for one in found} == {True, False}
    for one in found:
        pair, panel = expected[one.key]
        assert one.row["figure_key"] == pair.key
        assert one.caption == caption(pair, panel)
        assert one.row["box"] == (panel["box"] if panel else [0, 0, *pair.image_size])
        assert one.row["letter"] == (panel and panel["letter"])
        assert "*melanoma*" in str(one)
        assert one.as_dict()["box"] == one.row["box"]


def test_a_panel_is_cut_out_of_the_bytes_of_its_figure(panels):
    search, expected = panels
    found = search.search("melanoma", unit="panel", limit=10, images=True)

    assert len(found) == 10
    for one in found:
        pair, panel = expected[one.key]
        assert one.image["bytes"] == pair.image["bytes"]
        if panel:
            assert one.image.decode().size == (SIDE, SIDE)
            assert one.image.decode().getpixel((1, 1)) == colour(one.key)


def test_a_sentence_finds_the_panel_that_it_cites_alone(panels):
    search, expected = panels
    key = next(key for key, (_, panel) in expected.items() if panel)
    article, figure, letter = key.replace("-", "_").split("_")

    found = search.search(f"context:{article} context:{figure} context:{letter}", unit="panel")

    assert found[0].key == key
    assert all(one.matched == ("context",) for one in found)
    assert str(found[0].snippet) == f"Panel *{article}*_*{figure}*-*{letter}*."


@pytest.mark.parametrize("few", [0, 20_000])
def test_as_many_panels_are_found_as_were_asked_for_where_so_many_match(panels, monkeypatch, few):
    monkeypatch.setattr("biomedica_dataset.search.searched_rows._FEW", few)
    search, expected = panels
    filters = "letter in ['A', 'B'] and score > 0.9 and article_year > 2008"
    wanted = {
        key
        for key, (pair, panel) in expected.items()
        if panel and panel["letter"] in "AB" and panel["score"] > 0.9
        and int(pair.article_date[:4]) > 2008
    }  # fmt: skip
    every = search.search("melanoma western", unit="panel", limit=ALL, filters=filters)

    assert len(wanted) > 20
    assert set(keys(every)) == wanted
    some = search.search("melanoma western", unit="panel", limit=20, filters=filters)
    assert keys(some) == keys(every)[:20]


@pytest.mark.slow
def test_conditions_name_columns_of_attributes(tmp_path):
    pairs = write_panels(tmp_path / "biomedica", figures=30)
    build_search(tmp_path / "biomedica", workers=1)
    lines = [f"{pair.key},{number}" for number, pair in enumerate(pairs)]
    (tmp_path / "own.csv").write_text("\n".join(["key,rank", *lines]))
    add_attribute(tmp_path / "own.csv", tmp_path / "biomedica", name="own")
    search, wanted = open_search(tmp_path / "biomedica"), {pair.key for pair in pairs[20:]}
    query, filters = "melanoma western survival cells", "own.rank >= 20"

    assert set(keys(search.search(query, limit=ALL, filters=filters))) == wanted
    found = search.search(query, unit="panel", limit=ALL, filters=filters)
    assert {one.row["figure_key"] for one in found} == wanted


def test_without_the_extra_the_command_that_installs_it_is_told(made, monkeypatch):
    monkeypatch.setitem(sys.modules, "tantivy", None)
    for use in (open_search, build_search):
        with pytest.raises(
            UsageError, match=r"tantivy is required .*; run .* install .*\[search\]"
        ):
            use(made[0])


@pytest.mark.slow
def test_vectors_are_of_what_the_caption_says_of_a_panel(made, model, tmp_path):
    shutil.copytree(made[0], tmp_path / "biomedica")
    build_search(tmp_path / "biomedica", text_model=str(model), workers=1)
    search = open_search(tmp_path / "biomedica", text_model=str(model))
    there = [panel for _, panel in views(made[1], 0.8).values() if panel]
    text = next(panel["subcaption"] for panel in there if panel["letter"] == "A")

    for mode in ("semantic", "hybrid"):
        found = search.search(text, unit="panel", mode=mode, filters="letter == 'A'", limit=20)
        assert found[0].caption == text
        assert len(found) == 20
        assert {one.row["letter"] for one in found} == {"A"}


def test_the_same_panels_give_the_same_files_and_nothing_is_written_twice(made, tmp_path):
    write_panels(tmp_path / "biomedica")
    report = build_search(tmp_path / "biomedica", workers=1)

    assert files(tmp_path / "biomedica") == files(made[0])
    assert "120 figures and 203 panels can be found" in str(report)
    assert build_search(tmp_path / "biomedica", workers=1).written == 0


def test_the_files_of_panels_are_fetched_when_panels_are_asked_for(made):
    own = {file.path for part in read_manifest(Folder(made[0])).search.of("panel")
           for file in part.files}  # fmt: skip
    with BucketServer(made[0]) as server:
        search = open_search(server.url)
        search.search("melanoma", limit=3)
        assert not own & set(server.asked())
        found = search.search("melanoma", unit="panel", limit=3, images=True)
        assert own <= set(server.asked())
    assert keys(found) == keys(open_search(made[0]).search("melanoma", unit="panel", limit=3))


def test_thumbnails_are_cut_to_the_box_and_the_bytes_of_a_figure_come_once(made):
    with BucketServer(made[0]) as server:
        search = open_search(server.url)
        handlers = SearchHandlers(search)
        asked = {"query": "caption:blot", "unit": "panel", "mode": "lexical", "limit": 40}
        told = [one for one in handlers.search(asked)["results"] if one["letter"]]
        several = [one for one in told if one["figure"] == told[0]["figure"]]
        server.forget()
        images = FoundImages(search)
        for one in told:
            shown = Image.open(io.BytesIO(images.thumbnail(one["key"])[0]))
            assert shown.size == (SIDE, SIDE)
            apart = np.abs(np.asarray(shown).astype(int)[1:-1, 1:-1] - colour(one["key"]))
            assert apart.max() < 12
        figure = Image.open(io.BytesIO(images.original(told[0]["key"])[0]))
        assert figure.size == (3 * SIDE, 2 * SIDE)
        images.close()
        assert len(several) > 1
        assert len(server.asked()) == len({one["figure"] for one in told})


def test_the_page_shows_a_panel_with_its_letter_and_the_caption_of_its_figure(made, panels):
    handlers = SearchHandlers(panels[0])
    key, (pair, panel) = next(item for item in panels[1].items() if item[1][1])
    told = handlers.figure({"key": key, "unit": "panel"})

    assert handlers.about({})["counts"] == {"figure": 120, "panel": 203}
    assert told["caption"] == pair.caption
    assert told["label"].endswith(f"panel {panel['letter']}")
    with pytest.raises(UsageError, match="no panel that can be found has the key"):
        handlers.figure({"key": "PMC1_g1-A", "unit": "panel"})
    with pytest.raises(UsageError, match="unit"):
        handlers.figure({"key": key, "unit": "page"})


def test_the_command_writes_the_panels_that_it_found_as_a_dataset(made, tmp_path):
    arguments = [str(made[0]), "melanoma", "--unit", "panel", "--limit", "5"]
    filters = ["--filter", "score > 0.9", "--select", str(tmp_path / "five")]
    done = CliRunner().invoke(main, ["search", *arguments, *filters], catch_exceptions=False)

    assert done.exit_code == 0, done.output
    assert read_manifest(Folder(tmp_path / "five")).rows("panels") == 5
    listed = CliRunner().invoke(main, ["--json", "search", *arguments], catch_exceptions=False)
    assert len(json.loads(listed.stdout)) == 5


def test_a_dataset_without_panels_says_how_they_are_made(search, made, tmp_path):
    with pytest.raises(UsageError, match=r"it has no panels; find them with `biomedica annotate p"):
        search.search("cells", unit="panel")
    shutil.copytree(made[0], tmp_path / "biomedica")
    folder = Folder(tmp_path / "biomedica")
    manifest = read_manifest(folder)
    figures = replace(manifest.search, parts=manifest.search.of("figure"))
    folder.write_bytes(MANIFEST, replace(manifest, search=figures).as_json())
    with pytest.raises(UsageError, match=r"index has no panels; run `biomedica search build"):
        open_search(tmp_path / "biomedica").search("cells", unit="panel")


def test_images_are_compared_as_figures(panels, made):
    with pytest.raises(UsageError, match="whole figures; omit the unit"):
        panels[0].search(similar=made[1][0].key, unit="panel")


@pytest.mark.parametrize(
    "place",
    [
        [9999, 0, 0, "A", [0, 0, 9, 9]],
        [-1, 0, 0, "A", [0, 0, 9, 9]],
        [1, 0, 9999, "A", [0, 0, 9, 9]],
        [1, 0, 0, "A", [0, 0, 999, 9]],
        [1, 0, 0, "../A", [0, 0, 9, 9]],
        [1, 0, 0, 7, None],
        [1, 0.5, 0, "A", [0, 0, 9, 9]],
        [1],
        7,
    ],
)
def test_panels_of_strangers_are_refused_in_one_line(made, tmp_path, place):
    shutil.copytree(made[0], tmp_path / "biomedica")
    folder = Folder(tmp_path / "biomedica")
    manifest = read_manifest(folder)
    stranger = SearchDocument(json.dumps(place).encode(), 1, "melanoma", "", "", "")
    rows, words = write_segment([stranger], "0" * 32, folder)
    parts = [
        replace(part, rows=rows, segment="0" * 32, words=words) if part.unit == "panel" else part
        for part in manifest.search.parts
    ]
    wrong = replace(manifest, search=replace(manifest.search, parts=parts))
    folder.write_bytes(MANIFEST, wrong.as_json())

    with pytest.raises(ArchiveError, match="from its source again") as refused:
        open_search(tmp_path / "biomedica").search("melanoma", unit="panel", images=True)
    assert "\n" not in str(refused.value)


@pytest.mark.slow
def test_the_sample_is_pushed_with_its_panels_and_without_the_group_other(of_sample, tmp_path):
    staged, folder = tmp_path / "staged", tmp_path / "pushed"
    staged.mkdir()
    for file in collect(Folder(of_sample), staged, "me/biomedica", include_other=False):
        (folder / file.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file.place, folder / file.path)
    query = "image of a figure, of cells and of a fracture"
    every, without = open_search(of_sample), open_search(folder)
    found = every.search(query, unit="panel", limit=ALL)

    assert verify(of_sample).problems == []
    assert verify(folder).problems == []
    assert sum(one.row["letter"] is not None for one in found) > 4
    kept = {one.key for one in found if one.row["license_group"] != "other"}
    assert set(keys(without.search(query, unit="panel", limit=ALL))) == kept
    few = every.search(query, unit="panel", limit=ALL, licenses="noncommercial")
    assert set(keys(few)) == {
        one.key for one in found if one.row["license_group"] == "noncommercial"
    }
