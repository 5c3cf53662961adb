"""Reads a JATS document into a `records.Article`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lxml import etree

from biomedica_dataset.errors import defects_reported

from . import metadata
from .blocks import read_blocks
from .body import body_parts, body_text, read_references, reference_count
from .dates import date
from .figures.find import Found, find_figures
from .limits import MAX_TEXT, check_limit
from .lists import label_items
from .mentions.contexts import find_citing
from .parse import parse
from .records import Article, Figure
from .rights.licenses import article_license
from .text import text_of, tidy
from .tree import child

if TYPE_CHECKING:
    from lxml.etree import _Element


_MOST_HELD = 4 * 2**20  # characters


def read_article(xml: bytes, *, full_text: bool = False, blocks: bool = False) -> Article:
    """Return one article: its figures with captions and citing paragraphs, and its metadata.

    Parameters
    ----------
    xml
        A JATS or NLM document as served by PMC.
    full_text
        Also read the text of the body and the entries of the reference list.
    blocks
        Also read the article as blocks in reading order.

    Raises
    ------
    JatsError
        The document is not well-formed, declares entities of its own, or holds no article.
    JatsTooLargeError
        The document exceeds one of the `limits`.
    ReaderDefectError
        The reader has a defect that this document shows.

    Examples
    --------
    >>> article = read_article(
    ...     b"<article><front><article-meta><title-group><article-title>On <italic>TP53</italic>"
    ...     b"</article-title></title-group></article-meta></front></article>"
    ... )
    >>> article.title, article.figures
    ('On TP53', ())
    """
    with defects_reported():
        article = parse(xml)
        label_items(article)
        return _record(article, full_text=full_text, blocks=blocks)


def _record(article: _Element, *, full_text: bool, blocks: bool) -> Article:
    front = _child_or_empty(article, "front")
    meta = _child_or_empty(front, "article-meta")
    language = metadata.language(article)
    texts = _Texts()
    figures, tables = find_figures(article, meta, with_tables=blocks)
    citing = find_citing(article, figures, texts.cited)
    citing += find_citing(article, tables, texts.once)
    lines = body_parts(article, texts.once)
    parts = list(lines) if blocks else []
    record = Article(
        pmcid=metadata.pmcid(meta),
        pmid=metadata.pmid(meta),
        doi=metadata.article_id(meta, "doi"),
        title=metadata.title(meta),
        journal=metadata.journal(front),
        date=date(meta),
        abstract=metadata.abstract(meta),
        type=tidy(article.get("article-type") or ""),
        language=language,
        keywords=metadata.keywords(meta, language),
        subjects=metadata.subjects(meta),
        license=article_license(meta),
        figures=tuple(map(_with_context, figures, citing)),
        reference_count=reference_count(article),
        text=body_text(parts or lines) if full_text else None,
        blocks=read_blocks(parts, [*figures, *tables], citing) if blocks else None,
        references=read_references(article) if full_text else None,
    )
    check_limit(_characters_of_rows(record), MAX_TEXT, "characters in the rows of its figures")
    return record


class _Texts:
    """Reads paragraphs, caching their texts up to a limit."""

    def __init__(self) -> None:
        self._cache: dict[_Element, str | None] = {}
        self._room = _MOST_HELD

    def cited(self, paragraph: _Element) -> str | None:
        """Return the text of a paragraph and cache it for the body."""
        text = self.once(paragraph)
        if paragraph not in self._cache and self._room > 0:
            self._cache[paragraph] = text
            self._room -= len(text or "")
        return text

    def once(self, paragraph: _Element) -> str | None:
        """Return the text of a paragraph without caching it."""
        return self._cache[paragraph] if paragraph in self._cache else text_of(paragraph)


def _with_context(found: Found, citing: dict[_Element, str]) -> Figure:
    """Return a figure with the texts of the paragraphs that cite it, each once."""
    texts = tuple(dict.fromkeys(citing.values()))
    return replace(found.figure, context=texts) if texts else found.figure


def _characters_of_rows(article: Article) -> int:
    """Return the number of characters in the rows of an article, each with its metadata."""
    common = (article.title, article.journal, article.abstract, *article.keywords)
    each = sum(len(text) for text in (*common, *article.subjects) if text)
    return sum(
        each + len(figure.caption or "") + sum(map(len, figure.context))
        for figure in article.figures
        if figure.dropped is None
    )


def _child_or_empty(element: _Element, tag: str) -> _Element:
    found = child(element, tag)
    return etree.Element(tag) if found is None else found
