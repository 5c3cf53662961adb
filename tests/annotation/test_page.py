"""The page in a real browser: two annotators, one of whose browsers is killed in the middle."""

from __future__ import annotations

import json
import shutil
import subprocess

import numpy as np
import pytest

from biomedica_dataset.annotation.blocks import BlockRecord, write_block
from biomedica_dataset.annotation.clusters.assignments import (
    Assignments,
    AssignmentsHeader,
    as_table,
)
from biomedica_dataset.annotation.labels.label import label
from biomedica_dataset.annotation.labels.taxonomy import Taxonomy
from biomedica_dataset.annotation.labels.votes import VoteFile
from biomedica_dataset.annotation.review.sample import choose_samples
from biomedica_dataset.annotation.review.session import Item, open_session
from biomedica_dataset.annotation.review.sheets import Review, write_sheets
from biomedica_dataset.errors import UsageError
from biomedica_dataset.io.folders import Folder

from ..trees import tree
from .browser import CHROMIUM, FLAGS, answered, arrive, kill, served, vote

TAXONOMY = Taxonomy.load()


@pytest.mark.slow
def test_two_annotators_vote_and_nothing_is_lost_when_a_browser_is_killed(
    assigned, sample_archive, sheets, tmp_path, chromium
):
    folder, requests = tmp_path / "review", []
    shutil.copytree(sheets, folder)
    total = len(Review.open(folder).clusters)
    arguments = [assigned, sample_archive, "-o", folder, "--images", "6", "--page"]
    with served(*arguments) as (address, _server):
        anna = arrive(chromium()[1], address, "anna", requests)
        anna.locator(".tile .see").first.click()
        anna.locator("#viewed", has_text="PMC").wait_for()
        anna.keyboard.press("x")
        anna.keyboard.press("Escape")
        anna.locator(".tile.is-wrong").wait_for()
        process, opened = chromium()
        ben = arrive(opened, address, "ben", requests)
        for number in range(total):
            vote(anna, "Maps")
            answered(anna, f"{number + 1} of {total}")
            anna.keyboard.press("ArrowRight")
            if number < 2:
                vote(ben, "Tables" if number else "Maps", panel="multiple" if number else "single")
                answered(ben, f"{number + 1} of {total}")
                ben.keyboard.press("n")
        kill(process)
        ben = arrive(chromium()[1], address, "ben", requests)
        answered(ben, f"2 of {total}")
        for number in range(2, total):
            vote(ben, "Maps")
            answered(ben, f"{number + 1} of {total}")
            ben.keyboard.press("u")
    votes = sorted((folder / "votes").glob("*.jsonl"))
    report = label(votes, tmp_path / "labels", assignments=assigned)

    assert '"wrong_images", "answer": ["PMC' in votes[0].read_text()
    assert report.annotators == ["anna", "ben"]
    assert len(report.labels) == total
    assert {a.question: a.percent for a in report.agreement}["primary"] == (total - 1) / total
    assert [label.open for label in report.labels.values() if label.open] == [
        ["panel_type", "primary"]
    ]
    assert not [url for url in requests if not url.startswith(address)]


def test_an_audit_asks_of_each_image_and_an_adjudication_of_what_is_open(
    assigned, sheets, tmp_path
):
    folder = tmp_path / "review"
    shutil.copytree(sheets, folder)
    review = Review.open(folder)
    first, second, *_ = review.clusters
    for who, panel in (("anna", "single"), ("ben", "multiple")):
        file = VoteFile(folder / "votes", who, TAXONOMY, review.model)
        file.answer(first, "panel_type", panel)
        file.answer(second, "primary", ["Maps"])
        file.close()
    with pytest.raises(UsageError, match="give them with --labels"):
        open_session(review, TAXONOMY, adjudicate=True)
    from biomedica_dataset.annotation.labels.labels import Labels

    votes = sorted((folder / "votes").glob("*.jsonl"))
    label(votes, tmp_path / "labels", assignments=assigned)
    labels = Labels.open(tmp_path / "labels")
    judge = open_session(review, TAXONOMY, labels, adjudicate=True)
    judge.join("chief")
    assert judge.done("chief") == 0
    judge.save("chief", judge.items[0], "panel_type", "multiple")
    assert judge.done("chief") == 1
    auditor = open_session(review, TAXONOMY, labels, audit=2)
    auditor.join("carl")
    for number, item in enumerate(auditor.items):
        auditor.save("carl", item, "fits_primary", number == 0)
    judge.close()
    auditor.close()
    if review.clusters[second].size > 6:
        with pytest.raises(UsageError, match="sheets have 6; write sheets with --images 7"):
            open_session(review, TAXONOMY, labels, audit=7)
    settled = folder / "adjudication" / "chief.jsonl"
    votes = sorted((folder / "votes").glob("*.jsonl"))
    report = label(votes, tmp_path / "again", assignments=assigned, adjudication=settled)

    assert judge.items == [Item(first)]
    assert {item.cluster for item in auditor.items} == {second}
    assert report.labels[first].panel_type == "multiple"
    assert {p.of: (p.right, p.images) for p in report.purity}["Maps"] == (1, 2)
    with pytest.raises(UsageError, match="no open questions"):
        open_session(review, TAXONOMY, Labels.open(tmp_path / "again"), adjudicate=True)


def test_sheets_are_made_once_and_made_again_where_the_clusters_change(
    assigned, sample_archive, sheets, tmp_path
):
    folder = tmp_path / "review"
    shutil.copytree(sheets, folder)
    before = tree(folder)
    again = write_sheets(assigned, sample_archive, folder, count=6, workers=2)
    write_sheets(assigned, sample_archive, tmp_path / "fresh", count=6, workers=2)

    assert not again.is_new
    assert tree(folder) == before
    assert tree(tmp_path / "fresh") == before
    assert write_sheets(assigned, sample_archive, folder, count=4, workers=1).is_new
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(UsageError, match="choose an empty or new folder"):
        write_sheets(assigned, sample_archive, tmp_path / "mine")


def test_a_table_of_questions_that_an_expert_completed_is_not_replaced(
    assigned, sample_archive, tmp_path
):
    write_sheets(assigned, sample_archive, tmp_path, count=4, workers=1)
    table = tmp_path / "questions.csv"
    completed = table.read_text().replace("\n0,,", "\n0,single,")
    table.write_text(completed)
    before = tree(tmp_path)

    with pytest.raises(UsageError, match=r"questions\.csv is not as it was written.*rename it"):
        write_sheets(assigned, sample_archive, tmp_path, count=3, workers=1)
    assert tree(tmp_path) == before
    table.rename(tmp_path / "anna.csv")
    assert write_sheets(assigned, sample_archive, tmp_path, count=3, workers=1).is_new


def test_the_nearest_and_the_farthest_are_shown_and_a_sample_that_is_no_choice_of_the_order(
    tmp_path,
):
    rng = np.random.default_rng(0)
    keys = [f"PMC{n}_g1" for n in range(3000)]
    distances = dict(zip(keys, rng.permutation(3000).tolist(), strict=True))
    shown = []
    for name, order in (("a", keys), ("b", keys[::-1])):
        there = Assignments.begin(Folder(tmp_path / name), AssignmentsHeader(10**6, 2, "m"))
        clusters = [int(key[3:-3]) % 2 for key in order]
        table = as_table(order, clusters, [distances[key] for key in order])
        write_block(there.folder, 0, table, BlockRecord(fingerprint=""))
        shown.append(choose_samples(there, 12, 0))
    own = [key for key in keys if int(key[3:-3]) % 2]
    chosen = shown[0][1]
    left = sorted((key for key in own if key not in chosen.shown["random"]), key=distances.get)

    assert shown[0] == shown[1]
    assert (chosen.cluster, chosen.size, len(chosen.shown["random"])) == (1, 1500, 12)
    assert chosen.shown["nearest"] == left[:4]
    assert chosen.shown["farthest"] == left[::-1][:4]
    numbers = [own.index(key) for key in chosen.shown["random"]]
    assert min(numbers) < 500
    assert max(numbers) > 1000


def test_every_image_that_is_shown_is_of_its_cluster(assigned, sheets):
    review, clusters = Review.open(sheets), Assignments.open(assigned).of_pmcids(0, 10**10)

    for cluster, sample in review.clusters.items():
        assert {clusters[key] for key in sample.keys} == {cluster}
        assert len(set(sample.keys)) == len(sample.keys)
        assert sample.size == sum(found == cluster for found in clusters.values())
        assert all(review.cards[key].caption for key in sample.keys)
    assert json.loads((sheets / "review.json").read_text())["format_version"] == 1


HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)> ](javascript:alert(3)) --- "
    "\u202edlrow {{7*7}} &lt;b&gt; " + "long " * 900
)


def test_hostile_captions_are_text_on_sheets(tmp_path):
    from biomedica_dataset.annotation.review.sample import ClusterSample
    from biomedica_dataset.annotation.review.sheets import _sheet
    from biomedica_dataset.annotation.review.thumbnails import Card

    card = Card(key="PMC1_g1", article="PMC1", label=HOSTILE[:60], caption=HOSTILE, thumbnail=None)
    html = _sheet(ClusterSample(0, 1, {"random": ["PMC1_g1"]}), {"PMC1_g1": card}, None, None)
    path = tmp_path / "sheet.html"
    path.write_text(html)

    assert "<script" not in html
    assert "<img src=x" not in html
    assert "default-src 'none'" in html
    if CHROMIUM:
        home = f"--user-data-dir={tmp_path / 'home'}"
        dumped = subprocess.run(
            [CHROMIUM, *FLAGS, home, "--dump-dom", path.as_uri()],
            capture_output=True, text=True, timeout=60, check=True,
        ).stdout  # fmt: skip
        assert "&lt;script&gt;alert(1)" in dumped
