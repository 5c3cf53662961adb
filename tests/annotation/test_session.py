"""The page at its other works: after a killed server, in an adjudication, in an audit."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

from biomedica_dataset.annotation.labels.label import label
from biomedica_dataset.annotation.labels.labels import Labels
from biomedica_dataset.annotation.labels.taxonomy import Taxonomy
from biomedica_dataset.annotation.labels.votes import VoteFile, read_file
from biomedica_dataset.annotation.review.sample import ClusterSample
from biomedica_dataset.annotation.review.session import Item, ReviewSession
from biomedica_dataset.annotation.review.sheets import Review
from biomedica_dataset.annotation.review.thumbnails import Card
from biomedica_dataset.io.folders import Folder

from .browser import answered, arrive, free_port, served, until, vote

TAXONOMY = Taxonomy.load()
HOSTILE = "<img src=x onerror='document.title=1'><script>document.title=2</script> **b** [a](b) "


@pytest.fixture
def review(sheets, tmp_path):
    shutil.copytree(sheets, tmp_path / "review")
    return tmp_path / "review"


@pytest.mark.slow
def test_an_answer_after_the_server_was_killed_is_of_the_cluster_that_was_seen(
    assigned, sample_archive, review, chromium
):
    arguments = [assigned, sample_archive, "-o", review, "--images", "6", "--page"]
    port = free_port()
    with served(*arguments, port=port) as (address, server):
        anna = arrive(chromium()[1], address, "anna")
        vote(anna, "Maps")
        answered(anna, "1 of 6")
        anna.keyboard.press("n")
        anna.locator("#title", has_text="Cluster 1").wait_for()
        anna.locator("#session.moving").wait_for(state="detached")
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
    with served(*arguments, port=port):
        anna.set_default_timeout(60_000)  # it has to find the server again
        vote(anna, "Tables")
        answered(anna, "2 of 6")
    found = [v for v in read_file(review / "votes" / "anna.jsonl") if v.question == "primary"]

    assert [(v.cluster, v.answer) for v in found] == [(0, ["Maps"]), (1, ["Tables"])]


def test_answers_given_while_the_server_is_busy_are_all_kept(
    assigned, sample_archive, review, chromium
):
    arguments = [assigned, sample_archive, "-o", review, "--images", "6", "--page"]
    with served(*arguments) as (address, server):
        anna = arrive(chromium()[1], address, "anna")
        os.kill(server.pid, signal.SIGSTOP)
        vote(anna, "Maps")
        vote(anna, "Tables", panel="multiple")
        os.kill(server.pid, signal.SIGCONT)
        answered(anna, "1 of 6")
        file = review / "votes" / "anna.jsonl"
        until(lambda: len(file.read_text().splitlines()) == 4)
    last = {kept.question: kept.answer for kept in read_file(file)}

    assert (last["panel_type"], last["primary"]) == ("multiple", ["Maps", "Tables"])


def test_keys_choose_and_what_stands_above_follows(assigned, sample_archive, review, chromium):
    arguments = [assigned, sample_archive, "-o", review, "--images", "6", "--page"]
    with served(*arguments) as (address, _server):
        anna = arrive(chromium()[1], address, "anna")
        anna.keyboard.press("4")  # after two panel types and one subtype, the second subtype
        anna.locator("#panel_type input:checked").wait_for()
        anna.keyboard.press("l")
        anna.keyboard.type("bar pl")
        anna.get_by_role("option", name="bar plot").wait_for()
        anna.keyboard.press("Enter")
        anna.locator("#primary", has_text="Plots and Charts").wait_for()
        answered(anna, "1 of 6")
        anna.keyboard.press("Escape")
        anna.keyboard.press("c")
        anna.keyboard.type("next to a map")
        anna.keyboard.press("Escape")
        anna.keyboard.press("n")
        anna.locator("#title", has_text="Cluster 1").wait_for()
        anna.keyboard.press("m")
        answered(anna, "2 of 6")
        anna.keyboard.press("p")
        anna.locator("#title", has_text="Cluster 0").wait_for()
        anna.locator("#comment textarea").wait_for()
        assert anna.locator("#comment textarea").input_value() == "next to a map"
    file = VoteFile(review / "votes", "anna", TAXONOMY, Review.open(review).model)
    file.close()

    assert file.answers(0) == {
        "panel_type": "multiple", "panel_subtype": "multiple panels: images",
        "primary": ["Plots and Charts"], "secondary": ["bar plot"], "comment": "next to a map",
    }  # fmt: skip
    assert file.answers(1) == {"mixed": True}


@pytest.mark.slow
def test_an_adjudication_shows_what_is_open_and_an_audit_image_by_image(
    assigned, sample_archive, review, tmp_path, chromium
):
    model = Review.open(review).model
    for who, concept in (("anna", "Maps"), ("ben", "Tables")):
        file = VoteFile(review / "votes", who, TAXONOMY, model)
        file.answer(2, "primary", [concept])
        file.answer(3, "primary", ["Microscopy"])
        file.close()
    votes = sorted((review / "votes").glob("*.jsonl"))
    label(votes, tmp_path / "labels", assignments=assigned)
    arguments = [assigned, sample_archive, "-o", review, "--images", "6", "--labels"]
    with served(*arguments, tmp_path / "labels", "--adjudicate") as (address, _server):
        chief = arrive(chromium()[1], address, "chief")
        answered(chief, "0 of 1")
        assert "Cluster 2" in chief.locator("#title").inner_text()
        assert "Open: primary" in chief.locator("#label textarea").input_value()
        vote(chief, "Maps")
        answered(chief, "1 of 1")
    with served(*arguments, tmp_path / "labels", "--audit", "2") as (address, _server):
        carl = arrive(chromium()[1], address, "carl")
        assert "Microscopy" in carl.locator("#label textarea").input_value()
        assert carl.locator("#fits_panel_type").count() == 0  # it has no panel type
        carl.keyboard.press("1")
        answered(carl, "1 of 2")
        carl.keyboard.press("n")
        carl.locator("#fits_primary input:checked").wait_for(state="detached")
        carl.locator("#fits_primary label:has-text('no')").click()
        answered(carl, "2 of 2")
    options = {"adjudication": review / "adjudication" / "chief.jsonl", "assignments": assigned}
    votes = sorted((review / "votes").glob("*.jsonl"))
    report = label(votes, tmp_path / "again", **options)

    assert report.labels[2].primary == ["Maps"]
    assert {p.of: (p.right, p.images) for p in report.purity} == {
        "all": (1, 2), "cluster 3": (1, 2), "Microscopy": (1, 2)
    }  # fmt: skip
    assert Labels.open(tmp_path / "again").of(2).open == []


def test_hostile_captions_are_text_on_the_page(assigned, sample_archive, review, chromium):
    path = review / "review.json"
    stored = json.loads(path.read_text())
    for card in stored["cards"]:
        card.update(caption=HOSTILE + "long " * 900, label=HOSTILE)
    path.write_text(json.dumps(stored))
    arguments = [assigned, sample_archive, "-o", review, "--images", "6", "--page"]
    with served(*arguments) as (address, _server):
        anna = arrive(chromium()[1], address, "anna")
        anna.locator("#gallery button").first.click()
        anna.wait_for_function("document.querySelector('#caption textarea').value.length > 4000")
        assert anna.locator("#caption textarea").input_value().count(HOSTILE) == 2
        assert anna.title() == "Review"
        assert anna.locator("img[src='x']").count() == 0


def test_a_port_that_is_taken_is_told_of(assigned, sample_archive, review):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        arguments = [str(assigned), str(sample_archive), "-o", str(review), "--images", "6"]
        command = [sys.executable, "-m", "biomedica_dataset", "annotate", "review"]
        done = subprocess.run(
            [*command, *arguments, "--page", "--port", port],
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    assert done.returncode == 2
    assert re.search(f"cannot be served on port {port}.*choose another with --port", done.stderr)
    assert "Traceback" not in done.stderr


def test_a_session_with_thousands_of_clusters_answers_at_once(tmp_path):
    samples = {n: ClusterSample(n, 1, {"random": [f"PMC{n}_g"]}) for n in range(2000)}
    cards = {
        f"PMC{n}_g": Card(key=f"PMC{n}_g", article=f"PMC{n}", label=None, caption="", thumbnail="t")
        for n in range(2000)
    }
    review = Review(Folder(tmp_path), "m", samples, cards)
    file = VoteFile(tmp_path / "votes", "anna", TAXONOMY, "m")
    lines = []
    for n in range(1999):
        for question, answer in (("panel_type", "single"), ("primary", ["Maps"])):
            lines.append(
                json.dumps({"annotator": "anna", "cluster": n, "question": question, "key": None,
                            "answer": answer, "taxonomy": TAXONOMY.digest, "model": "m"})
            )  # fmt: skip
    file.close()
    file.path.write_text("\n".join(lines) + "\n")
    session = ReviewSession(review, TAXONOMY, [Item(n) for n in range(2000)], tmp_path / "votes")

    assert session.join("anna") == 1999
    started = time.process_time()
    for _ in range(10):
        session.save("anna", Item(5), "mixed", answer=True)
        assert session.done("anna") == 1999
    assert time.process_time() - started < 2
    session.close()
