"""What an article says of a figure is packed behind its caption."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biomedica_dataset.clip.train.packing import packed


@pytest.mark.parametrize(
    ("caption", "label", "paragraphs", "expected"),
    [
        pytest.param("A.", "Figure 1", [], "A.", id="no paragraph"),
        pytest.param(
            "A cell.", "Figure 1", ["Cells grow. Fig. 1 shows one. It is round."],
            "A cell. Fig. 1 shows one. Cells grow. It is round.", id="citing sentence first",
        ),
        pytest.param(
            "A cell.", "Figure 1", ["One grows. See Fig. 1.", "Two grow. Figs 1 and 2 do."],
            "A cell. See Fig. 1. Figs 1 and 2 do. One grows. Two grow.", id="of all paragraphs",
        ),
        pytest.param(
            "A cell.", "Figure 1", ["See Fig. 1. A cell.", "See Fig. 1."], "A cell. See Fig. 1.",
            id="none twice",
        ),
        pytest.param(
            "A cell.", None, ["One grows. See Fig. 1."], "A cell. One grows. See Fig. 1.",
            id="no label",
        ),
        pytest.param(
            "A cell.", "Figure 1", ["One. See Fig. 2."], "A cell. One. See Fig. 2.", id="another",
        ),
    ],
)  # fmt: skip
def test_the_sentences_that_cite_a_figure_come_before_the_rest(
    caption, label, paragraphs, expected
):
    assert packed(caption, label, paragraphs) == expected


SENTENCES = ("Cells grow.", "See Fig. 1.", "Figure 2 shows it.", "They stop.")


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from(SENTENCES), min_size=1).map(" ".join)))
def test_each_sentence_comes_once(paragraphs):
    told = packed("A cell.", "Figure 1", paragraphs)
    there = [one for one in SENTENCES if one in " ".join(paragraphs)]

    assert [told.count(one) for one in there] == [1] * len(there)
    assert "See Fig. 1." not in there or told.startswith("A cell. See Fig. 1.")
