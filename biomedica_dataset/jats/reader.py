"""One JATS document to one `records.Article`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from ..records import Article, Figure
from . import metadata
from .body import body_text, read_reference, reference_elements
from .figures import find_figures
from .licenses import article_license
from .mentions import find_contexts
from .parse import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element


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
        The document is not well-formed, declares a DTD of its own, or holds no article.

    Examples
    --------
    >>> article = read_article(
    ...     b"<article><front><article-meta><title-group><article-title>On <italic>TP53</italic>"
    ...     b"</article-title></title-group></article-meta></front></article>"
    ... )
    >>> article.title, article.figures
    ('On TP53', ())
    """
    article = parse(xml)
    front = article.find("front")
    if front is None:
        front = etree.Element("front")
    meta = front.find("article-meta")
    if meta is None:
        meta = etree.Element("article-meta")
    language = metadata.language(article)
    references = reference_elements(article)
    return Article(
        pmcid=metadata.pmcid(meta),
        pmid=metadata.pmid(meta),
        doi=metadata.article_id(meta, "doi"),
        title=metadata.title(meta),
        journal=metadata.journal(front),
        date=metadata.date(meta),
        abstract=metadata.abstract(meta),
        type=article.get("article-type"),
        language=language,
        keywords=metadata.keywords(meta, language),
        subjects=metadata.subjects(meta),
        license=article_license(meta),
        figures=_figures(article, lambda: metadata.holders(meta)),
        reference_count=len(references) or None,
        text=body_text(article) if full_text else None,
        references=tuple(map(read_reference, references)) if full_text else None,
    )


def _figures(article: _Element, holders: Callable[[], frozenset[str]]) -> tuple[Figure, ...]:
    found = find_figures(article, holders)
    contexts = find_contexts(article, found)
    return tuple(
        Figure(
            hrefs=figure.hrefs,
            kind=figure.kind,
            figure_id=figure.figure_id,
            label=figure.label,
            caption=figure.caption,
            panels=figure.panels,
            own_license=figure.own_license,
            credit=figure.credit,
            context=context,
            dropped=figure.dropped,
        )
        for figure, context in zip(found, contexts, strict=True)
    )
