"""Phrases by which a figure says that somebody else holds its rights."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .text import text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element

_TAKEN = (
    r"re-?produced|re-?printed|re-?published|re-?used|re-?drawn|adapted|modified|adopted|taken|used|excerpted|image[s]?|"
    r"figure[s]?|photo(?:graph)?s?|picture[s]?|provided|published|courtesy"
)
_WITH_PERMISSION = re.compile(
    rf"\b(?:{_TAKEN})\b[^.]{{0,200}}?\b(?:with|by|under)\s+(?:\w+\s+){{0,2}}permissions?\b|"
    r"\b(?:with|by)\s+(?:(?:kind|the|written|prior)\s+)*permissions?\s+(?:from|of|by)\b|"
    r"\bpermission\s+(?:from|of)\s+(?:the\s+)?(?:publisher|copyright|journal|elsevier|springer|wiley|nature|oxford)|"
    r"\bre-?(?:printed|produced|published)\s+(?:here\s+)?(?:from|after)\b|"
    r"\ball\s+rights\s+reserved\b|\bused\s+under\s+licen[cs]e\b",
    re.IGNORECASE,
)
# One of these words stands in every phrase above; to look for them first is ten times faster.
_PERMISSION_WORDS = (
    "permission",
    "printed",
    "produced",
    "published",
    "rights reserved",
    "under licen",
)
_COPYRIGHT_WORDS = ("©", "copyright", "(c) 19", "(c) 20")
# Consent of the person shown is no copyright.
_CONSENT = re.compile(
    r"\b(?:patient|parent|famil|guardian|subject|participant|consent|volunteer|relative|mother|father)\w*",
    re.IGNORECASE,
)
_COPYRIGHT = re.compile(r"(?:©|\(c\)\s*(?:19|20)\d\d|\bcopyright\b)[^.;]{0,160}", re.IGNORECASE)
_BEFORE, _AFTER = 120, 200  # characters of the phrase kept around what was found


def third_party_credit(
    figure: _Element, caption: str | None, holders: Callable[[], frozenset[str]]
) -> str | None:
    """Return the phrase that gives a third party the rights on a figure, or ``None``.

    Looked for in the caption, ``<attrib>``, loose paragraphs of the figure and the copyright statement of its own
    ``<permissions>``; a copyright line of the article's own holders does not count.

    Parameters
    ----------
    holders
        Gives in lower case who may put a copyright line on a figure of this article.
    """
    texts = [
        caption,
        *map(text_of, figure.iterchildren("attrib")),
        *map(text_of, figure.iterchildren("p")),
    ]
    permissions = figure.find("permissions")
    if permissions is not None:
        texts += map(text_of, permissions.iterfind("copyright-statement"))
        texts += map(text_of, permissions.iterfind("license/license-p"))
    for text in dict.fromkeys(filter(None, texts)):
        lower = text.lower()
        credit = None
        if any(word in lower for word in _PERMISSION_WORDS):
            credit = _permission(text)
        if credit is None and any(word in lower for word in _COPYRIGHT_WORDS):
            credit = _copyright(text, holders)
        if credit:
            return credit
    return None


def _permission(text: str) -> str | None:
    for found in _WITH_PERMISSION.finditer(text):
        phrase = _sentence(text, *found.span())
        if not _CONSENT.search(phrase):
            return phrase
    return None


def _copyright(text: str, holders: Callable[[], frozenset[str]]) -> str | None:
    for found in _COPYRIGHT.finditer(text):
        line = found[0].lower()
        if re.search(r"[a-z]{3}", line.replace("copyright", "")) and not any(
            holder in line for holder in holders()
        ):
            return _sentence(text, *found.span())
    return None


def _sentence(text: str, start: int, end: int) -> str:
    """Return the sentence around a span, cut where it is too long."""
    left = max(text.rfind(". ", 0, start) + 1, start - _BEFORE, 0)
    stop = text.find(". ", end)
    right = min(stop + 1 if stop >= 0 else len(text), end + _AFTER)
    return text[left:right].strip()
