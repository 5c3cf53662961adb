"""Reads panel letters from captions, which identify compound figures."""

from __future__ import annotations

import re
from string import ascii_uppercase
from typing import TYPE_CHECKING

from biomedica_dataset.jats.tree import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lxml.etree import _Element

_LETTERS = (
    r"[A-Za-z](?:[1-9]|['′])?(?:\s?(?:[-–—,;/&+]|and|to)\s?(?:and\s)?[A-Za-z](?:[1-9]|['′])?)*"
)
_BEFORE_PARENTHESIS = re.compile(rf"(?:^|[\s(.;:,])({_LETTERS})\s?$")  # (A), (a–c), A)
_FRONT = r"([A-Z](?:\s?[-–—,]\s?[A-Z])*)(?=[,:.]\s|\s[A-Z][a-z])"  # A, or B:
_FIRST, _IN_FRONT = re.compile(_FRONT), re.compile(r"[.;:] " + _FRONT)
_NAMED = re.compile(rf"anels? ({_LETTERS})\b")
_FRONTS = (". A", "; A", ": A")
_LONGEST = 24  # characters of a list such as "A1, B2 and C–F"
_BOLD = re.compile(rf"\W*({_LETTERS})\W*")
_STEP = re.compile(r"([A-Za-z])(?:[1-9]|['′])?\s?(?:([-–—]|to\b)|[,;/&+]|and\b)?\s?(?:and\s)?")
_FEWEST = 2  # a single letter is more often an enumeration than a panel


def panel_letters(captions: Iterable[_Element], text: str | None) -> tuple[str, ...]:
    """Return the panel letters named in a caption: A, B, C ... without a gap, at least two.

    Parameters
    ----------
    captions
        The elements of the caption, for letters set in bold.
    text
        Its clean text.

    Examples
    --------
    >>> panel_letters((), "Growth of (a) wild type and (b–d) mutants (p < 0.05).")
    ('A', 'B', 'C', 'D')
    """
    if not text:
        return ()
    named: set[str] = set()
    for letters in _lists(text):
        named.update(_expanded(letters))
    for caption in captions:
        for bold in caption.iter("bold", "b", "strong"):
            whole = _BOLD.fullmatch(" ".join(words(bold)[: 2 * _LONGEST].split()))
            if whole:
                named.update(_expanded(whole[1]))
    count = next((n for n, letter in enumerate(ascii_uppercase) if letter not in named), 26)
    return tuple(ascii_uppercase[:count]) if count >= _FEWEST else ()


def _lists(text: str) -> Iterator[str]:
    for piece in text.split(")")[:-1]:
        found = _BEFORE_PARENTHESIS.search(piece[-_LONGEST:])
        if found:
            yield found[1]
    first = _FIRST.match(text)
    if first:
        yield first[1]
    if first or any(front in text for front in _FRONTS):
        yield from _IN_FRONT.findall(text)
    if "anel" in text:
        yield from _NAMED.findall(text)


def _expanded(letters: str) -> Iterator[str]:
    """Yield the letters of ``A, C–E`` in upper case, ranges filled."""
    start: str | None = None
    for letter, dash in _STEP.findall(letters):
        upper = letter.upper()
        first = ascii_uppercase.index(start) if start else ascii_uppercase.index(upper)
        yield from ascii_uppercase[first : ascii_uppercase.index(upper) + 1] or upper
        start = upper if dash else None
