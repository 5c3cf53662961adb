"""Which paragraphs cite which figures.

A citation is an ``xref`` of any type whose ``rid`` (one or several ids) names a figure, its graphic
or its group. A range ("Figs 1–3") reaches the figures between its ends, whether it stands inside
one ``xref`` or between two. Only an article without a single such ``xref`` is searched for labels
in plain text.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from .text import CITATIONS, FLOATS
from .tree import words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lxml.etree import _Element

    from .figures import Found

_DASH = r"[-‐‑‒–—−]"
_LABEL = re.compile(
    rf"\W*([^\W\d_]+)\.?\s?([A-Za-z]{{0,2}})\.?\s?(\d{{1,4}})(?:\s?{_DASH}\s?S?(\d{{1,4}}))?\W*"
)
_INSIDE = re.compile(
    rf"(\d{{1,4}})\s?[A-Za-z]?\s?(?:{_DASH}|to|through)\s?[A-Za-z]{{0,2}}(\d{{1,4}})(?!\d)"
)
_BETWEEN = re.compile(
    rf"\W*(?:[A-Za-z](?:\W{{1,3}}[A-Za-z]){{0,9}}\b)?\W*?(?:{_DASH}|\bto\b|\bthrough\b)\W*"
)
_LONGEST_BETWEEN = 40  # characters between the ends of a range
_NUMBER = r"S?\d{1,3}(?!\d)[A-Za-z]?"
_JOINT = rf"(?:\s?(?:,|&|and|e|y|und|et|{_DASH})\s?){{1,2}}"
_PLAIN = re.compile(
    rf"\b([^\W\d_]{{3,12}})\.?\s?((?:{_NUMBER})(?:{_JOINT}{_NUMBER})*)", re.IGNORECASE
)
_STEP = re.compile(rf"(S?)(\d+)[A-Za-z]?(?:\s?{_DASH}\s?S?(\d+))?", re.IGNORECASE)
_LONGEST_RANGE = 50  # figures; more is a misread number
_NO_PARAGRAPH = FLOATS | {"caption"}
# Boxes and notes are floats beside a text, and hold paragraphs of their own.
_NO_CONTEXT = _NO_PARAGRAPH - {"boxed-text", "fn", "fn-group"}

Series = tuple[str, str]
"""What a label numbers: its word, shortened (``fig``), and the letters before it (``S``)."""


def find_contexts(
    article: _Element, figures: Sequence[Found], text_of: Callable[[_Element], str | None]
) -> list[tuple[str, ...]]:
    """Return for each figure the clean text of the paragraphs that cite it, in document order."""
    if not figures:
        return []
    citing = _Citing(figures)
    linked = False
    for xref in article.iter("xref"):
        targets = citing.targets(xref)
        if targets:
            linked = True
            citing.add(xref, targets)
    if not linked:
        for paragraph in article.iterfind("body//p"):
            if not any(map(_is_outside, paragraph.iterancestors())):
                citing.add_plain(paragraph, text_of(paragraph) or "")
    return citing.contexts(text_of)


class _Citing:
    """Collects the paragraphs that cite each figure; figures go by their position."""

    def __init__(self, figures: Sequence[Found]) -> None:
        self._count = len(figures)
        self._numbers = [_numbers(found.labels) for found in figures]
        self._by_id: dict[str, list[int]] = defaultdict(list)
        self._by_number: dict[tuple[Series, int], list[int]] = defaultdict(list)
        self._paragraphs: dict[_Element, dict[int, None]] = {}
        for position, found in enumerate(figures):
            if found.figure.dropped != "translation":
                for name in dict.fromkeys(found.ids):
                    self._by_id[name].append(position)
                series, numbers = self._numbers[position]
                for number in numbers:
                    self._by_number[series, number].append(position)

    def targets(self, xref: _Element) -> list[int]:
        """Return the figures that the ids of an ``xref`` name."""
        # Most references are to the bibliography and none of them is to a figure.
        rid = xref.get("rid") if xref.get("ref-type") not in CITATIONS else None
        if not rid:
            return []
        found = self._by_id.get(rid)
        if found is not None:
            return found
        return [p for name in rid.split() for p in self._by_id.get(name, ())]

    def add(self, xref: _Element, targets: list[int]) -> None:
        """Count the paragraph of an ``xref`` in, if it is running text."""
        paragraph = xref.getparent()
        if paragraph not in self._paragraphs:
            paragraph = _paragraph(xref)
        if paragraph is not None:
            cited = [*targets, *self._inside(xref, targets), *self._after(xref, targets)]
            self._paragraphs.setdefault(paragraph, {}).update(dict.fromkeys(cited))

    def add_plain(self, paragraph: _Element, text: str) -> None:
        """Search a paragraph for labels, where the document links none."""
        for word, numbers in _PLAIN.findall(text):
            for letters, first, last in _STEP.findall(numbers):
                series = (_short(word), letters.upper())
                for position in self._range(series, int(first), int(last or first)):
                    self._paragraphs.setdefault(paragraph, {})[position] = None

    def contexts(self, text_of: Callable[[_Element], str | None]) -> list[tuple[str, ...]]:
        found: list[dict[str, None]] = [{} for _ in range(self._count)]
        for paragraph, positions in self._paragraphs.items():
            text = text_of(paragraph)
            if text:
                for position in positions:
                    found[position][text] = None
        return [tuple(texts) for texts in found]

    def _inside(self, xref: _Element, targets: list[int]) -> Iterator[int]:
        """Yield the figures of a range inside one ``xref``."""
        text = words(xref)
        if len(text) < 3:
            return
        for first, last in _INSIDE.findall(" ".join(text.split())):
            for series in {self._numbers[target][0] for target in targets}:
                yield from self._range(series, int(first), int(last))

    def _after(self, xref: _Element, targets: list[int]) -> Iterator[int]:
        """Yield the figures between this ``xref`` and the next one, where a dash joins them."""
        tail = xref.tail
        if not tail or len(tail) > _LONGEST_BETWEEN or not _BETWEEN.fullmatch(tail):
            return
        following = xref.getnext()
        ends = self.targets(following) if following is not None else []
        for start in targets:
            for end in ends:
                (series, first), (other, last) = self._numbers[start], self._numbers[end]
                if series == other and first and last:
                    yield from self._range(series, min(first), max(last))

    def _range(self, series: Series, first: int, last: int) -> Iterator[int]:
        if first <= last <= first + _LONGEST_RANGE:
            for number in range(first, last + 1):
                yield from self._by_number.get((series, number), ())


def _numbers(labels: Sequence[str]) -> tuple[Series, range]:
    """Return the series and the numbers of the first label that has some.

    >>> _numbers(["Figs. S1–S3"]), _numbers(["(a)", "Figure 2"])
    ((('fig', 'S'), range(1, 4)), (('fig', ''), range(2, 3)))
    """
    for label in labels:
        found = _LABEL.fullmatch(label)
        if found is not None:
            word, letters, first, last = found.groups()
            return (_short(word), letters.upper()), range(int(first), int(last or first) + 1)
    return ("", ""), range(0)


def _short(word: str) -> str:
    return word.lower()[:3]


def _paragraph(xref: _Element) -> _Element | None:
    """Return the paragraph around an ``xref``; ``None`` outside of running text."""
    paragraph = None
    for element in xref.iterancestors():
        if paragraph is None:
            if element.tag == "p":
                paragraph = element
            elif element.tag in _NO_PARAGRAPH:
                return None
        elif _is_outside(element):
            return None
    return paragraph


def _is_outside(element: _Element) -> bool:
    """Whether what an element holds is no running text: a caption, a float, a translation."""
    tag = element.tag
    return tag in _NO_CONTEXT or (
        tag == "sub-article" and element.get("article-type") == "translation"
    )
