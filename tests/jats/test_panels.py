"""Panel letters of a caption."""

from __future__ import annotations

import pytest

from .documents import fig, figures


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        pytest.param("(a) One. (b) Two.", "AB", id="in brackets"),
        pytest.param("(A) One. (B–D) Three.", "ABCD", id="a range"),
        pytest.param("(A, B) Two. (C and D) Two.", "ABCD", id="a list"),
        pytest.param("(A, B, and C) Three.", "ABC", id="a list with and"),
        pytest.param("A) One. B) Two.", "AB", id="half a bracket"),
        pytest.param("A, One thing. B, Another.", "AB", id="a comma"),
        pytest.param("Cells. A: One. B: Two.", "AB", id="a colon"),
        pytest.param("Growth; A, wild type; B, mutant.", "AB", id="semicolons"),
        pytest.param("Growth: A, wild type. B, mutant.", "AB", id="a colon before"),
        pytest.param("(A) One. (C–B) Two.", "ABC", id="a range the wrong way round"),
        pytest.param("Panels A and B show cells.", "AB", id="named"),
        pytest.param("<bold>a</bold> One. <bold>b</bold>, <bold>c</bold> Two.", "ABC", id="bold"),
        pytest.param("<bold>a–d</bold> Four.", "ABCD", id="a bold range"),
        pytest.param("(A1, A2) Two. (B′) One.", "AB", id="numbered"),
        pytest.param("(a) One remark.", "", id="one letter is no panel"),
        pytest.param("Growth (p = 0.05) of (C) and (D).", "", id="not from A on"),
        pytest.param("(A) One. (C) Three.", "", id="a gap ends them"),
        pytest.param("Cells of <bold>E. coli</bold>.", "", id="bold words"),
        pytest.param("A cell. An axon.", "", id="words"),
    ],
)
def test_panels_are_read_from_the_caption(caption: str, expected: str):
    (figure,) = figures(fig(caption=caption))

    assert "".join(figure.panels) == expected
