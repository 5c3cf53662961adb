"""Reads the metadata of an article from its front matter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from .text import FLOATS, text_of, tidy
from .tree import LANG, child, is_in, number

if TYPE_CHECKING:
    from lxml.etree import _Element

_NO_ABSTRACT = re.compile(
    r"graphical|teaser|toc|short|highlight|key|summary|synopsis|plain|executive|editor|web|video|"
    r"objective|precis",
    re.IGNORECASE,
)
_PMCID_TYPES = ("pmcid", "pmc", "pmcaid")


def pmcid(meta: _Element) -> str | None:
    """Return the PMCID with its prefix, from any of the ``article-id`` types used by PMC."""
    for kind in _PMCID_TYPES:
        found = re.fullmatch(r"(?:PMC)?([0-9]{1,12})", (article_id(meta, kind) or "").upper())
        if found:
            return f"PMC{found[1]}"
    return None


def pmid(meta: _Element) -> int | None:
    """Return the PubMed id."""
    return number(article_id(meta, "pmid"))


def article_id(meta: _Element, kind: str) -> str | None:
    """Return ``article-id`` of one ``@pub-id-type``."""
    for element in meta.iterchildren("article-id"):
        if element.get("pub-id-type") == kind:
            return tidy(element.text or "")
    return None


def title(meta: _Element) -> str | None:
    """Return the article title without footnote marks."""
    element = meta.find("title-group/article-title")
    if element is None:
        element = child(meta, "article-title")
    if element is None:
        return None
    for mark in [x for x in element.iter("xref", "fn") if x.get("ref-type") != "bibr"]:
        tail = mark.tail
        mark.clear()
        mark.tag, mark.tail = "x", tail  # a note would be separated from the text around it
    return text_of(element)


def journal(front: _Element) -> str | None:
    """Return the full title of the journal, else its NLM abbreviation."""
    meta = child(front, "journal-meta")
    if meta is None:
        return None
    found = meta.find("journal-title-group/journal-title")
    if found is None:
        found = child(meta, "journal-title")
    if found is None:
        ids = (e for e in meta.iterchildren("journal-id") if e.get("journal-id-type") == "nlm-ta")
        found = next(ids, None)
    return text_of(found)


def abstract(meta: _Element) -> str | None:
    """Return the main abstract; sections of a structured abstract start with their headings."""
    for element in meta.iterchildren("abstract"):
        if not _NO_ABSTRACT.search(element.get("abstract-type") or ""):
            text = tidy(" ".join(_sections(element)))
            if text:
                return text
    return None


def _sections(element: _Element) -> Iterator[str]:
    for part in element:
        if part.tag == "sec":
            heading = text_of(child(part, "title"))
            text = " ".join(_sections(part))
            yield f"{heading.rstrip(' :.')}: {text}" if heading else text
        elif part.tag not in FLOATS and part.tag not in ("title", "label", "object-id"):
            yield text_of(part) or ""


def keywords(meta: _Element, language: str | None) -> tuple[str, ...]:
    """Return the unique author keywords in the language of the article."""
    groups = [
        group
        for group in meta.iterchildren("kwd-group")
        if "abbreviation" not in (group.get("kwd-group-type") or "").lower()
    ]
    own = [group for group in groups if is_in(group, language)]
    return _each(e for group in own or groups for e in group.iter("kwd", "compound-kwd-part"))


def subjects(meta: _Element) -> tuple[str, ...]:
    """Return the unique subjects that the journal assigns to the article."""
    return _each(
        subject
        for categories in meta.iterchildren("article-categories")
        for subject in categories.iter("subject", "compound-subject-part")
    )


def language(article: _Element) -> str | None:
    """Return ``article/@xml:lang`` in lower case."""
    return tidy((article.get(LANG) or "").lower())


def _each(elements: Iterable[_Element]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for e in elements if (text := text_of(e))))
