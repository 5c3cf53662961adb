"""What holds for every document."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biomedica_dataset.errors import JatsError
from biomedica_dataset.jats.reader import read_article
from biomedica_dataset.jats.text import tidy
from biomedica_dataset.schema import IMAGE_KINDS

from .documents import document, fig, figures
from .strategies import Document, Prose, anything, damage, damaged, documents, prose

if TYPE_CHECKING:
    from biomedica_dataset.jats.records import Article

GOLDEN = (Path(__file__).parent / "golden" / "modern.xml").read_bytes()
bounded = settings(max_examples=150, deadline=1000)


def assert_sound(article: Article) -> None:
    """Check what holds of any article: a figure is a pair with all it needs, or has a reason."""
    for figure in article.figures:
        assert figure.kind in IMAGE_KINDS
        assert figure.dropped or (figure.caption and figure.hrefs)


@bounded
@given(prose())
def test_a_caption_has_every_word_of_its_source_once_and_in_order(source: Prose):
    (figure,) = figures(fig(caption=source.xml))

    assert tuple(re.findall("[a-zA-Z]+", figure.caption or "")) == source.words


@bounded
@given(prose())
def test_a_caption_has_no_markup_and_only_printable_characters(source: Prose):
    (figure,) = figures(fig(caption=source.xml))

    text = figure.caption or ""
    assert text.isprintable()
    assert not set("<>&\x02\x03") & set(text)
    assert "  " not in text
    assert text == text.strip()


@pytest.mark.slow
@bounded
@given(documents())
def test_every_graphic_of_a_figure_is_one_figure_kept_or_dropped(made: Document):
    found = read_article(made.xml).figures

    assert Counter(f.hrefs[0] for f in found if f.hrefs) == Counter(made.hrefs)
    assert sum(f.dropped == "no_graphic" for f in found) == made.without_graphic
    assert all((f.dropped is None) <= (f.caption is not None) for f in found)
    assert {f.kind for f in found} <= set(IMAGE_KINDS)


@bounded
@given(st.text())
def test_clean_text_stays_as_it_is(text: str):
    once = tidy(text)

    assert once is None or tidy(once) == once


@pytest.mark.slow
@settings(max_examples=300, deadline=1000)
@given(anything)
def test_a_well_formed_article_is_always_read(xml: bytes):
    assert_sound(read_article(xml, full_text=True))


@bounded
@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_read_or_a_jats_error(xml: bytes):
    with suppress(JatsError):
        assert_sound(read_article(xml, full_text=True))


@pytest.mark.slow
@settings(max_examples=400, deadline=1000)
@given(damage())
def test_a_damaged_article_is_read_or_a_jats_error(changes: list[tuple[float, int, bytes]]):
    with suppress(JatsError):
        assert_sound(read_article(damaged(GOLDEN, changes), full_text=True))


@pytest.mark.slow
@settings(max_examples=100, deadline=1000)
@given(st.data())
def test_a_damaged_real_article_is_read_or_a_jats_error(real: Path, data: st.DataObject):
    paths = sorted(p for p in (real / "jats").iterdir() if p.stat().st_size < 100_000)
    xml = data.draw(st.sampled_from(paths)).read_bytes()
    with suppress(JatsError):
        assert_sound(read_article(damaged(xml, data.draw(damage())), full_text=True))


@bounded
@given(prose(), prose())
def test_a_float_changes_nothing_in_the_text_around_it(before: Prose, after: Prose):
    def text(middle: str) -> str | None:
        return read_article(
            document(f"<p>{before.xml}{middle}{after.xml}</p>"), full_text=True
        ).text

    assert text(fig()) == text(" ")
