"""Finds the paragraphs that cite each figure.

A citation is an ``xref`` of any type whose ``rid`` (one or several ids) names a figure, its graphic
or its group. A range ("Figs 1–3") includes the figures between its ends, within one ``xref`` or
between two, of which one may be plain text. Only articles without any such ``xref`` are searched
for labels in plain text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from biomedica_dataset.jats.limits import MAX_CITATIONS, MAX_PARAGRAPHS, check_limit
from biomedica_dataset.jats.panels.labels import MOST_IN_A_RANGE, Series, find_mentions, series_of
from biomedica_dataset.jats.text import CITATIONS, FLOATS

from .ranges import plain_start, range_end, ranges_inside

if TYPE_CHECKING:
    from lxml.etree import _Element

    from biomedica_dataset.jats.figures.find import Found

_NO_PARAGRAPH = FLOATS | {"caption"}
# Boxes and notes float beside the text but contain paragraphs of their own.
_NO_CONTEXT = _NO_PARAGRAPH - {"boxed-text", "fn", "fn-group"}


def find_citing(
    article: _Element, figures: Sequence[Found], text_of: Callable[[_Element], str | None]
) -> list[dict[_Element, str]]:
    """Return for each figure the paragraphs that cite it with their clean text, in document order.

    Raises
    ------
    JatsTooLargeError
        There are more than `MAX_CITATIONS`, or more than `MAX_PARAGRAPHS` around one.
    """
    if not figures:
        return []
    around = _Paragraphs()
    citing = _Citing(figures, around)
    linked = False
    for xref in article.iter("xref"):
        targets = citing.targets(xref)
        if targets:
            linked = True
            citing.add(xref, targets)
    if not linked:
        for paragraph in article.iterfind("body//p"):
            if around.innermost(paragraph) is not None:
                citing.add_plain(paragraph, text_of(paragraph) or "")
    return citing.paragraphs(text_of)


class _Citing:
    """Collects the paragraphs that cite each figure, by the position of the figure."""

    def __init__(self, figures: Sequence[Found], around: _Paragraphs) -> None:
        self._count = len(figures)
        self._numbers = [series_of(found.figure.labels) for found in figures]
        self._words = sorted({series[0] for series, numbers in self._numbers if numbers})
        self._by_id: dict[str, list[int]] = defaultdict(list)
        self._by_number: dict[tuple[Series, int], list[int]] = defaultdict(list)
        self._paragraphs: dict[_Element, dict[int, None]] = {}
        self._around = around
        self._citations = 0
        for position, found in enumerate(figures):
            if found.figure.dropped != "translation":
                for name in dict.fromkeys(found.ids):
                    self._by_id[name].append(position)
                series, numbers = self._numbers[position]
                for number in numbers:
                    self._by_number[series, number].append(position)

    def targets(self, xref: _Element) -> list[int]:
        """Return the figures with the ids in an ``xref``."""
        # Most references are to the bibliography, never to a figure.
        rid = xref.get("rid") if xref.get("ref-type") not in CITATIONS else None
        if not rid:
            return []
        found = self._by_id.get(rid)
        if found is None:
            found = [p for name in rid.split() for p in self._by_id.get(name, ())]
        self._count_in(len(found))
        return found

    def add(self, xref: _Element, targets: list[int]) -> None:
        """Add the paragraph of an ``xref``, if it is running text."""
        paragraph = parent = xref.getparent()
        if parent is not None and parent not in self._paragraphs:
            paragraph = self._around.innermost(parent)
        if paragraph is not None:
            cited = [*targets, *self._ranges(xref, targets)]
            self._paragraphs.setdefault(paragraph, {}).update(dict.fromkeys(cited))

    def add_plain(self, paragraph: _Element, text: str) -> None:
        """Search a paragraph for labels in plain text."""
        for mention in find_mentions(text, self._words):
            for first, last, _ in mention.numbers:
                for position in self._range(mention.series, first, last):
                    self._paragraphs.setdefault(paragraph, {})[position] = None

    def paragraphs(self, text_of: Callable[[_Element], str | None]) -> list[dict[_Element, str]]:
        found: list[dict[_Element, str]] = [{} for _ in range(self._count)]
        for paragraph, positions in self._paragraphs.items():
            text = text_of(paragraph)
            if text:
                for position in positions:
                    found[position][paragraph] = text
        return found

    def _ranges(self, xref: _Element, targets: list[int]) -> Iterator[int]:
        """Yield the figures of ranges in an ``xref``, and of those that it begins or ends."""
        inside, start, (last, following) = ranges_inside(xref), plain_start(xref), range_end(xref)
        ends = self.targets(following) if following is not None else []
        if not (inside or start or last or ends):
            return
        final: dict[Series, list[int]] = defaultdict(list)
        for series, numbers in dict.fromkeys(self._numbers[end] for end in ends):
            if numbers:
                final[series].append(max(numbers))
        # All graphics of one figure have the same numbers.
        for series, numbers in dict.fromkeys(self._numbers[target] for target in targets):
            for first, other in inside:
                yield from self._range(series, first, other)
            if not numbers:
                continue
            if last is not None and (series, last) in self._by_number:
                yield from self._range(series, min(numbers), last)
            if start is not None and start[0] == series[0]:
                yield from self._range(series, start[1], max(numbers))
            for other in final.get(series, ()):
                yield from self._range(series, min(numbers), other)

    def _range(self, series: Series, first: int, last: int) -> list[int]:
        numbers = range(first, last + 1) if last <= first + MOST_IN_A_RANGE else ()
        found = [p for number in numbers for p in self._by_number.get((series, number), ())]
        self._count_in(1 + len(numbers) + len(found))
        return found

    def _count_in(self, citations: int) -> None:
        self._citations += citations
        check_limit(self._citations, MAX_CITATIONS, "citations of figures")


class _Paragraphs:
    """Finds the paragraph around an element, caching the result for each ancestor."""

    def __init__(self) -> None:
        self._found: dict[_Element, tuple[_Element | None, int, bool]] = {}

    def innermost(self, element: _Element) -> _Element | None:
        """Return the paragraph that is or contains an element, or ``None`` outside running text.

        Raises
        ------
        JatsTooLargeError
            It is nested in more than `MAX_PARAGRAPHS`, each of which repeats the text of the next.
        """
        paragraph, depth, _ = self._place(element)
        check_limit(depth, MAX_PARAGRAPHS, "paragraphs around a citation")
        return paragraph

    def _place(self, element: _Element) -> tuple[_Element | None, int, bool]:
        """Return the paragraph, its depth, and whether the element is outside running text."""
        place = self._found.get(element)
        if place is None:
            parent = element.getparent()
            paragraph, depth, outside = (None, 0, False) if parent is None else self._place(parent)
            if outside or _is_outside(element):
                place = None, 0, True
            elif element.tag == "p":
                place = element, depth + 1, False
            elif element.tag in _NO_PARAGRAPH:
                place = None, depth, False
            else:
                place = paragraph, depth, False
            self._found[element] = place
        return place


def _is_outside(element: _Element) -> bool:
    """Whether the content of an element is not running text: a caption, float or translation."""
    translated = element.tag == "sub-article" and element.get("article-type") == "translation"
    return translated or element.tag in _NO_CONTEXT
