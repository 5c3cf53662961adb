"""Panels whose marks are more than a letter, or that hold images and marks of their own."""

from __future__ import annotations

import pytest
from PIL import Image, ImageDraw

from biomedica_dataset.annotation.panels.boxes import Box
from biomedica_dataset.annotation.panels.find_panels import find_panels

from .drawn import FONT, GRID, figure

SIZE = (800, 600)


def boxes_of(found):
    assert not isinstance(found, str), found
    return {panel.letter: Box(*panel.box) for panel in found}


@pytest.mark.parametrize(
    "marks",
    [
        ["(A)", "(B)", "(C)", "(D)"],
        ["(a)", "(b)", "(c)", "(d)"],
        ["A.", "B.", "C.", "D."],
        ["a)", "b)", "c)", "d)"],
        ["A:", "B:", "C:", "D:"],
        ["[A]", "[B]", "[C]", "[D]"],
        ["A'", "B'", "C'", "D'"],
        ["A Growth", "B Decay", "C Yield", "D Loss"],
    ],
    ids=lambda marks: marks[0],
)
def test_a_mark_is_a_letter_with_brackets_a_dot_or_a_title(reader, marks):
    found = boxes_of(find_panels(figure(GRID, SIZE, letters=marks), "ABCD", reader))

    assert list(found) == list("ABCD")
    assert min(found[x].iou(Box(*box)) for x, box in zip("ABCD", GRID, strict=True)) > 0.75


def images(rows, marks, *, size=(800, 640)):
    """Draw grey images in rows, each with a mark above its left corner."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for boxes, texts in zip(rows, marks, strict=True):
        for (x0, y0, x1, y1), text in zip(boxes, texts, strict=True):
            draw.text((x0, y0), text, "black", FONT)
            draw.rectangle([x0, y0 + 36, x1 - 1, y1 - 1], fill="#606870")
            draw.ellipse([x0 + 20, y0 + 60, x0 + 90, y0 + 130], fill="#c8c0b0")
    return image


THREE = [
    [(20 + 260 * x, 10 + 320 * y, 260 + 260 * x, 300 + 320 * y) for x in range(3)] for y in range(2)
]
ROWS = {"A": Box(20, 10, 780, 300), "B": Box(20, 330, 780, 620)}


@pytest.mark.parametrize(
    "marks",
    [
        pytest.param([["A", "", ""], ["B", "", ""]], id="a letter at the first"),
        pytest.param([["A i", "ii", "iii"], ["B i", "ii", "iii"]], id="numerals beside letters"),
        pytest.param([["A", "ii", "iii"], ["B", "ii", "iii"]], id="numerals"),
        pytest.param([["A1", "A2", "A3"], ["B1", "B2", "B3"]], id="numbered letters"),
        pytest.param([["Ai", "Aii", "Aiii"], ["Bi", "Bii", "Biii"]], id="letters with numerals"),
    ],
)
def test_a_row_of_images_under_one_letter_is_one_panel(reader, marks):
    found = boxes_of(find_panels(images(THREE, marks), "AB", reader))

    assert list(found) == ["A", "B"]
    assert min(found[letter].iou(box) for letter, box in ROWS.items()) > 0.75


def test_letters_with_numbers_in_one_row_are_cut_before_the_next_letter(reader):
    row = [[(20 + 195 * x, 10, 195 + 195 * x, 300) for x in range(4)]]
    image = images(row, [["A1", "A2", "B1", "B2"]], size=(800, 320))
    found = boxes_of(find_panels(image, "AB", reader))

    assert found["A"].iou(Box(20, 10, 390, 300)) > 0.75
    assert found["B"].iou(Box(410, 10, 780, 300)) > 0.75


@pytest.mark.parametrize(
    "marks", [["AA", "BB", "CC", "DD"], ["I", "II", "III", "IV"], ["Ab", "Bc", "Cd", "De"]],
    ids=lambda marks: marks[1],
)  # fmt: skip
def test_double_letters_numerals_and_words_are_no_marks_of_letters(reader, marks):
    found = find_panels(figure(GRID, SIZE, letters=marks), "ABCD", reader)

    assert found == "letters_not_read"


def test_an_inset_without_a_letter_belongs_to_its_panel(reader):
    image = figure(GRID, SIZE)
    draw = ImageDraw.Draw(image)
    for _x0, y0, x1, _y1 in GRID:
        draw.rectangle([x1 - 130, y0 + 50, x1 - 20, y0 + 130], fill="white", outline="black")
        draw.ellipse([x1 - 110, y0 + 60, x1 - 50, y0 + 120], fill="#808890")
    found = boxes_of(find_panels(image, "ABCD", reader))

    assert min(found[x].iou(Box(*box)) for x, box in zip("ABCD", GRID, strict=True)) > 0.75


def test_a_panel_within_another_is_never_sure(reader):
    image = Image.new("RGB", (700, 500), "#405060")
    draw = ImageDraw.Draw(image)
    for step in range(0, 700, 7):
        draw.line([step, 0, 700 - step, 500], fill="#506070", width=3)
    draw.rectangle([400, 250, 620, 430], fill="#a09080")
    draw.text((10, 6), "A", "white", FONT)
    draw.text((408, 254), "B", "white", FONT)
    found = find_panels(image, "AB", reader)

    assert isinstance(found, str) or max(panel.score for panel in found) < 0.8
