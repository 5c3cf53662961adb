"""Figures are selected as image files and as CSV, for readers without this package."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import datasets
import pytest
from click.testing import CliRunner

from biomedica_dataset import select, verify
from biomedica_dataset.cli import main
from biomedica_dataset.engine.launch import Launch, Part
from biomedica_dataset.errors import ArchiveError, UsageError
from biomedica_dataset.streaming.dataset import open_dataset
from biomedica_dataset.subset.write_figures import flat_row, image_name

from ..trees import stamps, tree

FORMATS = ("images", "csv")


@pytest.fixture(autouse=True)
def _small_slices(monkeypatch):
    monkeypatch.setattr("biomedica_dataset.subset.write_images.SLICE", 10)


def expected(dataset):
    return {row["key"]: row for row in open_dataset(dataset, split="all").decode(enable=False)}


def written(folder):
    rows = []
    for path in folder.rglob("metadata.jsonl"):
        lines = path.read_bytes().splitlines()
        rows += [(path.parent, json.loads(line)) for line in lines]
    return rows


def test_images_are_the_original_bytes_with_texts_licence_and_source(sample_dataset, tmp_path):
    select(sample_dataset, tmp_path / "out", format="images", split="all")
    figures, rows = expected(sample_dataset), written(tmp_path / "out")

    assert sorted(row["key"] for _, row in rows) == sorted(figures)
    for folder, row in rows:
        figure = figures[row["key"]]
        data = (folder / row["file_name"]).read_bytes()
        assert data == figure["image"]["bytes"]
        assert hashlib.sha256(data).hexdigest() == row["sha256"]
        assert row["caption"] == figure["caption"]
        assert row["context"] == "\n\n".join(figure["image_context"] or [])
        assert row["image_license"] == (figure["image_license"] or "unknown")
        assert figure["article_accession_id"] in row["source"]
        assert (figure["image_credit"] or "") in row["source"]
        assert folder.parts[-3] == row["license_group"]
        assert None not in row.values()
    assert "key of the figure" in (tmp_path / "out" / "README.md").read_text()


@pytest.mark.slow
def test_imagefolder_reads_images_with_their_columns(sample_dataset, tmp_path):
    select(sample_dataset, tmp_path / "out", format="images", filters="image_width > 0")
    figures = expected(sample_dataset)
    cache = str(tmp_path / "cache")
    by_card = datasets.load_dataset(
        str(tmp_path / "out"), "commercial", split="train", cache_dir=cache
    )
    by_folder = datasets.load_dataset(
        "imagefolder", data_dir=str(tmp_path / "out" / "commercial"), split="train", cache_dir=cache
    )

    assert by_card.column_names == by_folder.column_names
    assert sorted(by_card["key"]) == sorted(by_folder["key"])
    assert len(by_card) > 10
    for row in by_card.cast_column("image", datasets.Image(decode=False)):
        assert Path(row["image"]["path"]).read_bytes() == figures[row["key"]]["image"]["bytes"]


@pytest.mark.parametrize("format", ["images", "csv", "conversations", "webdataset"])
def test_rows_of_another_selection_are_not_loaded_from_the_cache_of_datasets(
    sample_dataset, tmp_path, monkeypatch, format
):
    for limit in (1, 2):
        (tmp_path / str(limit)).mkdir()
        monkeypatch.chdir(tmp_path / str(limit))
        select(sample_dataset, "out", format=format, limit=limit, licenses="commercial")
        rows = datasets.load_dataset(
            "out", "commercial", split="train", cache_dir=str(tmp_path / "cache")
        )
        assert len(rows) == limit


def test_a_selection_that_has_no_digests_is_not_verified(sample_dataset, tmp_path):
    select(sample_dataset, tmp_path / "csv", format="csv", limit=1)
    with pytest.raises(UsageError, match="has figures as CSV, which have no digests to verify"):
        verify(tmp_path / "csv")
    select(sample_dataset, tmp_path / "tars", format="webdataset", limit=1)
    assert verify(tmp_path / "tars").problems == []


@pytest.mark.slow
def test_csv_has_the_rows_of_the_images_and_fetches_none(sample_dataset, tmp_path):
    select(sample_dataset, tmp_path / "images", format="images", split="all")
    report = select(sample_dataset, tmp_path / "csv", format="csv", split="all")
    rows = []
    for path in (tmp_path / "csv").rglob("rows.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            rows += csv.DictReader(file)
    beside = {row["key"]: row for _, row in written(tmp_path / "images")}

    assert report.requests == report.moved == 0
    assert len(rows) == len(beside)
    for row in rows:
        assert row == {
            name: str(v) for name, v in beside[row["key"]].items() if name != "file_name"
        }
    read = datasets.load_dataset(
        str(tmp_path / "csv"), "commercial", split="train", cache_dir=str(tmp_path / "cache")
    )
    assert set(read["key"]) <= set(beside)


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
def test_the_same_selection_resumes_and_parts_end_with_the_same_bytes(
    sample_dataset, tmp_path, format
):
    first = select(sample_dataset, tmp_path / "out", format=format)
    whole, before = tree(tmp_path / "out"), stamps(tmp_path / "out")
    again = select(sample_dataset, tmp_path / "out", format=format)

    assert first.written > 2
    assert again.written == 0
    assert stamps(tmp_path / "out") == before
    next(iter(sorted((tmp_path / "out" / "commercial").rglob("*.*")))).unlink()
    assert select(sample_dataset, tmp_path / "out", format=format).written == 1
    assert tree(tmp_path / "out") == whole
    for number in (2, 1):
        launch = Launch(part=Part(number, 2), run_id="together")
        select(sample_dataset, tmp_path / "parts", format=format, launch=launch)
    assert tree(tmp_path / "parts") == whole


@pytest.mark.parametrize("format", FORMATS)
def test_a_folder_of_something_else_is_refused_and_left_as_it_was(sample_dataset, tmp_path, format):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "thesis.txt").write_text("mine")
    select(sample_dataset, tmp_path / "other", format="webdataset")
    for folder in ("own", "other"):
        before = tree(tmp_path / folder)
        with pytest.raises(UsageError, match="empty"):
            select(sample_dataset, tmp_path / folder, format=format)
        assert tree(tmp_path / folder) == before


@pytest.mark.parametrize(
    ("key", "file"),
    [("../PMC1_f1", "f1.jpg"), ("PMC1_f1/../../x", "f1.jpg"), ("PMC1_f1", "f1.sh"), ("", "f1.jpg")],
)
def test_a_name_from_a_stranger_never_becomes_a_path(key, file):
    with pytest.raises(ArchiveError, match="cannot be named"):
        image_name({"key": key, "image_file_name": file})


@pytest.mark.parametrize(
    ("caption", "context", "credit"),
    [('A "quoted", caption\u2028\r\n=1+1', ["One.", "Two."], "From Smith."), ("", None, None)],
)
def test_no_column_is_null_and_texts_stay_as_they_are(caption, context, credit):
    texts = {"caption": caption, "image_context": context, "image_credit": credit}
    places = {"key": "PMC1_f", "article_accession_id": "PMC1", "image_kind": "figure"}
    image = {"license_group": "other", "image_size": [4, 3], "image_hash": "0" * 64}
    unknown = dict.fromkeys(["image_license", "article_license", "article_citation", "article_doi"])
    row = flat_row({**texts, **places, **image, **unknown})

    assert row["caption"] == caption
    assert row["context"] == "\n\n".join(context or [])
    assert row["source"].endswith(credit or "")
    assert None not in row.values()


@pytest.mark.parametrize("format", FORMATS)
def test_the_command_takes_the_formats(sample_dataset, tmp_path, format):
    arguments = ["select", str(sample_dataset), "-o", str(tmp_path / "x"), "--format", format]
    found = CliRunner().invoke(main, [*arguments, "--license", "commercial"])

    assert found.exit_code == 0, found.output
    assert (tmp_path / "x" / "commercial").is_dir()
    assert not (tmp_path / "x" / "other").exists()
