"""Attributes: tables of what is known of images, beside the rows and named in conditions."""

from __future__ import annotations

import json
import shutil

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset

from biomedica_dataset import (
    UsageError,
    add_attribute,
    assign,
    look,
    open_dataset,
    select,
    serialize,
    verify,
)
from biomedica_dataset.folder.manifest import read_manifest
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.streaming.choice import Choice
from biomedica_dataset.streaming.dataset import choose_rows

from .made_panels import make_panels


@pytest.fixture
def dataset(sample_dataset, tmp_path):
    return shutil.copytree(sample_dataset, tmp_path / "biomedica")


@pytest.fixture
def keys(dataset):
    return [row["key"] for row in open_dataset(dataset, columns=["key"], split="all")]


def scores(path, keys, **columns):
    table = pa.table({"key": keys, "score": pa.array(range(len(keys)), pa.float64()), **columns})
    pq.write_table(table, path)
    return path


@pytest.mark.slow
def test_a_table_of_ones_own_is_named_in_conditions(dataset, keys, tmp_path):
    report = add_attribute(scores(tmp_path / "t.parquet", keys[:10]), dataset, name="mine")

    assert report.rows == {"kept": 10, "unknown key": 0}
    assert report.without == len(keys) - 10
    assert not verify(dataset).problems
    for filters in ("mine.score >= 7", [("mine.score", ">=", 7)], pc.field("mine.score") >= 7):
        found = open_dataset(dataset, columns=["key"], filters=filters, split="all")
        assert [row["key"] for row in found] == keys[7:10]
    both = "mine.score < 2 or (mine.score is null and caption contains the)"
    assert len(choose_rows(dataset, Choice(filters=both, split="all")).table) > 2
    nulls = choose_rows(dataset, Choice(filters="mine.score is null", split="all")).table
    assert len(nulls) == len(keys) - 10


@pytest.mark.slow
def test_the_table_is_a_config_with_its_own_columns(dataset, keys, tmp_path, monkeypatch):
    table = scores(tmp_path / "t.parquet", keys[:5], kind=["a", None, "b", "b", "a"])
    add_attribute(table, dataset, name="mine")
    monkeypatch.chdir(dataset.parent)

    rows = list(load_dataset("biomedica", "mine", split="train", streaming=True))

    assert rows[1] == {"key": keys[1], "score": 1.0, "kind": None}
    assert "what is known of images" in (dataset / "README.md").read_text()


@pytest.mark.slow
def test_another_table_of_the_name_changes_no_other_file_than_card_and_manifest(
    dataset, keys, tmp_path
):
    def digests():
        return {file.path: file.sha256 for file in read_manifest(Folder(dataset)).files}

    before = digests()
    add_attribute(scores(tmp_path / "t.parquet", keys), dataset, name="mine")
    first = digests()
    add_attribute(scores(tmp_path / "t.parquet", keys[::-1]), dataset, name="mine")
    second = digests()

    assert before.items() <= first.items()
    assert before.items() <= second.items()
    changed = {path for path in second if second[path] != first.get(path)}
    assert {path.rpartition("/")[0] for path in changed} == {"attributes/mine"}


def test_a_table_can_be_csv(dataset, keys, tmp_path):
    text = f"key,is_good,kind,n\n{keys[0]},true,a,1\n{keys[1]},false,,2\n"
    (tmp_path / "t.csv").write_text(text)
    add_attribute(tmp_path / "t.csv", dataset, name="mine")

    found = choose_rows(dataset, Choice(filters="mine.is_good = true and mine.n < 2", split="all"))

    assert found.table["key"].to_pylist() == keys[:1]


def test_keys_of_other_archives_are_counted_and_left_out(dataset, keys, tmp_path):
    report = add_attribute(
        scores(tmp_path / "t.parquet", [*keys[:3], "PMC1_x"]), dataset, name="mine"
    )

    assert report.rows == {"kept": 3, "unknown key": 1}
    assert "4 seen = 3 kept + 1 dropped" in str(report)


def test_a_value_that_is_no_number_becomes_null_and_is_counted(dataset, keys, tmp_path):
    table = pa.table({"key": keys[:3], "score": [float("nan"), 0.5, float("inf")]})
    pq.write_table(table, tmp_path / "t.parquet")

    report = add_attribute(tmp_path / "t.parquet", dataset, name="mine")

    assert report.not_numbers == {"score": 2}
    assert len(choose_rows(dataset, Choice(filters="mine.score > 0", split="all")).table) == 1


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"key": ["PMC1_x"], "a": [1]}, "names no image of"),
        ({"key": ["PMC1_x", "PMC1_x"], "a": [1, 2]}, "1 keys are repeated, such as 'PMC1_x'"),
        ({"key": ["PMC1_x", None], "a": [1, 2]}, "1 rows have no key"),
        ({"key": ["PMC1_x"], "caption": ["a"]}, "caption has the name of one of ours"),
        ({"key": ["PMC1_x"], "../a": ["a"]}, "the column '../a' must be letters"),
        ({"key": ["PMC1_x"]}, "has no column besides key"),
        ({"key": [1], "a": [1]}, "has no column key of text"),
        ({"a": [1]}, "has no column key of text; it has a"),
        ({"key": ["PMC1_x"], "a": [[1]]}, "the column a is list"),
    ],
)
def test_a_table_that_cannot_be_joined_is_refused(dataset, tmp_path, columns, said):
    before = (dataset / "manifest.json").read_bytes()
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")

    with pytest.raises(UsageError, match=said.replace("../", r"\.\./")):
        add_attribute(tmp_path / "t.parquet", dataset, name="mine")
    assert (dataset / "manifest.json").read_bytes() == before


@pytest.mark.parametrize("name", ["index", "commercial", "attributes", "A", "a b", "../a", ""])
def test_a_name_that_a_config_has_or_that_is_no_word_is_refused(dataset, tmp_path, name):
    with pytest.raises(UsageError, match=r"choose another name|must be small letters"):
        add_attribute(tmp_path / "t.parquet", dataset, name=name)


def test_a_file_that_is_no_table_is_refused_in_a_line(dataset, tmp_path):
    (tmp_path / "t.parquet").write_bytes(b"no table")

    with pytest.raises(UsageError, match="cannot be read as Parquet"):
        add_attribute(tmp_path / "t.parquet", dataset, name="mine")
    with pytest.raises(UsageError, match=r"ends in .parquet or .csv"):
        add_attribute(tmp_path / "t.txt", dataset, name="mine")


def test_an_unknown_attribute_in_a_condition_is_named(dataset, keys, tmp_path):
    add_attribute(scores(tmp_path / "t.parquet", keys), dataset, name="mine")

    with pytest.raises(UsageError, match=r"unknown column 'mine.scor' .*mine\.score"):
        open_dataset(dataset, filters="mine.scor > 1")


@pytest.mark.slow
def test_serialize_keeps_what_was_added_and_adds_clusters(sample_archive, dataset, keys, tmp_path):
    add_attribute(scores(tmp_path / "t.parquet", keys[:4]), dataset, name="mine")
    rows = open_dataset(dataset, columns=["article_accession_id", "image_file_name"], split="all")
    lines = [
        f"{row['article_accession_id']},{row['image_file_name']},{n % 3}"
        for n, row in enumerate(rows)
    ]
    (tmp_path / "clusters.csv").write_text("\n".join(["pmcid,file_name,cluster", *lines]))
    assigned = tmp_path / "assigned"
    assign(sample_archive, assigned, clusters=tmp_path / "clusters.csv", workers=1)

    report = serialize(sample_archive, dataset, attributes=[assigned], workers=1)

    assert [one.name for one in report.manifest.attributes] == ["assignments", "mine"]
    assert report.manifest.rows("mine") == 4
    assert report.rewritten == 0
    assert not verify(dataset).problems
    found = choose_rows(dataset, Choice(filters="assignments.cluster >= 0", split="all"))
    assert len(found.table) == report.manifest.rows("assignments") > 0
    manifest = (dataset / "manifest.json").read_bytes()
    serialize(sample_archive, dataset, attributes=[assigned], workers=1)
    assert (dataset / "manifest.json").read_bytes() == manifest


def test_another_folder_than_one_of_attributes_is_refused(sample_archive, tmp_path):
    with pytest.raises(UsageError, match="is not one of these: a folder of cluster assignments"):
        serialize(sample_archive, tmp_path / "d", attributes=[sample_archive], workers=1)


def test_a_subset_can_have_attributes_and_stays_a_subset(dataset, keys, tmp_path):
    select(dataset, tmp_path / "subset", limit=5)

    add_attribute(scores(tmp_path / "t.parquet", keys), tmp_path / "subset", name="mine")

    assert "**A subset**" in (tmp_path / "subset" / "README.md").read_text()
    assert not verify(tmp_path / "subset").problems


@pytest.mark.slow
def test_a_subset_keeps_what_is_known_of_its_rows(dataset, keys, tmp_path):
    add_attribute(scores(tmp_path / "t.parquet", keys[:20]), dataset, name="mine")
    add_attribute(scores(tmp_path / "u.parquet", keys[40:]), dataset, name="others")
    subset, again = tmp_path / "subset", tmp_path / "again"

    select(dataset, subset, filters="mine.score >= 15", split="all")
    select(subset, again, filters="mine.score < 18", split="all")

    def known(folder):
        index = pq.read_table(next(folder.glob("index/*.parquet")))["key"].to_pylist()
        (path,) = folder.glob("attributes/mine/*.parquet")
        rows = pq.read_table(path).to_pylist()
        assert [row["key"] for row in rows] == index
        return {row["key"]: row["score"] for row in rows}

    assert known(subset) == {keys[number]: number for number in range(15, 20)}
    assert known(again) == {keys[number]: number for number in range(15, 18)}
    assert "what is known of images" in (again / "README.md").read_text()
    nulls = choose_rows(again, Choice(filters="others.score is null", split="all")).table
    assert len(nulls) == 3
    assert not verify(again).problems


@pytest.mark.slow
def test_a_table_of_panels_is_named_in_conditions_on_panels(sample_archive, tmp_path):
    panels, dataset = make_panels(sample_archive, tmp_path / "panels"), tmp_path / "biomedica"
    look(sample_archive, tmp_path / "look", panels=panels, workers=1)
    serialize(sample_archive, dataset, panels=panels, attributes=[tmp_path / "look"], workers=1)
    views = pq.read_table(next(dataset.glob("panels/*/*.parquet"))).to_pylist()
    own, figures = [row["key"] for row in views], sorted({row["figure_key"] for row in views})
    table = scores(tmp_path / "t.parquet", [*own[:3], figures[-1], "PMC1_x-A"])
    report = add_attribute(table, dataset, name="mine")

    def chosen(filters, source=dataset, **options):
        rows = open_dataset(
            source, unit="panel", min_score=0, filters=filters, split="all", **options
        )
        return [row["key"] for row in rows]

    assert (report.panels, report.rows) == (3, {"kept": 4, "unknown key": 1})
    assert "3 of the rows are of panels" in str(report)
    assert chosen("mine.score < 3") == own[:3]
    of_figure = [row["key"] for row in views if row["figure_key"] == figures[-1]]
    assert chosen("mine.score = 3") == of_figure  # nothing is known of these panels themselves
    width = views[0]["box"][2] - views[0]["box"][0]
    assert own[0] in chosen(f"look.width = {width} and mine.score = 0")
    assert not verify(dataset).problems
    select(dataset, tmp_path / "subset", filters="mine.score = 1", unit="panel", min_score=0)
    assert chosen("mine.score >= 0", tmp_path / "subset") == own[1:2]
    assert not verify(tmp_path / "subset").problems


def test_verify_finds_keys_that_the_index_lacks(dataset, keys, tmp_path):
    add_attribute(scores(tmp_path / "t.parquet", keys), dataset, name="mine")
    path = next(dataset.glob("attributes/mine/*.parquet"))
    strange = pa.array([f"PMC1_{number}" for number in range(len(keys))])
    pq.write_table(pq.read_table(path).set_column(0, "key", strange), path)
    manifest = json.loads((dataset / "manifest.json").read_text())
    for file in manifest["files"]:
        if file["path"].startswith("attributes"):
            digest = Folder(dataset).sha256(file["path"])
            file |= {"bytes": path.stat().st_size, "sha256": digest}
    (dataset / "manifest.json").write_text(json.dumps(manifest, indent=1))

    assert any("has keys that the index lacks" in one for one in map(str, verify(dataset).problems))
