"""Panels: letters read in drawn figures, cuts between them, and the stage over an archive."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from biomedica_dataset.annotation.panels.apart import cut_apart
from biomedica_dataset.annotation.panels.boxes import Box
from biomedica_dataset.annotation.panels.cut import cut_between
from biomedica_dataset.annotation.panels.find_panels import find_apart, find_panels
from biomedica_dataset.annotation.panels.find_stage import panels
from biomedica_dataset.annotation.panels.letters import Letter
from biomedica_dataset.annotation.panels.lines import Lines
from biomedica_dataset.annotation.panels.panels import Panels
from biomedica_dataset.annotation.panels.spots import choose_spots
from biomedica_dataset.engine.launch import Launch
from biomedica_dataset.errors import ArchiveError, UsageError
from biomedica_dataset.extraction.extract import extract

from .drawn import COLOURS, FONT, GRID, IRREGULAR, TOUCHING, figure, photographs

REAL = Path(__file__).parents[2] / "../shared/real/panels"


@pytest.mark.parametrize(
    ("image", "boxes"),
    [
        pytest.param(figure(GRID, (800, 600)), GRID, id="grid"),
        pytest.param(figure(IRREGULAR, (800, 600)), IRREGULAR, id="irregular"),
        pytest.param(figure(GRID, (800, 600), ground="black", ink="white"), GRID, id="dark"),
        pytest.param(figure(GRID, (800, 600), letters="abcd"), GRID, id="lower case"),
        pytest.param(figure(GRID, (800, 600), corner=(8, -36)), GRID, id="at the bottom"),
        pytest.param(photographs(TOUCHING, (620, 520), COLOURS), TOUCHING, id="touching"),
        pytest.param(figure(GRID, (800, 600)).resize((2400, 1800)), [
            tuple(3 * side for side in box) for box in GRID
        ], id="large"),
    ],
)  # fmt: skip
def test_panels_are_cut_between_their_letters(reader, image, boxes):
    found = find_panels(image, "ABCD", reader)

    assert not isinstance(found, str)
    assert [panel.letter for panel in found] == list("ABCD")
    for panel, box in zip(found, boxes, strict=True):
        assert Box(*panel.box).iou(Box(*box)) > 0.75
        assert panel.score > 0.5


class Counted:
    """A reader that counts the looks that are taken."""

    def __init__(self, reader):
        self._reader, self.looks_taken = reader, []

    def looks(self, image):
        """Yield the looks of the reader."""
        for look in self._reader.looks(image):
            self.looks_taken.append(look)
            yield look


def test_what_is_smaller_than_sure_marks_is_not_read(reader):
    image = figure(GRID, (800, 600))
    draw = ImageDraw.Draw(image)
    for number in range(60):
        x, y = 500 + 24 * (number % 10), 320 + 40 * (number // 10)
        draw.text((x, y), "AEFKMX"[number % 6], "black", FONT.font_variant(size=16))
    counted = Counted(reader)
    found = find_panels(image, "ABCD", counted)
    (look,) = counted.looks_taken

    assert min(Box(*p.box).iou(Box(*b)) for p, b in zip(found, GRID, strict=True)) > 0.75
    assert 0 < look.unread <= min(letter.box.y1 - letter.box.y0 for letter in look.letters) < 16


def test_letters_that_go_on_behind_those_of_the_caption_are_panels(reader):
    found = find_panels(figure(GRID, (800, 600)), "AB", reader)

    assert [panel.letter for panel in found] == list("ABCD")
    assert min(Box(*p.box).iou(Box(*b)) for p, b in zip(found, GRID, strict=True)) > 0.75


def test_without_a_word_in_the_caption_letters_in_the_image_count(reader):
    found = find_apart(figure(IRREGULAR, (800, 600)), [], reader)

    assert [panel.letter for panel in found] == list("ABCD")


@pytest.mark.parametrize(
    ("places", "names"),
    [
        pytest.param([], ["1", "2", "3", "4"], id="none"),
        pytest.param(["1", "2", "3", "4"], ["1", "2", "3", "4"], id="numbers"),
        pytest.param(["left", "right"], ["left", "right"], id="columns of images"),
        pytest.param(["bottom row", "top row"], ["bottom row", "top row"], id="rows of images"),
        pytest.param(["left", "middle", "right"], "places_not_found", id="a place without image"),
        pytest.param(["1", "2", "3"], "places_not_found", id="fewer numbers"),
    ],
)
def test_figures_without_letters_are_cut_into_images_that_stand_apart(reader, places, names):
    found = find_apart(figure(GRID, (800, 600), letters="    "), places, reader)

    assert names == (found if isinstance(found, str) else [panel.letter for panel in found])
    if not places:
        assert min(Box(*p.box).iou(Box(*b)) for p, b in zip(found, GRID, strict=True)) > 0.5
    if "left" in names:
        assert Box(*found[0].box).iou(Box(60, 50, 390, 590)) > 0.9


def test_photographs_that_touch_are_cut_at_their_edges(reader):
    image = photographs(TOUCHING, (620, 520), COLOURS)

    assert [panel.letter for panel in find_apart(image, [], reader)] == list("ABCD")
    assert len(cut_apart(Lines(image))) == 4


def drawn(draw_on, size=(700, 500)):
    image = Image.new("RGB", size, "white")
    draw_on(ImageDraw.Draw(image))
    return image


def plot_with_legend(draw):
    draw.text((150, 10), "Growth of two strains", "black", FONT)
    draw.rectangle([60, 60, 480, 430], outline="black", width=2)
    for row in range(3):
        draw.line([520, 100 + 40 * row, 560, 100 + 40 * row], "red", 4)
        draw.text((570, 85 + 40 * row), f"strain {row}", "black", FONT)
    draw.text((200, 460), "time in hours", "black", FONT)


def bars(draw):
    draw.line([50, 40, 50, 440, 680, 440], "black", 2)
    for group in range(4):
        for bar in range(3):
            x = 90 + 150 * group + 30 * bar
            draw.rectangle([x, 440 - 60 * (bar + 1) - 20 * group, x + 20, 440], fill="grey")


def table(draw):
    for row in range(8):
        for column in range(4):
            draw.text((30 + 170 * column, 20 + 58 * row), f"{row}.{column} ± 1", "black", FONT)


@pytest.mark.parametrize("draw_on", [plot_with_legend, bars, table])
def test_a_single_image_is_not_cut_at_its_bands(reader, draw_on):
    assert find_apart(drawn(draw_on), [], reader) == "one_image"


def test_an_empty_image_is_one_image(reader):
    assert find_apart(Image.new("RGB", (300, 200), "white"), [], reader) == "one_image"
    assert find_apart(Image.new("RGB", (1, 1), "black"), [], reader) == "one_image"


def test_a_figure_of_which_a_letter_is_missing_stays_whole(reader):
    assert find_panels(figure(GRID, (800, 600)), "ABCDE", reader) == "letters_not_read"
    assert find_panels(Image.new("RGB", (5, 3)), "AB", reader) == "letters_not_read"


def letter(name, x, y, *, height=20.0, score=1.0, is_lower=False):
    box = Box(x, y, x + height, y + height)
    return Letter(name, box, height, is_lower, score, is_glyph=True)


def test_marks_have_one_size_and_stand_in_order():
    marks = [letter("A", 0, 0), letter("B", 200, 0), letter("C", 0, 200)]
    strays = [
        letter("A", 90, 90, height=9),
        letter("C", 120, 80, height=60, score=1.1),
        letter("B", 3, 120, is_lower=True),
        letter("D", 50, 50),
    ]
    chosen = choose_spots(strays + marks, "ABC")

    assert [chosen[name] for name in "ABC"] == marks
    assert choose_spots([], "ABC") == {}


@pytest.mark.slow
@settings(deadline=None)
@given(
    marks=st.dictionaries(
        st.sampled_from("ABCDEF"), st.tuples(st.integers(0, 190), st.integers(0, 130)), min_size=2
    ),
    seed=st.integers(0, 2**32),
)
def test_parts_lie_apart_inside_the_image_around_their_marks(marks, seed):
    pixels = bytes(random.Random(seed).choices(b"\x00\xff\xff\xff", k=200 * 140))
    lines = Lines(Image.frombytes("L", (200, 140), pixels).convert("RGB"))
    boxes = {name: Box(x, y, x + 8, y + 8) for name, (x, y) in marks.items()}
    cut = cut_between(lines, boxes)

    if cut is not None:
        parts = {name: Box(*part) for name, part in cut.parts.items()}
        assert parts.keys() == boxes.keys()
        assert sum(part.area for part in parts.values()) == 200 * 140
        for name, part in parts.items():
            assert sum(part.shared(other) for other in parts.values()) == part.area
            assert part.shared(boxes[name]) > 0


@pytest.fixture(scope="module")
def sample_panels(sample_archive, once):
    """The panels of the sample; not to be changed by a test."""
    return once("panels", lambda to: panels(sample_archive, to, workers=1))


def files(folder):
    return {path.name: path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def test_the_stage_counts_what_it_found_and_what_stays_whole(sample_archive, sample_panels):
    report = panels(sample_archive, sample_panels, workers=1)
    there = Panels.open(sample_panels)
    rows = [row for block in there.blocks() for row in there.read(block).to_pylist()]

    assert report.written == 0
    assert str(report).endswith("nothing to do: the panels are up to date")
    assert report.panels.kept == len(rows)
    assert report.figures.kept == len({row["figure"] for row in rows}) > 0
    assert report.figures.dropped.keys() <= {"names_no_panels", "letters_not_read"}
    for row in rows:
        assert row["key"] == f"{row['figure']}-{row['letter']}"
        assert 0 <= row["x0"] < row["x1"]
        assert 0 <= row["y0"] < row["y1"]


@pytest.mark.slow
def test_parts_make_the_same_panels(sample_archive, sample_panels, tmp_path):
    for part in ("1/2", "2/2"):
        launch = Launch.of({}, part=part, run_id="two")
        panels(sample_archive, tmp_path / "parts", workers=1, launch=launch)

    assert files(tmp_path / "parts") == files(sample_panels)


@pytest.mark.slow
def test_two_workers_write_the_same_files(sample_archive, sample_panels, tmp_path):
    panels(sample_archive, tmp_path, workers=2)

    assert files(tmp_path) == files(sample_panels)


@pytest.mark.slow
def test_all_figures_are_searched_where_that_is_asked_for(
    sample_bucket, sample_archive, sample_panels, tmp_path
):
    some = ["PMC99000101", "PMC99001003", "PMC99002366"]
    extract(sample_bucket, tmp_path / "some", pmcids=some, workers=1)
    report = panels(tmp_path / "some", tmp_path / "panels", every=True, workers=1)

    assert report.figures.kept >= 2
    assert "names_no_panels" not in report.figures.dropped
    with pytest.raises(UsageError, match=r"of rapidocr .*, figures with letters and"):
        panels(sample_archive, sample_panels, every=True, workers=1)


def test_panels_of_another_reader_or_from_a_stranger_are_refused(
    sample_archive, sample_panels, tmp_path
):
    header = json.loads((sample_panels / "panels.json").read_text())
    (tmp_path / "panels.json").write_text(json.dumps({**header, "reader": "eyes 1"}))
    with pytest.raises(UsageError, match="has panels of eyes 1"):
        panels(sample_archive, tmp_path, workers=1)
    (tmp_path / "blocks").mkdir()
    (tmp_path / "blocks/0000001.parquet").write_bytes(b"PAR1")
    with pytest.raises(ArchiveError, match="0000001"):
        Panels.open(tmp_path).read(1)


@pytest.mark.skipif(not REAL.exists(), reason="the real figures are not there")
def test_real_figures_are_split_as_people_split_them(reader):
    figures = json.loads((REAL / "figures.json").read_text())
    small = [
        one for one in figures
        if not one["uncertain"] and one["layout"] == "row" and not one["touching"]
        and one["width"] <= 700 and all(panel["letter"] for panel in one["panels"])
    ]  # fmt: skip
    right = 0
    for one in small[:6]:
        named = sorted(panel["letter"] for panel in one["panels"])
        with Image.open(REAL / one["image"]) as image:
            found = find_panels(image.convert("RGB"), named, reader)
        truth = {panel["letter"]: Box(*panel["box"]) for panel in one["panels"]}
        right += not isinstance(found, str) and all(
            Box(*panel.box).iou(truth[panel.letter]) > 0.5 for panel in found
        )
    assert right >= min(5, len(small) - 1)
    assert len(small) > 1 or not os.environ.get("CI")
