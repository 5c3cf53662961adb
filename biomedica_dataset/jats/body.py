"""The running text of an article and its reference list."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..records import Reference
from .metadata import number
from .text import FLOATS, text_of, tidy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

_CONTAINERS = frozenset(("sec", "body", "app", "app-group", "boxed-text"))
_DOI = re.compile(r"10\.\d{4,9}/\S+")


def body_text(article: _Element) -> str | None:
    """Return headings and paragraphs of the body, one a line, floats left out; ``None`` where there are none."""
    body = article.find("body")
    return "\n".join(_blocks(body)) or None if body is not None else None


def _blocks(element: _Element) -> Iterator[str]:
    for child in element:
        tag = child.tag
        if tag in _CONTAINERS:
            yield from _blocks(child)
        elif tag not in FLOATS:
            text = text_of(child)
            if text:
                yield text


def reference_elements(article: _Element) -> list[_Element]:
    """Return the entries of the article's own reference lists."""
    back = article.find("back")
    return list(back.iter("ref")) if back is not None else []


def read_reference(element: _Element) -> Reference:
    """Return one entry of a reference list: its text, and the first PubMed id and DOI given for it."""
    pmid = doi = None
    for name in element.iter("pub-id", "ext-link", "article-id"):
        kind = name.get("pub-id-type") or name.get("ext-link-type")
        text = (name.text or "").strip()
        if kind == "pmid":
            pmid = pmid or number(text)
        elif kind == "doi" and doi is None:
            found = _DOI.search(text)
            doi = found[0] if found else None
        if name.tag == "pub-id":
            name.text = f" {text}"  # often nothing stands between the citation and its ids
    return Reference(_citation(element), pmid, doi)


def _citation(element: _Element) -> str | None:
    """Return the text of a reference; of several forms of it the printed one."""
    forms = list(element.iterchildren("mixed-citation"))
    parts = []
    for form in forms or element.iterchildren():
        if form.tag not in ("label", "note", "x"):
            # The parts of an element-citation have no punctuation between them.
            joined = forms or any((part.tail or "").strip() for part in form)
            parts.append(("" if joined else " ").join(form.itertext()))
    return tidy(" ".join(parts))
