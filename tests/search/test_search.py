"""What a search finds, what it shows, and what it refuses."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biomedica_dataset.errors import ArchiveError, UsageError
from biomedica_dataset.folder.manifest import read_manifest
from biomedica_dataset.hub.staging import collect
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.search.build import build_search
from biomedica_dataset.search.search import open_search
from biomedica_dataset.search.words import Snippet, make_analyzer, parse_query, snippet
from biomedica_dataset.serialization.serialize import serialize
from biomedica_dataset.subset.select import select
from biomedica_dataset.verification.verify import verify

from ..servers.bucket import BucketServer

NAEVUS = "PMC99000101_sjd-15-101-g002"


def keys(found):
    return [one.key for one in found]


def files(folder):
    return {path.name: path.read_bytes() for path in (folder / "search").iterdir()}


def test_words_of_the_caption_find_the_figure_in_any_of_their_forms(search):
    found = search.search("networks of pigments", limit=3)

    assert found[0].key == NAEVUS
    assert "*pigment* *network*" in str(found[0].snippet)
    assert repr(found[0]).startswith(f"<SearchResult: {NAEVUS}")
    assert "*pigment* *network*" in found[0]._repr_html_()
    assert found[0].matched[0] == "caption"


def test_a_phrase_must_stand_in_a_row_in_the_caption(search):
    assert keys(search.search('"dark haemorrhages, then"')) == [
        "PMC99003150_scr-3150-f1a", "PMC99003150_scr-3150-f1b",
    ]  # fmt: skip
    assert not search.search('"haemorrhages dark then"')


def test_a_field_can_be_searched_alone(search):
    found = search.search("title:sailor")

    assert {one.row["article_accession_id"] for one in found} == {"PMC99003150"}
    assert all(one.matched == ("title",) for one in found)
    assert "*sailor*" in str(found[0].snippet)


def test_a_citing_sentence_finds_the_figure_that_it_cites(search):
    found = search.search("context:outline", limit=1)

    assert "*outline*" in str(found[0].snippet)


def test_conditions_hold_inside_the_search(search):
    everything = search.search("image of cells in the blood under the microscope", limit=60)
    few = search.search(
        "image of cells in the blood under the microscope", limit=60, licenses="noncommercial"
    )

    kept = [one.key for one in everything if one.row["license_group"] == "noncommercial"]
    assert kept
    assert keys(few) == kept


def test_as_many_are_found_as_were_asked_for_where_so_many_meet_the_conditions(search, monkeypatch):
    monkeypatch.setattr("biomedica_dataset.search.searched_rows._FEW", 0)
    query, filters = "photograph of cells, bars and curves in figures", "image_width >= 1"
    wanted = search.search(query, limit=9, licenses="noncommercial", filters=filters)

    every = search.search(query, limit=62)
    kept = [one.key for one in every if one.row["license_group"] == "noncommercial"]
    assert keys(wanted) == kept[:9]


def test_a_condition_on_the_caption_is_read_from_the_rows(search):
    found = search.search("fundus", filters="caption contains drusen")

    assert len(found) == 2
    assert all("drusen" in one.caption for one in found)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("the of and", "only common words; give a word"),
        ("?!", "no word"),
        ("", "no word"),
        ("word " * 10_000, "more than 2,000 words"),
    ],
)
def test_a_query_without_a_word_to_search_for_is_refused(search, query, told):
    with pytest.raises(UsageError, match=told):
        search.search(query)


def test_a_quote_without_an_end_and_other_scripts_are_searched(search):
    assert search.search('"fundus photograph')
    assert not search.search("眼底写真")
    assert search.search("naïve naevus")


@given(st.text(max_size=80))
def test_any_text_is_a_query_or_refused(text):
    stem = make_analyzer().analyze
    try:
        phrases = parse_query(text, stem)
    except UsageError:
        return
    assert all(word for phrase in phrases for _, word in phrase.words)


@given(st.text(max_size=600), st.sampled_from(["a", "cell", "é", "\u0130"]))
def test_marks_of_a_snippet_lie_on_words(text, word):
    found = snippet(f"{text} {word}", {word}, lambda one: [one])

    assert all(found.text[start:end] == word for start, end in found.marks)
    assert str(Snippet(found.text)) == found.text


def test_an_image_is_fetched_where_it_is_asked_for(search):
    (found,) = search.search("smooth border pigment network", limit=1, images=True)

    assert found.image["bytes"].startswith((b"\xff\xd8", b"\x89PNG"))
    assert search.search("pigment", limit=1)[0].image is None


def test_the_same_rows_give_the_same_files(sample_dataset, searchable, tmp_path):
    shutil.copytree(sample_dataset, tmp_path / "again")
    build_search(tmp_path / "again", workers=1)

    assert files(tmp_path / "again") == files(searchable)
    assert read_manifest(Folder(tmp_path / "again")) == read_manifest(Folder(searchable))


def test_the_folder_is_verified_with_its_search(searchable, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(searchable, folder)
    assert verify(folder).problems == []

    damaged = next((folder / "search").glob("*.idx"))
    damaged.write_bytes(b"x" + damaged.read_bytes()[1:])
    assert any(damaged.name in one for one in verify(folder).problems)


def test_a_run_without_changes_makes_nothing(searchable, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(searchable, folder)
    before = files(folder)

    report = build_search(folder, workers=1)

    assert report.written == 0
    assert "nothing to do" in str(report)
    assert files(folder) == before


def test_a_subset_of_a_searchable_dataset_is_whole_without_the_index_of_all(searchable, tmp_path):
    select(searchable, tmp_path / "subset", limit=3)

    assert verify(tmp_path / "subset").problems == []
    with pytest.raises(UsageError, match="no search index; run `biomedica search build"):
        open_search(tmp_path / "subset")


@pytest.mark.slow
def test_a_dataset_written_again_needs_its_search_built_again(sample_archive, tmp_path):
    folder = tmp_path / "biomedica"
    serialize(sample_archive, folder, workers=1)
    with pytest.raises(UsageError, match="no search index; run `biomedica search build"):
        open_search(folder)
    build_search(folder, workers=1)
    serialize(sample_archive, folder, check_images=True, workers=1)
    (folder / ".shards" / "000000.parquet").unlink(missing_ok=True)
    next((folder / ".shards").glob("*.parquet")).unlink()
    serialize(sample_archive, folder, workers=1)

    with pytest.raises(UsageError, match="earlier manifest"):
        open_search(folder)
    assert build_search(folder, workers=1).search.rows == 62
    assert verify(folder).problems == []


def test_a_half_fetched_index_says_what_to_do(searchable, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(searchable, folder)
    next((folder / "search").glob("*.term")).unlink()

    with pytest.raises(ArchiveError, match="run `biomedica search build"):
        open_search(folder)


def test_a_search_over_http_fetches_the_index_once(searchable, cache):
    with BucketServer(searchable) as server:
        first = open_search(server.url)
        found = first.search("pigment network", limit=2, images=True)
        kept = sorted((cache / "biomedica" / "search").iterdir())
        times = [path.stat().st_mtime_ns for path in kept]
        second = open_search(server.url)

        assert keys(second.search("pigment network", limit=2)) == keys(found)
    assert [path.stat().st_mtime_ns for path in kept] == times
    assert found[0].key == NAEVUS


def run(*arguments):
    command = [sys.executable, "-m", "biomedica_dataset", "search", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_command_searches_a_dataset_that_it_is_given(searchable, tmp_path):
    found = run(searchable, "pigment network", "--limit", "1", "--json")
    (one,) = json.loads(found.stdout)
    assert one["key"] == NAEVUS

    selected = run(searchable, "pigment network", "--limit", 2, "--select", tmp_path / "two")
    assert selected.returncode == 0, selected.stderr
    assert read_manifest(Folder(tmp_path / "two")).rows("all") == 2

    assert run(searchable, "the").returncode == 2


def test_a_push_without_the_group_other_is_searched_without_it(searchable, search, tmp_path):
    staged, folder = tmp_path / "staged", tmp_path / "pushed"
    staged.mkdir()
    pushed = collect(Folder(searchable), staged, "me/biomedica", include_other=False)
    for file in pushed:
        (folder / file.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file.place, folder / file.path)

    assert search.search("forearm fracture", limit=1)[0].row["license_group"] == "other"
    without = open_search(folder)
    found = without.search("photograph or radiograph of a fracture", limit=60)
    assert found
    assert all(one.row["license_group"] != "other" for one in found)
    assert keys(without.search("drusen", filters="article_year > 1900"))
    assert verify(folder).problems == []


def test_a_dataset_without_an_index_is_searched_by_one_that_is_built_here(
    sample_dataset, search, cache
):
    before = {path: path.stat().st_mtime_ns for path in sample_dataset.rglob("*")}
    with BucketServer(sample_dataset) as server:
        with pytest.raises(UsageError, match=r"--build \(build=True\) fetches its captions, \d"):
            open_search(server.url)
        here = open_search(server.url, build=True)
        found = here.search("pigment network", limit=9, licenses="commercial", images=True)
        asked = len(server.asked())
        again = open_search(server.url, build=True)
        assert len(server.asked()) == asked + 1  # the manifest
        again = again.search("pigment network", limit=9)
        local = open_search(sample_dataset, build=True).search("pigment network", limit=9)

    assert keys(found) == keys(search.search("pigment network", limit=9, licenses="commercial"))
    assert found[0].image["bytes"] == search.search("pigment", images=True)[0].image["bytes"]
    assert again == local == search.search("pigment network", limit=9)
    assert len(list((cache / "biomedica" / "built-search").glob("*/manifest.json"))) == 1
    assert not list(cache.rglob("captions"))
    assert {path: path.stat().st_mtime_ns for path in sample_dataset.rglob("*")} == before


def test_of_searches_that_begin_together_one_builds_the_index(sample_dataset, cache):
    with ThreadPoolExecutor(4) as pool:
        opened = [pool.submit(open_search, sample_dataset, build=True) for _ in range(4)]
        found = [keys(one.result().search("pigment network")) for one in opened]

    assert found == [found[0]] * 4
