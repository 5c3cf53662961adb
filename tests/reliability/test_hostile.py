"""What means harm goes the whole route: it is kept as text and bytes, or dropped by a reason."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import datasets
import numpy as np
import pytest
import yaml

from biomedica_dataset.annotation.clusters.assign import assign
from biomedica_dataset.annotation.clusters.cluster import cluster
from biomedica_dataset.annotation.review.sheets import write_sheets
from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.rows import rows_of
from biomedica_dataset.streaming.dataset import open_dataset
from biomedica_dataset.verification.verify import verify

from . import hostile

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

PRINTED = re.compile(r"[^\n\r\t -~\u00a0-\U0010ffff]|[\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What no terminal is to get from a stranger."""


@dataclass(frozen=True)
class Route:
    """The bucket, taken through all commands, and what they said."""

    folder: Path
    said: str


def make_route(folder: Path, encoder: Path) -> None:
    folder.mkdir(parents=True)
    told = folder.with_name("said")  # beside it, where nothing of a stranger goes
    hostile.write_bucket(folder / "bucket")
    with told.open("wb") as said:
        for line in (
            "extract bucket -o archive --workers 1",
            "serialize archive -o biomedica --workers 1",
            "serialize archive -o tars --format webdataset --workers 1",
            "verify archive",
            "verify biomedica",
            f"annotate embed archive -o vectors --model {encoder} --workers 1",
        ):
            command = [sys.executable, "-m", "biomedica_dataset", *line.split()]
            done = subprocess.run(
                command, cwd=folder, stdout=said, stderr=subprocess.STDOUT, check=False
            )
            assert done.returncode == 0, told.read_bytes()


@pytest.fixture(scope="module")
def route(once, encoder_folder):
    folder = once("hostile", lambda to: make_route(to / "route", encoder_folder)) / "route"
    return Route(folder, folder.with_name("said").read_text("utf-8", "surrogateescape"))


def ledger(route):
    opened = Archive.open(route.folder / "archive")
    return {row.pmcid: row for block in opened.blocks() for row in opened.rows(block)}


def figures(route, pmcid):
    """Return what became of the figures of an article as rows, by href."""
    opened = Archive.open(route.folder / "archive")
    (found,) = (
        rows_of(row, images)
        for block in opened.blocks()
        for row, images in opened.articles(block)
        if row.pmcid == pmcid
    )
    return found


def rows(route):
    folder = str(route.folder / "biomedica")
    shown = datasets.load_dataset(folder, "all", split="train", streaming=True)
    return {row["key"]: row for row in shown.cast_column("image", datasets.Image(decode=False))}


def test_documents_that_mean_harm_are_read_without_harm_or_dropped(route):
    found = ledger(route)
    fates = {
        name: f"{row.status}: {row.reason}" if row.reason else row.status
        for (name, _), row in zip(
            hostile.documents().items(),
            (found[n] for n in sorted(found) if n > hostile.PICTURES),
            strict=True,
        )
    }

    assert fates == {name: fate for name, (_xml, fate) in hostile.documents().items()}


def test_pictures_that_mean_harm_are_kept_as_they_are_or_dropped_by_a_reason(route):
    expected = hostile.pictures()
    found = figures(route, hostile.PICTURES)

    assert found.figures == Counter(picture.row for picture in expected.values())
    kept = {pair.image_file_name: pair.image["bytes"] for _group, pair in found.pairs}
    assert kept == {name: p.data for name, p in expected.items() if p.row == "kept"}
    written = rows(route)
    assert {
        row["image_file_name"]: row["image"]["bytes"]
        for row in written.values()
        if row["article_accession_id"] == f"PMC{hostile.PICTURES}"
    } == kept


def test_pictures_that_cannot_be_decoded_have_no_vector_and_a_reason(route):
    shown = [p for p in hostile.pictures().values() if p.row == "kept"]
    told = re.findall(r"no vector: PMC8000003_[\w-]+: (\w+)", route.said)

    assert sorted(told) == sorted(p.vector for p in shown if p.vector != "kept")


def test_a_name_is_a_name_whatever_it_says(route):
    found = figures(route, hostile.NAMES)

    assert found.figures == Counter(hostile.names().values())
    kept = {name for name, fate in hostile.names().items() if fate == "kept"}
    assert {pair.image_file_name for _group, pair in found.pairs} == kept
    keys = [pair.key for _group, pair in found.pairs]
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch(r"PMC\d+_[A-Za-z0-9_-]+", key) for key in keys)
    inside = {path.name for path in route.folder.iterdir()}
    assert inside == {"bucket", "archive", "biomedica", "tars", "vectors"}
    for path in (route.folder / "tars").rglob("*.tar"):
        with tarfile.open(path) as tar:
            assert all(
                re.fullmatch(r"[\w-]+\.(jpg|png|tif|gif|webp|txt|json)", n) for n in tar.getnames()
            )


def test_texts_are_text_in_the_rows(route):
    row = rows(route)[f"PMC{hostile.TEXTS}_g"]
    said = [row[n] for n in ("caption", "article_title", "article_journal", "article_citation")]

    for text in (*said, row["figure_label"], *row["article_keywords"]):
        assert text.startswith("<script>document.title='harmed'</script>")
        assert text.isprintable()
    assert row["article_doi"] == "[31m]0;harmed 2J"


def test_the_card_shows_texts_as_text(route):
    card = (route.folder / "biomedica" / "README.md").read_text()
    _, front, body = card.split("---\n", 2)

    assert yaml.safe_load(front)["license"] == "other"
    assert "harmed" in body
    assert not re.search(r"<script|<img|\]\(javascript|!\[x\]|www\.example|http://example", body)
    assert body.count("\n---\n") == 0
    assert all(line.startswith("|") for line in body.splitlines() if "harmed" in line)
    assert not PRINTED.search(card)


def test_the_terminal_gets_no_control_character(route):
    assert "kept" in route.said
    assert not PRINTED.search(route.said)


def test_sheets_show_texts_as_text(route, tmp_path):
    cluster(route.folder / "vectors", tmp_path / "clusters", components=2, clusters=2)
    assign(
        route.folder / "vectors", tmp_path / "assigned", clusters=tmp_path / "clusters", workers=1
    )
    review = write_sheets(
        tmp_path / "assigned", route.folder / "archive", tmp_path / "review", count=40, workers=1
    )
    pages = {path: path.read_text() for path in (tmp_path / "review").rglob("*.html")}

    assert review.is_new
    assert any("harmed" in text for text in pages.values())
    for text in pages.values():
        assert not re.search(r"<script|<img src=x|onerror=\"", text)
        assert "default-src 'none'" in text
        assert not PRINTED.search(text)
    table = (tmp_path / "review" / "questions.csv").read_text()
    assert not re.search(r"(^|[,\"])[=+@-]cmd", table, re.MULTILINE)


def test_everything_seen_is_kept_or_dropped(route):
    archive = Archive.open(route.folder / "archive")
    counts = [header.counts for header in archive.headers().values()]

    assert sum(sum(c["articles"].values()) for c in counts) == len(ledger(route))
    entries = [entry for row in ledger(route).values() for entry in row.images]
    assert sum(sum(c["figures"].values()) for c in counts) == len(entries)
    assert verify(route.folder / "biomedica").problems == []


def test_a_subset_of_it_streams(route):
    shown = open_dataset(str(route.folder / "biomedica"), columns=["key", "image"])
    plain = list(shown.cast_column("image", datasets.Image(decode=False)))

    assert len(plain) == len(rows(route))
    assert np.all([row["image"]["bytes"] for row in plain])
