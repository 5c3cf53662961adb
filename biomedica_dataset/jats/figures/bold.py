"""Finds the letters in bold of a caption: often nothing else marks a panel."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from biomedica_dataset.jats.panels.letters import LETTERS

if TYPE_CHECKING:
    from lxml.etree import _Element

# A printable character of no width, which clean text keeps and captions do not have.
_MARK = "\U000e01ef"
_ALONE = re.compile(rf"(\s*)(\W*{LETTERS}\W*?)\s*")
_BEFORE_TITLE = re.compile(rf"(\s*)({LETTERS}[.:])\s+(?=[A-Z(\d])")  # but not "E. coli"
_LONGEST = 40  # characters of a list of letters


def text_and_bold(
    read: Callable[[], str | None], elements: Iterable[_Element]
) -> tuple[str | None, tuple[tuple[int, int], ...]]:
    """Return the text that a function reads from elements, and where it has bold letters.

    The letters are marked in the tree while the function reads it.
    """
    found = []
    for bold in (bold for element in elements for bold in element.iter("bold", "b", "strong")):
        inner = _innermost(bold)
        text = inner.text or ""
        match = _ALONE.fullmatch(text[:_LONGEST]) or _BEFORE_TITLE.match(text)
        if match:
            found.append((inner, text))
            inner.text = f"{match[1]}{_MARK}{match[2]}{_MARK}{text[match.end(2) :]}"
    if not found:
        return read(), ()
    marked = read() or ""
    for element, text in found:
        element.text = text
    pieces = marked.split(_MARK)
    if len(pieces) != 2 * len(found) + 1:
        return read(), ()
    places, end = [], 0
    for before, letters in zip(pieces[::2], pieces[1::2], strict=False):
        start = end + len(before)
        end = start + len(letters)
        places.append((start, end))
    return "".join(pieces), tuple(places)


def _innermost(element: _Element) -> _Element:
    while len(element) == 1 and not element.text and not element[0].tail:
        element = element[0]
    return element
