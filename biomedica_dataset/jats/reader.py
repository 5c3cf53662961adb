"""One JATS document to one `records.Article`."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING

from lxml import etree

from biomedica_dataset.records import Article

from . import metadata
from .body import body_text, read_references, reference_count
from .figures import find_figures
from .licenses import article_license
from .mentions import find_contexts
from .parse import parse
from .text import text_of, tidy
from .tree import child

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element

    from biomedica_dataset.records import Figure


def read_article(xml: bytes, *, full_text: bool = False) -> Article:
    """Return one article: its figures with captions and citing paragraphs, and its metadata.

    Parameters
    ----------
    xml
        A JATS or NLM document, as served by PMC.
    full_text
        Also read the text of the body and the entries of the reference list.

    Raises
    ------
    JatsError
        The document is not well-formed, declares entities of its own, or holds no article.

    Examples
    --------
    >>> article = read_article(
    ...     b"<article><front><article-meta><title-group><article-title>On <italic>TP53</italic>"
    ...     b"</article-title></title-group></article-meta></front></article>"
    ... )
    >>> article.title, article.figures
    ('On TP53', ())
    """
    return _record(parse(xml), full_text=full_text)


def _record(article: _Element, *, full_text: bool) -> Article:
    front = _child_or_empty(article, "front")
    meta = _child_or_empty(front, "article-meta")
    language = metadata.language(article)
    paragraph_text = cache(text_of)  # a paragraph is read once, for the text and for its figures
    return Article(
        pmcid=metadata.pmcid(meta),
        pmid=metadata.pmid(meta),
        doi=metadata.article_id(meta, "doi"),
        title=metadata.title(meta),
        journal=metadata.journal(front),
        date=metadata.date(meta),
        abstract=metadata.abstract(meta),
        type=tidy(article.get("article-type") or ""),
        language=language,
        keywords=metadata.keywords(meta, language),
        subjects=metadata.subjects(meta),
        license=article_license(meta),
        figures=_figures(article, meta, paragraph_text),
        reference_count=reference_count(article),
        text=body_text(article, paragraph_text) if full_text else None,
        references=read_references(article) if full_text else None,
    )


def _figures(
    article: _Element, meta: _Element, paragraph_text: Callable[[_Element], str | None]
) -> tuple[Figure, ...]:
    found = find_figures(article, cache(partial(metadata.holders, meta)))
    contexts = find_contexts(article, found, paragraph_text)
    return tuple(
        replace(one.figure, context=context) if context else one.figure
        for one, context in zip(found, contexts, strict=True)
    )


def _child_or_empty(element: _Element, tag: str) -> _Element:
    found = child(element, tag)
    return etree.Element(tag) if found is None else found
