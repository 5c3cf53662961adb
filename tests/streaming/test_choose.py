"""Rows are chosen by index and captions; what does not exist is named with its nearest."""

from __future__ import annotations

import json
from collections import Counter

import datasets
import pyarrow.compute as pc
import pytest
import webdataset
from datasets import load_dataset

from biomedica_dataset.errors import UsageError
from biomedica_dataset.schema import Pair, column_names
from biomedica_dataset.streaming.choice import Choice
from biomedica_dataset.streaming.dataset import choose_rows, open_dataset
from biomedica_dataset.subset.select import select
from biomedica_dataset.verification.verify import verify

from ..servers import BucketServer

CAPTION = pc.field("caption")


def asked(server):
    return [request.key for request in server.log]


def chosen(folder, **options):
    return [row["key"] for row in open_dataset(folder, columns=["key"], **options)]


def expected(pairs, holds):
    return [pair.key for pair in pairs if holds(pair)]


def year(pair):
    return int(pair.article_date[:4])


CASES = {
    "group": ({"licenses": "commercial"}, lambda p: p.image_license == "CC BY 4.0"),
    "code": ({"licenses": ["cc-by-nc"]}, lambda p: p.image_license == "CC BY-NC 4.0"),
    "other": ({"licenses": ["other"]}, lambda p: p.image_license is None),
    "concept": ({"concepts": "microscopy"}, lambda p: p.image_primary_label == ["Microscopy"]),
    "kind": ({"filters": [("image_kind", "==", "table")]}, lambda p: p.image_kind == "table"),
    "panels": ({"filters": [("image_panel_count", ">=", 2)]}, lambda p: p.image_panels),
    "year": ({"filters": [("article_year", ">=", 2015)]}, lambda p: year(p) >= 2015),
    "journal": (
        {"filters": [("article_journal", "in", ["Cell"])]},
        lambda p: p.article_journal == "Cell",
    ),
    "size": (
        {"filters": [("image_width", ">", 300), ("image_height", "<=", 500)]},
        lambda p: p.image_size[0] > 300 and p.image_size[1] <= 500,
    ),
    "or": (
        {"filters": [[("article_year", "<", 2008)], [("article_year", ">", 2023)]]},
        lambda p: year(p) < 2008 or year(p) > 2023,
    ),
    "not in": (
        {"filters": [("article_journal", "not in", ["Cell"])]},
        lambda p: p.article_journal != "Cell",
    ),
    "list": (
        {"filters": [("image_primary_label", "contains", "Clinical imaging")]},
        lambda p: p.image_primary_label == ["Clinical Imaging"],
    ),
    "caption": (
        {"filters": [("caption", "contains", "MELANOMA"), ("article_year", ">", 2010)]},
        lambda p: "melanoma" in p.caption and year(p) > 2010,
    ),
    "expression": (
        {"filters": (pc.field("article_year") > 2015) & pc.match_substring(CAPTION, "blot")},
        lambda p: year(p) > 2015 and "blot" in p.caption,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("options", "holds"), CASES.values(), ids=CASES)
def test_rows_are_those_that_a_loop_would_choose(labelled, options, holds):
    folder, pairs = labelled

    assert chosen(folder, **options) == expected(pairs, holds) != []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"concepts": ["Microscpy"]}, "did you mean 'Microscopy'"),
        ({"columns": ["captoin"]}, "did you mean 'caption'"),
        ({"filters": [("image_knd", "==", "figure")]}, "did you mean 'image_kind'"),
        ({"filters": [("image_kind", "==", "figur")]}, "did you mean 'figure'"),
        ({"filters": [("image_kind", "like", "x")]}, "operator 'like'"),
        ({"filters": [("article_year", ">", "late")]}, "type int32"),
        ({"filters": [("image_primary_label", "==", "x")]}, "use 'contains'"),
        ({"filters": 2000}, "must have the form"),
        ({"filters": "year > 2000"}, "did you mean 'article_year'"),
        ({"licenses": ["GPL"]}, "unknown licence 'GPL'"),
        ({"licenses": []}, "licenses is empty"),
        ({"split": "test"}, "unknown split 'test'"),
        ({"recipe": "cap"}, "cap-overrepresented"),
        ({"limit": 0}, "limit is 0; it must be 1 or more"),
        ({"seed": -1}, "seed is -1"),
        ({"columns": []}, "a list of distinct names"),
        ({"filters": [("article_year", ">", 2100)]}, "none of the"),
    ],
)
def test_what_cannot_be_is_named(labelled, options, message):
    with pytest.raises(UsageError, match=message):
        open_dataset(labelled[0], **{"columns": ["key"], **options})


def test_concepts_of_a_dataset_without_labels_are_told_of(sample_dataset):
    with pytest.raises(UsageError, match="no row has a label"):
        open_dataset(sample_dataset, concepts=["Microscopy"])
    with pytest.raises(UsageError, match="none of the"):
        open_dataset(sample_dataset, recipe="cap-overrepresented")


def test_a_limit_is_the_first_rows_or_a_draw_of_the_seed(labelled):
    folder, pairs = labelled

    assert chosen(folder, limit=5) == [pair.key for pair in pairs[:5]]
    drawn = chosen(folder, limit=50, seed=1)
    assert len(set(drawn)) == 50
    assert drawn == chosen(folder, limit=50, seed=1)
    assert set(drawn) != set(chosen(folder, limit=50, seed=2))


@pytest.mark.slow
def test_rows_are_those_of_load_dataset(sample_dataset):
    ours = open_dataset(sample_dataset, split="all")
    theirs = load_dataset(str(sample_dataset), "all", split="train", streaming=True)
    undecoded = datasets.Image(decode=False)

    assert ours.features == theirs.features
    rows = {row["key"]: row for row in ours.cast_column("image", undecoded)}
    assert rows == {row["key"]: row for row in theirs.cast_column("image", undecoded)}
    assert next(iter(ours))["image"].size == tuple(next(iter(ours))["image_size"])


def test_columns_come_in_the_order_asked_for_those_of_the_index_too(labelled):
    folder, pairs = labelled
    names = ["article_year", "caption", "key", "image_context"]
    row = next(iter(open_dataset(folder, columns=names)))

    assert list(row) == names
    assert list(row.values()) == [year(pairs[0]), pairs[0].caption, pairs[0].key, None]


@pytest.mark.parametrize("recipe", ["drop-overrepresented", "cap-overrepresented", "sqrt-weights"])
def test_a_recipe_says_what_it_keeps_before_a_picture_is_fetched(labelled, recipe):
    folder, pairs = labelled
    before = Counter(name for p in pairs for name in p.image_primary_label or [])
    with BucketServer(folder) as server:
        found = choose_rows(server.url, Choice(recipe=recipe, seed=0))
        assert set(asked(server)) == {"manifest.json", "index/0000.parquet"}
    counts = found.report.concepts

    assert {name: count[0] for name, count in counts.items()} == before
    assert counts["Clinical Imaging"][1] <= before["Clinical Imaging"]
    assert counts["Microscopy"][1] <= before["Microscopy"]
    assert counts["Plots and Charts"][1] < before["Plots and Charts"]
    assert sum(after for _, after in counts.values()) == len(found.table)
    again = choose_rows(folder, Choice(recipe=recipe, seed=0))
    assert again.table.equals(found.table)
    assert f"of {before['Microscopy']}" in str(found)
    assert found.report.unlabelled == sum(not p.image_primary_label for p in pairs)


def test_only_the_bytes_of_the_chosen_are_fetched(labelled):
    folder, pairs = labelled
    with BucketServer(folder) as server:
        dataset = open_dataset(server.url, columns=["key", "image"], limit=40, seed=0)
        server.forget()
        rows = list(dataset.cast_column("image", datasets.Image(decode=False)))
        wanted = sum(len(row["image"]["bytes"]) for row in rows)
        whole = sum(len(pair.image["bytes"]) for pair in pairs)
        assert server.sent() < wanted + 4096 * 40 < whole


def test_mesh_terms_are_chosen_by_on_the_index(labelled):
    folder, pairs = labelled
    expected = {p.key for p in pairs if "Melanoma" in (p.article_mesh_terms or [])}
    with BucketServer(folder) as server:
        rows = open_dataset(
            server.url, columns=["key"], filters=[("article_mesh_terms", "contains", "Melanoma")]
        )
        assert {row["key"] for row in rows} == expected
        assert not [key for key in asked(server) if key.startswith("commercial/")]


@pytest.mark.slow
def test_select_writes_a_dataset_folder_of_the_chosen(labelled, tmp_path):
    folder, pairs = labelled
    choice = {"licenses": ["commercial", "noncommercial"], "concepts": ["Microscopy"]}
    wanted = {
        p.key: p for p in pairs if p.image_license and p.image_primary_label == ["Microscopy"]
    }
    output = tmp_path / "subset"
    plan = select(folder, dry_run=True, **choice)

    assert f"{len(wanted)} of {len(pairs)} rows" in str(plan)
    assert not output.exists()
    report = select(folder, output, **choice)
    assert (report.requests, report.moved) == (plan.requests, plan.moved)
    assert not verify(output).problems
    assert "**A subset**" in (output / "README.md").read_text()
    undecoded = datasets.Image(decode=False)
    ours = open_dataset(output, verify=True).cast_column("image", undecoded)
    theirs = load_dataset(str(output), "all", split="train", streaming=True)
    for rows in (ours, theirs.cast_column("image", undecoded)):
        found = {row["key"]: row for row in rows}
        assert found.keys() == wanted.keys()
        assert all(
            found[key][name] == getattr(wanted[key], name)
            for key in wanted
            for name in column_names(Pair)
        )


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of webdataset
def test_select_writes_tars_that_the_usual_loop_reads(labelled, tmp_path, monkeypatch):
    monkeypatch.setattr("biomedica_dataset.subset.write_tars.SAMPLES", 40)
    folder, pairs = labelled
    wanted = {p.key: p for p in pairs if p.image_primary_label == ["Microscopy"]}
    output = tmp_path / "tars"
    select(folder, output, concepts=["Microscopy"], format="webdataset")

    sizes = json.loads((output / "commercial" / "sizes.json").read_text())
    assert sum(sizes.values()) == len(wanted)
    assert len(list((output / "commercial").glob("*.tar"))) > 1
    urls = [str(path) for path in output.glob("*/*.tar")]
    assert len(urls) == len(sizes)
    samples = webdataset.WebDataset(urls, shardshuffle=False)
    found = {sample["__key__"]: sample for sample in samples}
    assert found.keys() == wanted.keys()
    for key, sample in found.items():
        described = json.loads(sample["json"])
        assert sample["jpg"] == wanted[key].image["bytes"]
        assert sample["txt"].decode() == wanted[key].caption
        assert described["image_primary_label"] == ["Microscopy"]
        assert described["image_cluster_id"] in {f["image_id"] for f in described["image_set"]}
        assert described["article_text"] is None


def test_select_does_not_write_over_anything(labelled, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        select(labelled[0], tmp_path)
    with pytest.raises(UsageError, match="give a new folder for the output"):
        select(labelled[0], None)
