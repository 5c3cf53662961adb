"""The reader on real articles, against a count that shares no code with it."""

from __future__ import annotations

import html
import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from lxml import etree

from biomedica_dataset.errors import JatsError
from biomedica_dataset.jats.reader import read_article

if TYPE_CHECKING:
    from pathlib import Path

    from lxml.etree import _Element

    from biomedica_dataset.jats.records import Article

ARTICLES = 258
OUTCOMES = {None: 1459, "no_caption": 42, "translation": 39, "no_graphic": 37}
KINDS = {
    "figure": 1240,
    "table": 104,
    "supplementary": 99,
    "scheme": 11,
    "box": 3,
    "response": 2,
}
PAIRS_OF_FIGS = 1334
LINKED_PARAGRAPHS = 2495

HREF = "{http://www.w3.org/1999/xlink}href"
FORMULAS_AND_CELLS = ("inline-formula", "disp-formula", "td", "th", "supplementary-material")
NO_TEXT = {"supplementary-material", "inline-graphic", "graphic", "fn", "object-id", "alt-text"}
UNICODE_SCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎", "0123456789+-=()0123456789+-=()")


@pytest.fixture(scope="module")
def articles(real: Path) -> dict[str, tuple[_Element, Article]]:
    """Tree, read by a parser of its own, and record of each article that is well-formed."""
    paths = [*(real / "jats").iterdir(), *(real / "articles").rglob("*.*ml")]
    read = {}
    for path in sorted(paths):
        try:
            read[str(path)] = (
                tree(path.read_bytes()),
                read_article(path.read_bytes(), full_text=True),
            )
        except JatsError:
            continue
    return read


def tree(xml: bytes) -> _Element:
    named = rb"&(?!amp;|lt;|gt;|quot;|apos;|#)([A-Za-z]+);"
    xml = re.sub(named, lambda found: html.unescape(found[0].decode()).encode(), xml)
    root = etree.fromstring(xml, etree.XMLParser(recover=True))
    for element in root.iter("{http://dtd.nlm.nih.gov/2.0/xsd/archivearticle}*"):
        element.tag = etree.QName(element).localname
    return root if root.tag == "article" else next(root.iter("article"), root)


def pairs_of_figs(article: _Element) -> Counter[tuple[str | None, str]]:
    """Count the graphics of each ``fig`` with a caption: id and letters of the caption."""
    found: Counter[tuple[str | None, str]] = Counter()
    for fig in article.iter("fig"):
        translated = fig.xpath("ancestor::sub-article[@article-type='translation']")
        caption = letters(fig.find("caption"))
        if translated or not caption:
            continue
        own = [
            graphic
            for graphic in fig.iter("graphic")
            if graphic.get(HREF, "").strip()
            and next(graphic.iterancestors("fig", *FORMULAS_AND_CELLS)) is fig
        ]
        alternatives = {g.getparent() for g in own if g.getparent().tag == "alternatives"}
        single = sum(g.getparent().tag != "alternatives" for g in own)
        found[fig.get("id"), caption] += len(alternatives) + single
    return +found


def letters(caption: _Element | None) -> str:
    """Return the letters of a caption that has no TeX, which the reader writes in another way."""
    if caption is None:
        return ""
    if next(caption.iter("tex-math"), None) is not None:
        return "TeX"
    return only_letters("".join(spoken(caption)))


def only_letters(text: str) -> str:
    return "".join(c for c in text.translate(UNICODE_SCRIPTS) if c.isalnum())


def spoken(element: _Element) -> list[str]:
    parts = [element.text or ""] if isinstance(element.tag, str) else []
    for child in element:
        if child.tag not in NO_TEXT and isinstance(child.tag, str):
            parts += spoken(child)
        parts.append(child.tail or "")
    return parts


@pytest.mark.slow
def test_the_counts_over_all_real_articles_stay_as_they_were_checked(
    articles: dict[str, tuple[_Element, Article]],
):
    figures = [f for _, article in articles.values() for f in article.figures]

    assert len(articles) == ARTICLES
    assert Counter(f.dropped for f in figures) == OUTCOMES
    assert Counter(f.kind for f in figures if not f.dropped) == KINDS
    assert sum(len(f.context) for f in figures) == 2764
    assert sum(f.credit is not None for f in figures) == 101
    assert sum(a.license.code is None for _, a in articles.values()) == 3


def test_every_fig_with_graphic_and_caption_is_a_pair_with_that_caption(
    articles: dict[str, tuple[_Element, Article]],
):
    total = 0
    for path, (root, article) in articles.items():
        expected = pairs_of_figs(root)
        total += expected.total()
        found = Counter(
            (f.figure_id, only_letters(f.caption or "")) for f in article.figures if not f.dropped
        )
        of_tex = Counter(f.figure_id for f in article.figures if not f.dropped)
        for (figure_id, caption), count in expected.items():
            if caption == "TeX":
                assert of_tex[figure_id] >= count, path
            else:
                assert found[figure_id, caption] >= count, (path, figure_id)
    assert total == PAIRS_OF_FIGS


@pytest.mark.slow
def test_every_paragraph_that_links_a_fig_is_its_context(
    articles: dict[str, tuple[_Element, Article]],
):
    total = 0
    outside = "ancestor::fig or ancestor::table-wrap or ancestor::caption"
    outside += " or ancestor::supplementary-material or ancestor::*[@article-type='translation']"
    for path, (root, article) in articles.items():
        contexts: dict[str | None, set[str]] = {}
        for figure in article.figures:
            contexts.setdefault(figure.figure_id, set()).update(figure.context)
        ids = {f.get("id") for f in root.iter("fig")} - {None}
        expected = {
            (name, only_letters("".join(paragraph.itertext())))
            for xref in root.iter("xref")
            for name in (xref.get("rid") or "").split()
            for paragraph in xref.xpath(f"self::*[not({outside})]/ancestor::p[1]")
            if name in ids and only_letters("".join(paragraph.itertext()))
        }
        for name in {name for name, _ in expected}:
            linked = sum(found == name for found, _ in expected)
            assert len(contexts[name]) >= linked, (path, name)
        total += len(expected)
    assert total == LINKED_PARAGRAPHS


def test_no_text_of_a_real_article_holds_markup_or_control_characters(
    articles: dict[str, tuple[_Element, Article]],
):
    for path, (_, article) in articles.items():
        texts = [article.title, article.abstract, *article.keywords]
        texts += [t for f in article.figures for t in (f.caption, f.label, f.credit, *f.context)]
        for text in filter(None, texts):
            assert not re.search(r"</?(?:italic|sup|sub|xref|bold|p)\b", text), path
            assert not re.search(
                "[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", text
            ), path
            assert r"\documentclass" not in text, path
            assert "[[" not in text, (path, text)


def test_every_malformed_article_is_a_jats_error_that_says_where(real: Path):
    for path in sorted((real / "jats_malformed").iterdir()):
        if "DOCTYPE" in (xml := path.read_text()) and "xmlns:mml" not in xml:
            continue  # the DTD gives the prefix
        with pytest.raises(JatsError, match=r"not well-formed: .*line"):
            read_article(path.read_bytes(), full_text=True)
