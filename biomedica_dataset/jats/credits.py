"""Finds phrases that credit the rights on a figure to a third party."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from .limits import MAX_CLAIMS, check_limit
from .text import text_of
from .tree import child

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lxml.etree import _Element

_TAKEN = re.compile(
    r"\b(?:re-?produced|re-?printed|re-?published|re-?used|re-?drawn|adapted|modified|adopted|"
    r"taken|used|excerpted|images?|figures?|photo(?:graph)?s?|pictures?|provided|published|"
    r"courtesy)\b",
    re.IGNORECASE,
)
_RIGHTS = re.compile(
    r"\b(?:with|by|under) (?:\w+ ){0,3}permissions?\b(?P<giver> (?:from|of|by)\b)?|"
    r"\b(?P<owner>permission (?:from|of) (?:the )?"
    r"(?:publisher|copyright|journal|elsevier|springer|wiley|nature|oxford))|"
    r"\b(?P<source>re-?(?:printed|produced|published) (?:here )?(?:from|after)|"
    r"all rights reserved|used under licen[cs]e)\b",
    re.IGNORECASE,
)
_REACH = 200  # characters before a permission to search for its object
# Every phrase above contains one of these; searching for them first is ten times faster.
_PERMISSION_WORDS = (
    *("permission", "reprinted", "reproduced", "republished", "re-p", "rights reserved"),
    "under licen",
)
_COPYRIGHT_WORDS = ("©", "copyright", "(c) 19", "(c) 20")
# Consent of the person shown is not a matter of copyright.
_CONSENT = re.compile(
    r"\b(?:patient|parent|famil|guardian|subject|participant|consent|volunteer|relative|mother|"
    r"father)\w*",
    re.IGNORECASE,
)
_COPYRIGHT = re.compile(r"(?:©|\(c\)\s*(?:19|20)\d\d|\bcopyright\b)[^.;]{0,160}", re.IGNORECASE)
_BEFORE, _AFTER = 120, 200  # characters of context kept around a match


class Holders:
    """The rights holders of an article, whose copyright lines are not third-party credits.

    Parameters
    ----------
    read
        Returns their names in lower case; only called if a figure has a copyright line.
    """

    def __init__(self, read: Callable[[], frozenset[str]]) -> None:
        self._read = cache(read)
        self._comparisons = 0

    def claim(self, line: str) -> bool:
        """Whether a copyright line in lower case names one of the holders.

        Raises
        ------
        JatsTooLargeError
            The article has more names and lines than `MAX_CLAIMS` allows.
        """
        names = self._read()
        self._comparisons += len(names)
        check_limit(self._comparisons, MAX_CLAIMS, "copyright lines times authors")
        return any(name in line for name in names)


def third_party_credit(figure: _Element, caption: str | None, holders: Holders) -> str | None:
    """Return the phrase that credits a third party with the rights on a figure, or ``None``.

    Searches the caption, ``<attrib>``, loose paragraphs of the figure and the copyright
    statement, holder and text of its own ``<permissions>``; a copyright line of the article's own
    holders does not count.

    Parameters
    ----------
    holders
        Rights holders of the article.
    """
    for text in dict.fromkeys(filter(None, (caption, *_texts(figure)))):
        lower = text.lower()
        credit = None
        if any(map(lower.__contains__, _PERMISSION_WORDS)):
            credit = _permission(text)
        if credit is None and any(map(lower.__contains__, _COPYRIGHT_WORDS)):
            credit = _copyright(text, holders)
        if credit:
            return credit
    return None


def _texts(figure: _Element) -> Iterator[str | None]:
    """Yield the texts of a figure, other than the caption, that may mention rights."""
    for element in figure.iterchildren("attrib", "p"):
        yield text_of(element)
    permissions = child(figure, "permissions")
    if permissions is not None:
        for element in permissions.iter("copyright-statement", "license-p"):
            yield text_of(element)
        for element in permissions.iterchildren("copyright-holder"):
            yield f"© {text_of(element)}"


def _permission(text: str) -> str | None:
    for found in _RIGHTS.finditer(text):
        phrase = _sentence(text, *found.span())
        before = text[max(0, found.start() - _REACH) : found.start()].rpartition(".")[2]
        if (found.lastgroup or _TAKEN.search(before)) and not _CONSENT.search(phrase):
            return phrase
    return None


def _copyright(text: str, holders: Holders) -> str | None:
    for found in _COPYRIGHT.finditer(text):
        line = found[0].lower()
        if re.search(r"[a-z]{3}", line.replace("copyright", "")) and not holders.claim(line):
            return _sentence(text, *found.span())
    return None


def _sentence(text: str, start: int, end: int) -> str:
    """Return the sentence around a span, shortened if necessary."""
    first, last = max(start - _BEFORE, 0), min(end + _AFTER, len(text))
    left = max(text.rfind(". ", first, start) + 1, first)
    stop = text.find(". ", end, last)
    right = stop + 1 if stop >= 0 else last
    return text[left:right].strip()
