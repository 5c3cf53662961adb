"""Reads licences from JATS documents."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from biomedica_dataset.licenses import CODES, License

from .text import text_of, tidy
from .tree import child, markup, pieces

if TYPE_CHECKING:
    from lxml.etree import _Element


_CC0 = License("CC0", "1.0", "https://creativecommons.org/publicdomain/zero/1.0/")
_URL = re.compile(  # lower case: only a pattern with a fixed start is fast
    r"creativecommons\.org/(?:licen[sc]es?/(?P<by>by(?:-(?:nc|nd|sa)){0,2})|"
    r"(?P<zero>publicdomain/zero|licenses/publicdomain))(?![a-z-])"
    r"(?:/(?P<version>\d\.\d))?(?P<port>/(?!legalcode|deed)[a-z]{2,3}(?![a-z]))?"
)
_NAME = re.compile(
    r"creative\s*commons[\s:,–-]{0,9}(?:public\s+domain\s+)?\(?"
    r"(?P<words>(?:CC[\s-]*)?(?:attribution|atribui[cç]|atribuci|by\b)[\w\s–/-]{0,60}|"
    r"(?:CC)?0\b|zero\b|(?:CC0|public\s+domain)\s+(?:dedication|declaration)|declaration)"
    r"|\bCC[\s-]?(?P<short>BY(?:[\s–-]{0,3}(?:NC|ND|SA)\b){0,2}|0\b)",
    re.IGNORECASE,
)
_VERSION = re.compile(r"\b([1-4]\.[05])\b")
_PARTS = {
    "NC": r"n[oã][no]?[\s–-]*com?mercial|\bNC\b",
    "SA": r"share[\s–-]*alike|compartir|compartilha|\bSA\b",
    "ND": r"no[\s–-]*deriv|sem\s+deriva|sin\s+(?:obra)?\s*deriva|\bND\b",
}


def article_license(meta: _Element) -> License:
    """Return the licence in an ``article-meta``; the strictest if there are several.

    Searches ``<permissions>``, in NLM's older ``<license>`` and ``<copyright-statement>``
    beside it, and the custom metadata ``pmc-license-ref``: first URLs, then names of licences.
    """
    blocks = [
        *meta.iterchildren("permissions", "license", "copyright-statement"),
        *(
            custom
            for group in meta.iterchildren("custom-meta-group", "custom-meta-wrap")
            for custom in group.iterchildren("custom-meta")
            if "license" in (text_of(child(custom, "meta-name")) or "")
        ),
    ]
    return _strictest(_licenses(blocks))


def own_license(figure: _Element) -> License | None:
    """Return the licence in a figure's own ``<permissions>``, or ``None``."""
    permissions = child(figure, "permissions")
    if permissions is None or child(permissions, "license") is None:
        return None
    return _strictest(_licenses([permissions]))


def _strictest(found: list[License]) -> License:
    if not found:
        return License(None)
    return max(found, key=lambda item: CODES.index(item.code) if item.code in CODES else 0)


def _licenses(blocks: list[_Element]) -> list[License]:
    """Return the unique licences in the URLs of elements, or else in their text."""
    found = dict.fromkeys(
        _from_address(match) for block in blocks for match in _URL.finditer(markup(block).lower())
    )
    if not found:
        texts = (tidy(" ".join(pieces(block))) or "" for block in blocks)
        found = dict.fromkeys(_from_words(name) for text in texts for name in _NAME.finditer(text))
    return list(found)


def _from_address(found: re.Match[str]) -> License:
    if found["zero"]:
        return _CC0
    return _by(found["by"].upper().split("-"), found["version"], found["port"] or "")


def _from_words(found: re.Match[str]) -> License:
    words = found["words"] or found["short"]
    if re.match(r"(?:CC)?\s*(?:0|zero|public|decl)", words, re.IGNORECASE):
        return _CC0
    parts = [part for part, one in _PARTS.items() if re.search(one, words, re.IGNORECASE)]
    version = _VERSION.search(found.string, found.start(), found.end() + 40)
    return _by(parts, version[1] if version else None)


def _by(parts: list[str], version: str | None, port: str = "") -> License:
    """Return an attribution licence with any of NC, SA and ND, in PMC's order."""
    name = "-".join(["BY", *(part for part in ("NC", "SA", "ND") if part in parts)])
    address = f"https://creativecommons.org/licenses/{name.lower()}/{version}{port}/"
    return License(f"CC {name}", version, address if version else None)
