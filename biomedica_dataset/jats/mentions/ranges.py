"""Ranges of which one end or both are links: "Figs [1]–[3]", "Figures [1]–3", "Figs 1 to [3]"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from biomedica_dataset.jats.panels.labels import shortened
from biomedica_dataset.jats.tree import words

if TYPE_CHECKING:
    from lxml.etree import _Element

_DASH = r"[-‐‑‒–—−]"
_INSIDE = re.compile(
    rf"(\d{{1,4}})\s?[A-Za-z]?\s?(?:{_DASH}|to|through)\s?[A-Za-z]{{0,2}}(\d{{1,4}})(?!\d)"
)
_TO = rf"(?:{_DASH}|\s(?:to|through|bis|a|à|até|hasta)\s)"
_PANELS = r"(?:[A-Za-z](?:\W{1,3}[A-Za-z]){0,9}\b)?"
_BETWEEN = re.compile(rf"\W*{_PANELS}\W*?{_TO}\W*")
_PLAIN_END = re.compile(rf"\W{{0,2}}{_PANELS}(\s?{_TO}\s?)S?(\d{{1,3}})(?!\d|\.\d|\s?%)[A-Za-z]?\b")
_PLAIN_START = re.compile(
    rf"([^\W\d_]{{3,12}})\.?\s?(?:S?\d{{1,3}}[A-Za-z]?\s?(?:,|and|&)\s?){{0,9}}"
    rf"S?(\d{{1,3}})[A-Za-z]?\s?{_TO}\s?$"
)
_OPEN_END = re.compile(rf"{_TO}\s?$")
_PLURAL = re.compile(r"\b[^\W\d_]{2,}(?:s|n|en)\b\.?", re.IGNORECASE)
_LONGEST = 40  # characters between the ends of a range
_LONGEST_LINK = 1000  # characters of an xref that may hold a range
_INLINE = frozenset({
    "italic", "bold", "i", "b", "em", "strong", "sc", "underline", "roman", "sup", "sub",
    "named-content", "styled-content", "monospace", "sans-serif",
})  # fmt: skip
_STEPS = 6  # elements between the ends of a range


def ranges_inside(xref: _Element) -> list[tuple[int, int]]:
    """Return the ranges in the text of a link."""
    text = words(xref)
    if not 3 <= len(text) <= _LONGEST_LINK:
        return []
    found = _INSIDE.findall(" ".join(text.split()))
    return [(int(first), int(last)) for first, last in dict.fromkeys(found)]


def range_end(xref: _Element) -> tuple[int | None, _Element | None]:
    """Return the end of a range that begins with a link: a number in plain text, or the next link.

    A dash or a word joins the one or the other to it.
    """
    between, following = _after(xref)
    joined = following is not None and _BETWEEN.fullmatch(between)
    return _plain_end(xref, between), following if joined else None


def _plain_end(xref: _Element, after: str) -> int | None:
    found = _PLAIN_END.match(after)
    if found is None:
        return None
    # With spaces, "Figure 1 – 3 cells" is no range, unless several figures are announced.
    is_close = not any(map(str.isspace, found[1]))
    return int(found[2]) if is_close or _PLURAL.search(f"{_before(xref)} {words(xref)}") else None


def plain_start(xref: _Element) -> tuple[str, int] | None:
    """Return the word and the first number of a range that begins in plain text before a link."""
    before = _before(xref)
    found = (
        _PLAIN_START.search(before) if _OPEN_END.search(before, max(0, len(before) - 9)) else None
    )
    return (shortened(found[1]), int(found[2])) if found else None


def _after(xref: _Element) -> tuple[str, _Element | None]:
    """Return the text behind a link, through formatting, and the next link if it follows soon."""
    node, text = xref, xref.tail or ""
    for _ in range(_STEPS):
        if len(text) > _LONGEST:
            break
        following = node.getnext()
        if following is None:
            parent = node.getparent()
            if parent is None or parent.tag not in _INLINE:
                break
            node, text = parent, text + (parent.tail or "")
            continue
        if following.tag in _INLINE:
            text += following.text or ""
            inner = next(iter(following), None)
            if inner is None:
                node, text = following, text + (following.tail or "")
                continue
            following = inner
        return text, following if following.tag == "xref" else None
    return text[:_LONGEST], None


def _before(xref: _Element) -> str:
    """Return the text before a link, through formatting."""
    node, text = xref, ""
    for _ in range(_STEPS):
        previous = node.getprevious()
        if previous is not None:
            text = (previous.tail or "") + text
            if len(text) > _LONGEST or previous.tag not in _INLINE or len(previous):
                break
            node, text = previous, (previous.text or "") + text
            continue
        parent = node.getparent()
        if parent is None:
            break
        text = (parent.text or "") + text
        if parent.tag not in _INLINE:
            break
        node = parent
    return text[-_LONGEST:]
