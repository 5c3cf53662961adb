"""What the front of a JATS article says about it."""

from __future__ import annotations

import datetime
import re
from typing import TYPE_CHECKING

from .text import text_of, tidy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_MONTHS = {
    name: number
    for number, name in enumerate(
        "jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1
    )
}
# Dates of publication in the order in which they are believed; dates of PMC, NIHMS and preprints are none.
_DATE_TYPES = ("epub", "pub", "epub-ppub", "ppub", "collection", "epreprint", "")
_NO_DATE = (
    "pmc-release",
    "nihms-submitted",
    "preprint",
    "received",
    "accepted",
    "retracted",
    "corrected",
)
_NO_ABSTRACT = re.compile(
    r"graphical|teaser|toc|short|highlight|key|summary|synopsis|plain|executive|editor|web|video|objective",
    re.IGNORECASE,
)
_PMCID_TYPES = ("pmcid", "pmc", "pmcaid", "pmcaiid")


def pmcid(meta: _Element) -> str | None:
    """Return the PMCID with its prefix, from any of the ``article-id`` types that PMC has used."""
    for kind in _PMCID_TYPES[:3]:
        found = re.fullmatch(r"(?:PMC)?(\d+)", (article_id(meta, kind) or "").upper())
        if found:
            return f"PMC{found[1]}"
    return None


def pmid(meta: _Element) -> int | None:
    """Return the PubMed id."""
    return number(article_id(meta, "pmid"))


def article_id(meta: _Element, kind: str) -> str | None:
    """Return ``article-id`` of one ``@pub-id-type``."""
    return next(
        (tidy(e.text or "") for e in meta.iterfind("article-id") if e.get("pub-id-type") == kind),
        None,
    )


def number(text: str | None) -> int | None:
    """Return a text of digits as a number; ``None`` for anything else."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


def title(meta: _Element) -> str | None:
    """Return the article title without footnote marks."""
    element = meta.find("title-group/article-title")
    if element is None:
        return None
    marks = [x for x in element.iter("xref", "fn") if x.get("ref-type") != "bibr"]
    for mark in marks:
        _remove(mark)
    return text_of(element)


def journal(front: _Element) -> str | None:
    """Return the full title of the journal, else its NLM abbreviation."""
    meta = front.find("journal-meta")
    if meta is None:
        return None
    found = meta.find("journal-title-group/journal-title")
    if found is None:
        found = meta.find("journal-title")
    if found is None:
        ids = (e for e in meta.iterfind("journal-id") if e.get("journal-id-type") == "nlm-ta")
        found = next(ids, None)
    return text_of(found)


def date(meta: _Element) -> str | None:
    """Return the date of publication in ISO 8601, as precise as the source.

    The first kind of date that is there counts, electronic before print; within a kind the most precise one.
    """
    dated: dict[str, list[str]] = {}
    for element in meta.iterfind("pub-date"):
        kind = element.get("pub-type") or element.get("date-type") or ""
        iso = _iso(element)
        if iso and kind not in _NO_DATE:
            dated.setdefault(kind if kind in _DATE_TYPES else "", []).append(iso)
    return next((max(dated[kind], key=len) for kind in _DATE_TYPES if kind in dated), None)


def _iso(element: _Element) -> str | None:
    year, month, day = (tidy(element.findtext(t) or "") for t in ("year", "month", "day"))
    if not (year and re.fullmatch(r"[12]\d{3}", year)):
        found = re.match(r"[12]\d{3}(-\d\d(-\d\d)?)?", element.get("iso-8601-date") or "")
        return found[0] if found else None
    months = number(month) or _MONTHS.get((month or "")[:3].lower())
    if not months or not 1 <= months <= 12:
        return year
    try:
        return datetime.date(int(year), months, number(day) or 0).isoformat()
    except ValueError:
        return f"{year}-{months:02d}"


def abstract(meta: _Element) -> str | None:
    """Return the main abstract; the sections of a structured one begin with their heading and a colon."""
    for element in meta.iterfind("abstract"):
        if not _NO_ABSTRACT.search(element.get("abstract-type") or ""):
            text = tidy(" ".join(_sections(element)))
            if text:
                return text
    return None


def _sections(element: _Element) -> Iterator[str]:
    for child in element:
        if child.tag == "sec":
            heading = text_of(child.find("title"))
            text = " ".join(_sections(child))
            yield f"{heading.rstrip(' :.')}: {text}" if heading else text
        elif child.tag not in ("title", "label"):
            yield text_of(child) or ""


def keywords(meta: _Element, language: str | None) -> tuple[str, ...]:
    """Return the author keywords in the article's own language, each once."""
    groups = [
        group
        for group in meta.iterfind("kwd-group")
        if "abbreviation" not in (group.get("kwd-group-type") or "").lower()
    ]
    own = [g for g in groups if g.get(_XML_LANG, language) == language] or groups
    return _each(e for group in own for e in group.iter("kwd", "compound-kwd-part"))


def subjects(meta: _Element) -> tuple[str, ...]:
    """Return the subjects under which the journal files the article, each once."""
    return _each(meta.iterfind("article-categories//subject"))


def language(article: _Element) -> str | None:
    """Return ``article/@xml:lang`` in lower case."""
    return (article.get(_XML_LANG) or "").strip().lower() or None


def holders(meta: _Element) -> frozenset[str]:
    """Return in lower case who may put a copyright line on a figure of this article: its holders and authors."""
    names = [text_of(e) for e in meta.iterfind("permissions/copyright-holder")]
    names += [text_of(e) for e in meta.iterfind("contrib-group//surname")]
    for statement in meta.iterfind("permissions/copyright-statement"):
        text = re.sub(
            r"©|\(c\)|copyright|\b[12]\d{3}\b|the author\(?s?\)?",
            " ",
            text_of(statement) or "",
            flags=re.I,
        )
        names.append(tidy(re.split(r"[.,;]|et al", text.strip(" .,;"))[0]))
    return frozenset({"author"} | {n.lower() for n in names if n and len(n) > 2})


def _each(elements: Iterator[_Element]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for e in elements if (text := text_of(e))))


def _remove(element: _Element) -> None:
    """Take an element out of the tree and leave the text after it where it was."""
    parent, before = element.getparent(), element.getprevious()
    if parent is None:
        return
    if before is not None:
        before.tail = (before.tail or "") + (element.tail or "")
    else:
        parent.text = (parent.text or "") + (element.tail or "")
    parent.remove(element)
