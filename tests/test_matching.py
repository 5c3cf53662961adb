"""Figures to files and keys."""

from __future__ import annotations

import hashlib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biomedica_dataset.jats.records import Figure
from biomedica_dataset.pmc.matching import match_figures


def figure(href: str, figure_id: str | None = "F1", dropped: str | None = None) -> Figure:
    return Figure(hrefs=(href,), kind="figure", figure_id=figure_id, caption="c", dropped=dropped)


def result(
    figures: list[Figure], names: list[str]
) -> list[tuple[str | None, str | None, str | None]]:
    return [(m.name, m.key, m.dropped) for m in match_figures("PMC1", figures, names)]


def test_a_figure_gets_its_file_and_key():
    assert result([figure("x.g001")], ["x.g001.jpg"]) == [("x.g001.jpg", "PMC1_x_g001", None)]


def test_a_figure_without_a_file_is_no_pair():
    assert result([figure("x")], ["y.jpg"]) == [(None, None, "no_file")]


def test_what_the_reader_dropped_keeps_its_reason_and_takes_no_file():
    found = result([figure("x", dropped="no_caption"), figure("x", "F2")], ["x.jpg"])

    assert found == [(None, None, "no_caption"), ("x.jpg", "PMC1_x", None)]


def test_two_figures_with_one_file_have_two_keys():
    digest = hashlib.sha256(b"F2\nx").hexdigest()[:8]

    assert result([figure("x"), figure("x", "F2")], ["x.jpg"]) == [
        ("x.jpg", "PMC1_x", None),
        ("x.jpg", f"PMC1_x-{digest}", None),
    ]


def test_two_files_with_stems_alike_have_two_keys():
    keys = [key for _, key, _ in result([figure("a.b"), figure("a_b")], ["a.b.jpg", "a_b.jpg"])]

    assert keys[0] == "PMC1_a_b"
    assert keys[1] is not None
    assert keys[1].startswith("PMC1_a_b-")


def test_one_file_twice_in_a_figure_is_dropped_once():
    found = result([figure("x"), figure("x.tif")], ["x.jpg"])

    assert [dropped for _, _, dropped in found] == [None, "repeated_graphic"]


def test_the_key_does_not_depend_on_what_comes_after():
    first = result([figure("x")], ["x.jpg"])

    assert result([figure("x"), figure("x", "F2")], ["x.jpg"])[:1] == first


FIGURES = st.lists(
    st.builds(
        figure,
        st.sampled_from(["a", "a.b", "a_b", "A", "c.tif", ""]),
        st.sampled_from([None, "F1", "F2", "F3"]),
        st.sampled_from([None, None, "no_caption"]),
    ),
    max_size=12,
)


@given(FIGURES)
def test_keys_are_unique_and_every_figure_is_kept_or_dropped(figures: list[Figure]):
    matches = match_figures("PMC1", figures, ["a.jpg", "a.b.png", "a_b.gif", "c.jpg"])

    keys = [m.key for m in matches if m.key]
    assert len(keys) == len(set(keys))
    assert [m.figure for m in matches] == figures
    assert all((m.key is None) == (m.dropped is not None) for m in matches)


def test_accents_may_be_composed_in_the_document_or_in_the_bucket():
    for name in ("niño.jpg", "Ångström_é.png", "한글-그림.jpg", "ИЙ.tif"):
        for document, bucket in (("NFC", "NFD"), ("NFD", "NFC")):
            there = unicodedata.normalize(bucket, name)
            asked = figure(unicodedata.normalize(document, name))

            assert [match[0] for match in result([asked], [there])] == [there]


def test_of_two_forms_of_a_name_the_one_in_the_document_is_taken():
    both = [unicodedata.normalize(form, "é.jpg") for form in ("NFC", "NFD")]

    assert [result([figure(name)], both)[0][0] for name in both] == both


@pytest.mark.parametrize("ending", [".eps", ".PDF", ".svg", ".ai"])
def test_a_drawing_is_the_image_of_its_stem(ending):
    assert result([figure(f"sub/plot{ending}")], ["plot.jpg", "plot2.jpg"])[0][0] == "plot.jpg"
    # What bears the whole name comes first, and a stem is not a prefix.
    assert result([figure("plot.eps")], ["plot.eps.gif", "plot.jpg"])[0][0] == "plot.eps.gif"
    assert result([figure(f"plot{ending}")], ["plot_b.jpg"])[0][2] == "no_file"
    assert result([figure(ending)], ["x.jpg"])[0][2] == "no_file"
