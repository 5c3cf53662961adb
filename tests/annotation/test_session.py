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

from .browser import accessible, answered, arrive, free_port, served, vote

TAXONOMY = Taxonomy.load()
HOSTILE = "<img src=x onerror='document.title=1'><script>document.title=2</script> **b** [a](b) "


@pytest.fixture
def review(sheets, tmp_path):
    shutil.copytree(sheets, tmp_path / "review")
    return tmp_path / "review"


@pytest.mark.slow
def test_answers_wait_for_a_server_that_is_busy_or_was_killed(
    assigned, sample_archive, review, chromium
):
    arguments = [assigned, sample_archive, "-o", review, "--images", "6", "--page"]
    port, file = free_port(), review / "votes" / "anna.jsonl"
    with served(*arguments, port=port) as (address, server):
        anna = arrive(chromium()[1], address, "anna")
        os.kill(server.pid, signal.SIGSTOP)
        vote(anna, "Maps")
        vote(anna, "Tables", panel="multiple")
        anna.keyboard.press("n")
        anna.locator("#saved", has_text="saving").wait_for()
        assert "Cluster 0" in anna.locator("#title").inner_text()
        os.kill(server.pid, signal.SIGCONT)
        answered(anna, "1 of 6")
        anna.locator("#title", has_text="Cluster 1").wait_for()
        assert len(file.read_text().splitlines()) == 4
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        anna.locator("#mixed label").click()
        anna.locator("#lost", has_text="Not saved: the server does not answer").wait_for()
        assert anna.locator("#mixed").get_attribute("data-state") == "waiting"
    with served(*arguments, port=port):
        answered(anna, "2 of 6")
        anna.locator("#lost").wait_for(state="hidden")
    found = [(v.cluster, v.question, v.answer) for v in read_file(file)]

    assert found[2:] == [
        (0, "panel_type", "multiple"), (0, "primary", ["Maps", "Tables"]), (1, "mixed", True)
    ]  # fmt: skip


@pytest.mark.slow
def test_keys_answer_and_every_width_and_scheme_is_accessible(  # noqa: PLR0915 - one page load
    assigned, sample_archive, review, chromium
):
    path = review / "review.json"
    stored = json.loads(path.read_text())
    for card in stored["cards"]:
        card.update(caption=HOSTILE + "long " * 900, label=HOSTILE)
    path.write_text(json.dumps(stored))
    arguments = [assigned, sample_archive, "-o", review, "--images", "6", "--page"]
    with served(*arguments) as (address, _server):
        page = chromium()[1].new_page()
        page.set_default_timeout(20_000)
        page.goto(address)
        page.keyboard.press("Enter")
        page.locator("#refused", has_text="the name is empty; enter the name").wait_for()
        accessible(page)
        page.goto(f"{address}?annotator=Zo%C3%AB M. @ home")
        page.locator("#progress", has_text="0 of 6 answered · Zoë M. @ home").wait_for()
        page.keyboard.press("4")  # after two panel types and one subtype, the second subtype
        page.locator("#panel_type input:checked").wait_for()
        page.keyboard.press("l")
        page.keyboard.type("bar pl")
        page.keyboard.press("Enter")
        page.locator("#primary .chosen", has_text="Plots and Charts").wait_for()
        page.keyboard.press("Escape")
        page.keyboard.press("c")
        page.keyboard.type("next to a map")
        for clusters in range(1, 6):
            page.keyboard.press("Escape")
            page.keyboard.press("n")
            page.locator("#title", has_text=f"Cluster {clusters}").wait_for()
            page.keyboard.press("m")
            answered(page, f"{clusters + 1} of 6")
        page.locator("#end", has_text="All 6 answered").wait_for()
        page.locator(".tile").first.hover()
        page.keyboard.press("x")
        page.locator(".tile.is-wrong").wait_for()
        columns = "getComputedStyle(document.querySelector('#gallery')).gridTemplateColumns"
        for width, count in ((390, 1), (900, 2), (1400, 4), (1900, 5)):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert len(page.evaluate(columns).split()) == count
            if width < 1400:
                page.emulate_media(color_scheme="dark" if width == 390 else "light")
                accessible(page)
        page.locator(".tile .see").first.click()
        page.locator("#zoom", has_text="%").wait_for()
        accessible(page)
        before = page.locator("#zoom").inner_text()
        page.locator("#stage").dispatch_event("wheel", {"deltaY": -200})
        assert page.locator("#zoom").inner_text() != before
        assert page.locator("#caption").inner_text().startswith(HOSTILE)
        assert page.locator("#original").get_attribute("src").startswith("originals/PMC")
        page.keyboard.press("Escape")
        assert page.title() == "Review"
        assert page.locator("img[src='x']").count() == 0
    who = "Zoë M. @ home"
    file = VoteFile(review / "votes", who, TAXONOMY, Review.open(review).model)
    file.close()

    assert file.answers(0) == {
        "panel_type": "multiple", "panel_subtype": "multiple panels: images",
        "primary": ["Plots and Charts"], "secondary": ["bar plot"], "comment": "next to a map",
    }  # fmt: skip
    assert file.answers(1) == {"mixed": True}
    assert len(file.answers(5)["wrong_images"]) == 1


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
        assert "Open: Global concepts" in chief.locator("#label").inner_text()
        vote(chief, "Maps")
        answered(chief, "1 of 1")
    with served(*arguments, tmp_path / "labels", "--audit", "2") as (address, _server):
        carl = arrive(chromium()[1], address, "carl")
        assert "Microscopy" in carl.locator("#label").inner_text()
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
    assert time.process_time() - started < 6
    session.close()
