"""A person checks panels: the page in a real browser, the sheets, the votes and their report."""

from __future__ import annotations

import http.client
import json
import shutil
from dataclasses import asdict

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biomedica_dataset.annotation.panel_review.panel_sheets import (
    PanelReview,
    choose_figures,
    write_panel_sheets,
)
from biomedica_dataset.annotation.panel_review.panel_votes import (
    ANSWERS,
    PanelVote,
    PanelVoteFile,
)
from biomedica_dataset.annotation.panel_review.precision import panel_precision, precision_at
from biomedica_dataset.annotation.panels.panels import Panels
from biomedica_dataset.annotation.review.sheets import write_sheets
from biomedica_dataset.annotation.review.thumbnails import CardPanel
from biomedica_dataset.cli import main
from biomedica_dataset.errors import ArchiveError, UsageError

from ..serialize.made_panels import make_panels
from ..trees import tree
from .browser import accessible, answered, arrive, served

HOSTILE = "<img src=x onerror='document.title=1'><script>document.title=2</script>\u202e **b** "
BOX = [10, 20, 110, 220]
SHOW = """fetch("/show", {method: "POST", headers: {"content-type": "application/json"},
  body: JSON.stringify({who: "anna", at: 0})}).then((answer) => answer.json())"""


@pytest.fixture(scope="module")
def panels(sample_archive, tmp_path_factory):
    return make_panels(sample_archive, tmp_path_factory.mktemp("panels") / "panels")


@pytest.fixture
def review(sample_archive, panels, tmp_path):
    write_panel_sheets(panels, sample_archive, tmp_path / "check", count=3, workers=1)
    return tmp_path / "check"


def panel(letter="A", score=0.9, box=BOX):
    return CardPanel(key=f"PMC1_g1-{letter}", letter=letter, box=list(box), score=score)


def voted(folder, who, answers, score=lambda _letter: 0.9):
    file = PanelVoteFile(folder, who)
    for letter, answer in answers.items():
        file.answer(panel(letter, score(letter)), answer)
    file.close()
    return folder / f"{who}.jsonl"


@pytest.mark.slow
def test_answers_and_a_box_moved_by_keys_or_by_pointer_are_saved_and_resumed(
    sample_archive, panels, review, chromium
):
    arguments = [panels, sample_archive, "-o", review, "--images", "3", "--page"]
    figures = list(PanelReview.open(review).cards.values())
    total = len(figures)
    with served(*arguments) as (address, _server):
        page = arrive(chromium()[1], address, "anna")
        first = figures[0].panels
        page.keyboard.press("1")
        page.locator("fieldset.chosen", has_text=f"{first[1].letter} ").wait_for()
        page.keyboard.press("e")
        for key in ("ArrowRight", "ArrowDown", "Shift+ArrowDown"):
            page.keyboard.press(key)
        page.locator("fieldset.chosen .drawn").wait_for()
        page.locator("#saved:empty").wait_for(state="attached")
        by_keys = page.evaluate(SHOW)
        handle = page.locator("#handles button[aria-label^='bottom right corner']")
        around = handle.bounding_box()
        x, y = around["x"] + around["width"] / 2, around["y"] + around["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x - 15, y - 25, steps=3)
        page.mouse.up()
        page.locator("#saved:empty").wait_for(state="attached")
        page.keyboard.press("Escape")
        page.keyboard.press("j")
        for number, figure in enumerate(figures):
            page.locator("#source", has_text=figure.key).wait_for()
            for _panel in figure.panels[0 if number else 2 :]:
                page.keyboard.press("3")
            answered(page, f"{number + 1} of {total}")
            page.keyboard.press("u")
        page.locator("#end", has_text=f"All {total} answered").wait_for()
        again = arrive(chromium()[1], address, "anna")
        answered(again, f"{total} of {total}")
    file = PanelVoteFile(review / "votes", "anna")
    votes = [file.latest(one) for one in figures[0].panels]
    file.close()
    moved = by_keys["answers"][first[1].key]
    x0, y0, x1, y1 = first[1].box
    steps = [max(1, round(side / 200)) for side in figures[0].size]

    assert (votes[0].answer, votes[0].box) == ("right", None)
    assert moved["answer"] == "wrong box"
    assert moved["box"] == [x0 + steps[0], y0 + steps[1] + 1, x1, y1]
    assert votes[1].answer == "wrong box"
    assert votes[1].box[:2] == moved["box"][:2]
    assert votes[1].box[2] < x1
    assert votes[1].box[3] < y1
    assert {vote.answer for vote in votes[2:]} <= {"wrong text"}


@pytest.mark.slow
def test_hostile_texts_are_text_and_every_width_and_scheme_is_accessible(
    sample_archive, panels, review, chromium
):
    path = review / "panel_review.json"
    stored = json.loads(path.read_text())
    for card in stored["cards"]:
        card.update(caption=HOSTILE + "long " * 700, label=HOSTILE)
        for one in card["panels"]:
            one.update(letter=HOSTILE, subcaption=HOSTILE + "long " * 300)
    path.write_text(json.dumps(stored))
    with served(panels, sample_archive, "-o", review, "--images", "3", "--page") as (address, _):
        page = arrive(chromium()[1], address, "ben")
        for width, scheme in ((390, "dark"), (390, "light"), (900, "dark"), (1400, "light")):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            accessible(page)
        assert page.locator("legend").first.inner_text().startswith("<img src=x")
        assert page.locator("#questions p").first.inner_text().startswith("<img src=x")
        assert page.title() == "Review"
        assert page.locator("img[src='x']").count() == 0


def test_other_pages_are_refused_and_answers_that_cannot_be_meant(sample_archive, panels, review):
    key = next(iter(PanelReview.open(review).cards.values())).panels[0].key
    sent = {"who": "eve", "key": key, "answer": "right", "box": None}

    def ask(changed, **headers):
        connection = http.client.HTTPConnection(address.removeprefix("http://").rstrip("/"))
        given = {"content-type": "application/json", **headers}
        connection.request("POST", "/answer", json.dumps({**sent, **changed}), given)
        answer = connection.getresponse()
        told = answer.status, answer.read().decode()
        connection.close()
        return told

    with served(panels, sample_archive, "-o", review, "--images", "3", "--page") as (address, _):
        assert ask({}, origin="http://rebound.example")[0] == 403
        assert ask({}, host="rebound.example")[0] == 403
        for changed, why in (
            ({"key": "PMC1_g1-A"}, "does not ask about"),
            ({"key": None}, "expected a text"),
            ({"answer": "maybe"}, "unknown answer 'maybe'; choose one of right, wrong box"),
            ({"answer": {"a": 1}}, "unknown answer"),
            ({"box": [0, 0, 9, 9]}, "not a part of the image"),
            ({"answer": "wrong box", "box": [0, 0, 10**6, 9]}, "not a part of the image"),
            ({"answer": "wrong box", "box": [9, 0, 1, 9]}, "not a part of the image"),
            ({"answer": "wrong box", "box": [0, 0, 9.5, 9]}, "not a part of the image"),
            ({"answer": "wrong box", "box": [True, 0, 9, 9]}, "not a part of the image"),
            ({"answer": "wrong box", "box": "all"}, "not a part of the image"),
        ):
            status, told = ask(changed)
            assert (status, why in json.loads(told)["error"]) == (400, True), told
        file = review / "votes" / "eve.jsonl"
        assert not file.exists() or not file.read_bytes()
        assert ask({})[0] == 200
        assert len(file.read_text().splitlines()) == 1


def test_sheets_show_a_sample_by_the_seed_alone_and_are_made_once(
    sample_archive, panels, review, tmp_path
):
    before = tree(review)
    again = write_panel_sheets(panels, sample_archive, review, count=3, workers=2)
    there = Panels.open(panels)
    every = choose_figures(there, 1000, 0)
    rows = {row["key"]: row for block in there.blocks() for row in there.read(block).to_pylist()}

    assert not again.is_new
    assert tree(review) == before
    assert again.drawn == again.figures + again.missing == 3
    assert choose_figures(there, 3, 0) == every[:3]
    assert choose_figures(there, 1000, 1) != every
    for key, card in PanelReview.open(review).cards.items():
        for one in card.panels:
            row = rows[one.key]
            assert row["figure"] == key
            assert one.box == [row[side] for side in ("x0", "y0", "x1", "y1")]
    html = (review / "index.html").read_text()
    assert html.count("<rect") == again.panels
    assert "<script" not in html
    with pytest.raises(UsageError, match="choose an empty or new folder"):
        write_panel_sheets(panels, sample_archive, tmp_path)


def test_panels_of_another_image_are_not_shown_but_counted(sample_archive, tmp_path):
    def another(row):
        return {**row, "image_hash": "0" * 64}

    folder = make_panels(sample_archive, tmp_path / "panels", change=another)
    report = write_panel_sheets(folder, sample_archive, tmp_path / "check", workers=1)

    assert (report.figures, report.panels) == (0, 0)
    assert report.missing == report.drawn > 0


def test_a_vote_counts_for_the_box_that_was_shown(tmp_path):
    file = PanelVoteFile(tmp_path, "anna")
    file.answer(panel(), "wrong box", [0, 0, 5, 5])
    with pytest.raises(UsageError, match="being written by another process"):
        PanelVoteFile(tmp_path, "anna")
    file.close()
    file = PanelVoteFile(tmp_path, "anna")
    assert file.latest(panel()).box == [0, 0, 5, 5]
    assert file.latest(panel(box=[0, 0, 9, 9])) is None
    file.answer(panel(), None)
    assert file.latest(panel()) is None
    file.close()


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(ANSWERS),
    st.floats(0, 1, width=32),
    st.lists(st.integers(0, 999), min_size=4, max_size=4),
)
def test_a_vote_is_read_as_it_was_written(answer, score, sides):
    x0, y0, width, height = sides
    box = [x0, y0, x0 + 1 + width, y0 + 1 + height]
    vote = PanelVote(
        annotator="anna", key="PMC1_g1-A", found=box, score=score, answer=answer,
        box=box if answer == "wrong box" else None,
    )  # fmt: skip
    assert PanelVote.from_json(json.dumps(asdict(vote)).encode()) == vote


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"answer": "perhaps"}, "answer.*must be one of right, wrong box"),
        ({"score": 1.5}, "score must be a number from 0 to 1"),
        ({"score": float("nan")}, "score must be a number from 0 to 1"),
        ({"found": [5, 0, 5, 9]}, r"\[5, 0, 5, 9\] is not a box"),
        ({"found": [-1, 0, 5, 9]}, "found"),
        ({"found": [0, 0, 5]}, "is not a box"),
        ({"found": "all"}, "found must be a list"),
        ({"box": [0, 0, 5, 5]}, "a box is drawn, but the answer is 'right'"),
        ({"key": "../x"}, "key must be a key"),
        ({"annotator": 3}, "annotator must be"),
        ({"extra": 1}, "there is no key extra"),
    ],
)
def test_a_tampered_vote_is_refused_with_its_line(tmp_path, change, why):
    path = voted(tmp_path, "anna", {"A": "right", "B": "right"})
    first, second = path.read_text().splitlines()
    path.write_text(f"{first}\n{json.dumps({**json.loads(second), **change})}\n")

    with pytest.raises(UsageError, match=rf"anna\.jsonl, line 2, is not a valid vote: .*{why}"):
        panel_precision([path])
    with pytest.raises(UsageError, match="line 2"):
        PanelVoteFile(tmp_path, "anna")


def test_a_line_that_a_kill_cut_off_is_skipped_and_one_of_another_annotator_refused(tmp_path):
    path = voted(tmp_path, "anna", {"A": "right"})
    path.write_bytes(path.read_bytes() + b'{"annotator": "an')
    assert panel_precision([path]).panels == 1
    path.rename(tmp_path / "ben.jsonl")
    with pytest.raises(UsageError, match="holds votes of 'anna'"):
        PanelVoteFile(tmp_path, "ben")


def test_precision_has_the_wilson_interval_of_each_score():
    """Of 10 the interval of 9 right ones is 0.596 to 0.982, as in Wilson's formula by hand."""
    scored = [(0.8, True)] * 9 + [(0.85, False)] + [(0.3, False)] * 10
    at = precision_at(0.8, scored)

    assert (at.panels, at.share, at.right, at.precision) == (10, 0.5, 9, 0.9)
    z, p, n = 1.959964, 0.9, 10
    middle, half = p + z * z / (2 * n), z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    assert at.low == pytest.approx((middle - half) / (1 + z * z / n), abs=1e-6)
    assert at.high == pytest.approx((middle + half) / (1 + z * z / n), abs=1e-6)
    assert (round(at.low, 3), round(at.high, 3)) == (0.596, 0.982)
    assert precision_at(0.9, scored).precision is None


def test_the_majority_of_annotators_decides_and_disagreements_are_counted(tmp_path):
    paths = [
        voted(tmp_path, "anna", {"A": "right", "B": "right", "C": "right", "D": "right"}),
        voted(tmp_path, "ben", {"A": "right", "B": "wrong box", "C": "wrong text"}),
        voted(tmp_path, "carl", {"A": "right", "B": "wrong box"}),
    ]
    report = panel_precision(paths)

    assert report.panels == 4 == sum(report.decided.values()) + report.undecided
    assert report.decided == {"right": 2, "wrong box": 1, "wrong text": 0, "not compound": 0}
    assert (report.undecided, report.shared, report.disagreed) == (1, 3, 2)
    assert [row.panels for row in report.by_score] == [3, 3, 3, 3, 3, 3, 0]
    voted(tmp_path, "dora", {"A": "right"}, score=lambda _letter: 0.4)
    with pytest.raises(UsageError, match=r"copy\.jsonl and .*anna\.jsonl hold votes of anna"):
        panel_precision([paths[0], shutil.copy(paths[0], tmp_path / "copy.jsonl")])
    with pytest.raises(UsageError, match="different boxes or scores of PMC1_g1-A"):
        panel_precision([*paths, tmp_path / "dora.jsonl"])


def test_the_report_is_a_command_and_wrong_combinations_are_refused(
    sample_archive, panels, tmp_path
):
    path = voted(
        tmp_path, "anna", {"A": "right", "B": "wrong text"}, score=lambda x: 0.7 + (x < "B") / 5
    )

    def told(*arguments):
        result = CliRunner().invoke(main, ["annotate", *map(str, arguments)])
        return result.exit_code, result.output

    code, output = told("panels", "--report", path)
    assert code == 0
    assert "2 panels by anna: 1 right, 0 wrong box, 1 wrong text, 0 not compound" in output
    assert ">=0.80       1   50.0%      1     100.0%" in output
    code, output = told("panels", "--report", path, "--json")
    assert json.loads(output)["by_score"][0]["precision"] == 0.5
    assert told("panels", "--report", path, "-o", tmp_path / "x")[0] == 2
    assert "Missing option '-o'" in told("panels", sample_archive)[1]
    assert told("panels", sample_archive, path, "-o", tmp_path / "x")[0] == 2
    code, output = told("panels", "--report", tmp_path / "none.jsonl")
    assert (code, "none.jsonl" in output) == (2, True)
    code, output = told("review", panels, sample_archive, "-o", tmp_path / "c", "--audit", 3)
    assert (code, "--audit is for a review of clusters" in output) == (2, True)


def test_sheets_of_panels_and_of_clusters_do_not_mix(
    assigned, sample_archive, panels, sheets, review, tmp_path
):
    shutil.copytree(sheets, tmp_path / "clusters")
    with pytest.raises(UsageError, match="has sheets of clusters; choose an empty or new folder"):
        write_panel_sheets(panels, sample_archive, tmp_path / "clusters")
    with pytest.raises(UsageError, match="has sheets of panels; choose an empty or new folder"):
        write_sheets(assigned, sample_archive, review)


def test_damaged_sheets_are_refused(review):
    path = review / "panel_review.json"
    stored = json.loads(path.read_text())
    stored["cards"][0]["panels"][0]["box"] = [0, 0, 10**7, 9]
    path.write_text(json.dumps(stored))
    with pytest.raises(ArchiveError, match="is not a part of its image"):
        PanelReview.open(review)
