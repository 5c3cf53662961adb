"""Writes labels to the items of lists whose numbering a reader would generate."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from lxml import etree

from .limits import MAX_ITEMS, check_limit
from .tree import child, words

if TYPE_CHECKING:
    from lxml.etree import _Element

_ONE = r"(?:\d{1,3}[A-Za-z]?|[A-Za-z]\d?|[ivxlc]{2,7}|[IVXLC]{2,7})['′]?"
_BARE = re.compile(rf"{_ONE}(?:\s?(?:[,;&+–—-]|and|to)\s?{_ONE}){{0,9}}")
_FIRST_PANEL = re.compile(r"[Aa](?![A-Za-z])")
_SHORT = 40  # characters of a label that may be a number
_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"),
    (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip
_MOST_ROMAN = 3999
_NUMBERED = frozenset(("order", "ordered", "number", "numbered", "decimal", "arabic", "1"))
_LABELS = {"list-item": "label", "def-item": "term"}


def label_items(article: _Element) -> None:
    """Put the labels of items into brackets, and add those that ``list-type`` generates.

    Raises
    ------
    JatsTooLargeError
        There are more than `MAX_ITEMS`.

    Examples
    --------
    >>> made = etree.fromstring(
    ...     "<p><list list-type='alpha-upper'><list-item><p>Cells.</p></list-item></list></p>"
    ... )
    >>> label_items(made)
    >>> words(made)
    '(A)Cells.'
    """
    counts: dict[str, int] = {}
    total = 0
    for series in article.iter("list", "def-list"):
        items = [item for item in series if item.tag in _LABELS]
        total += len(items)
        check_limit(total, MAX_ITEMS, "items of lists")
        before = counts.get(series.get("continued-from") or "", 0)
        if name := series.get("id"):
            counts[name] = before + len(items)
        numeral = _numeral(series.get("list-type") or "")
        are_names = series.tag == "list" or _names_panels(items)
        for number, item in enumerate(items, before + 1):
            label = child(item, _LABELS[str(item.tag)])
            if label is not None and are_names:
                _bracket(label)
            elif numeral is not None:
                label = etree.Element("label")
                label.text = f"({numeral(number)})"
                item.insert(0, label)


def _names_panels(items: list[_Element]) -> bool:
    """Whether the terms of definitions are panel letters, not abbreviations."""
    term = child(items[0], "term") if items else None
    text = "" if term is None else words(term)[:_SHORT].strip(" \n\t().:")
    return _BARE.fullmatch(text) is not None and _FIRST_PANEL.match(text) is not None


def _bracket(label: _Element) -> None:
    text = " ".join(words(label)[: _SHORT + 1].split())
    if len(text) <= _SHORT and _BARE.fullmatch(text):
        del label[:]
        label.text = f"({text})"


def _numeral(kind: str) -> Callable[[int], str] | None:
    """Return what writes the numbers of a list of some ``list-type``, or ``None``."""
    is_upper = "upper" in kind or kind in ("A", "I")
    kind = kind.lower()
    if kind in _NUMBERED:
        return str
    if "alpha" in kind or "latin" in kind or kind == "a":
        return lambda number: _letters(number, "A" if is_upper else "a")
    if "roman" in kind or kind == "i":
        return lambda number: _roman(number).upper() if is_upper else _roman(number)
    return None


def _letters(number: int, first: str) -> str:
    text = ""
    while number > 0:
        number, letter = divmod(number - 1, 26)
        text = chr(ord(first) + letter) + text
    return text


def _roman(number: int) -> str:
    if number > _MOST_ROMAN:
        return str(number)
    text = ""
    for value, numeral in _ROMAN:
        times, number = divmod(number, value)
        text += numeral * times
    return text
