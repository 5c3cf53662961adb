"""Which paragraphs cite which figures.

A citation is an ``xref`` of any type whose ``rid`` (one or several ids) names a figure, its graphic or its group. A
range ("Figs 1–3") reaches the figures between its ends, whether it stands inside one ``xref`` or between two. Only an
article without a single such ``xref`` is searched for labels in plain text.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from lxml import etree

from .text import FLOATS, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lxml.etree import _Element

    from .figures import Found

_DASH = r"[-‐‑‒–—−]"
_LABEL = re.compile(rf"\W*([^\W\d_]+)\.?\s*([A-Za-z]{{0,2}})\.?\s*(\d+)(?:\s*{_DASH}\s*(\d+))?\W*")
_INSIDE = re.compile(rf"(\d+)\s*[A-Za-z]?\s*(?:{_DASH}|to|through)\s*[A-Za-z]{{0,2}}(\d+)")
_BETWEEN = re.compile(rf"\W*(?:[A-Za-z](?:\W+[A-Za-z])*\b)?\W*?(?:{_DASH}|\bto\b|\bthrough\b)\s*\Z")
_PLAIN = re.compile(
    rf"\b(fig|figs|figure|figures|scheme|schemes)\b\.?\s*(S?)(\d+)(?:\s*[A-Za-z]?\s*{_DASH}\s*S?(\d+))?",
    re.IGNORECASE,
)
_LONGEST_RANGE = 50  # figures; more is a misread number
_NO_PARAGRAPH = FLOATS | {"caption"}

# References to the bibliography are most of all xrefs and none of them is to a figure.
_XREFS = etree.XPath("descendant::xref[not(@ref-type='bibr' or @ref-type='ref')]")

Series = tuple[str, str]
"""What a label numbers: its word, shortened (``fig``), and the letters before the number (``S``)."""


def find_contexts(article: _Element, figures: Sequence[Found]) -> list[tuple[str, ...]]:
    """Return for each figure the clean text of the paragraphs that cite it, in document order."""
    by_id: dict[str, list[int]] = defaultdict(list)
    for position, figure in enumerate(figures):
        if figure.dropped != "translation":
            for name in dict.fromkeys(figure.ids):
                by_id[name].append(position)
    citing = _Citing(figures, by_id)
    xrefs = [xref for xref in _XREFS(article) if citing.targets(xref)]
    for xref in xrefs:
        citing.add(xref)
    if not xrefs and figures:
        citing.add_plain(article)
    return citing.contexts()


class _Citing:
    """Collects paragraphs per figure."""

    def __init__(self, figures: Sequence[Found], by_id: dict[str, list[int]]) -> None:
        self._by_id = by_id
        self._numbers = [_numbers(figure.label) for figure in figures]
        self._by_number: dict[tuple[Series, int], list[int]] = defaultdict(list)
        for position, (series, numbers) in enumerate(self._numbers):
            if figures[position].dropped != "translation":
                for number in numbers:
                    self._by_number[series, number].append(position)
        self._paragraphs: dict[_Element, dict[int, None]] = {}
        self._count = len(figures)

    def targets(self, xref: _Element) -> list[int]:
        """Return the positions of the figures that the ids of an ``xref`` name."""
        rid = xref.get("rid")
        if not rid:
            return []
        found = self._by_id.get(rid)
        if found is not None:
            return found
        return [p for name in rid.split() for p in self._by_id.get(name, ())] if " " in rid else []

    def add(self, xref: _Element) -> None:
        paragraph = _paragraph(xref)
        if paragraph is None:
            return
        cited = self._paragraphs.setdefault(paragraph, {})
        targets = self.targets(xref)
        cited.update(dict.fromkeys([*targets, *self._inside(xref, targets), *self._after(xref)]))

    def add_plain(self, article: _Element) -> None:
        """Search the paragraphs of the body for labels, where the document links none."""
        for paragraph in article.iterfind("body//p"):
            if _is_context(paragraph):
                text = text_of(paragraph) or ""
                for word, letters, first, last in _PLAIN.findall(text):
                    series = (_short(word), letters.upper())
                    for position in self._range(series, int(first), int(last or first)):
                        self._paragraphs.setdefault(paragraph, {})[position] = None

    def contexts(self) -> list[tuple[str, ...]]:
        found: list[dict[str, None]] = [{} for _ in range(self._count)]
        for paragraph, positions in self._paragraphs.items():
            text = text_of(paragraph) if positions else None
            if text:
                for position in positions:
                    found[position][text] = None
        return [tuple(texts) for texts in found]

    def _inside(self, xref: _Element, targets: list[int]) -> Iterator[int]:
        text = "".join(xref.itertext())
        for first, last in _INSIDE.findall(text):
            for series in {self._numbers[target][0] for target in targets}:
                yield from self._range(series, int(first), int(last))

    def _after(self, xref: _Element) -> Iterator[int]:
        """Yield the figures between this ``xref`` and the next one, where a dash joins them."""
        following = xref.getnext()
        if following is None or following.tag != "xref" or not _BETWEEN.match(xref.tail or ""):
            return
        for start in self.targets(xref):
            for end in self.targets(following):
                (series, first), (other, last) = self._numbers[start], self._numbers[end]
                if series == other and first and last:
                    yield from self._range(series, min(first), max(last))

    def _range(self, series: Series, first: int, last: int) -> Iterator[int]:
        if first <= last <= first + _LONGEST_RANGE:
            for number in range(first, last + 1):
                yield from self._by_number.get((series, number), ())


def _numbers(label: str | None) -> tuple[Series, range]:
    """Return the series and the numbers of a label; ``Figures 1–5`` has five.

    >>> _numbers("Figs. S1–S3")[0], _numbers("Figure 2")
    (('fig', 'S'), (('fig', ''), range(2, 3)))
    """
    found = _LABEL.fullmatch((label or "").replace("–S", "–").replace("-S", "-"))
    if found is None:
        return ("", ""), range(0)
    word, letters, first, last = found.groups()
    return (_short(word), letters.upper()), range(int(first), int(last or first) + 1)


def _short(word: str) -> str:
    return word.lower()[:3]


def _paragraph(xref: _Element) -> _Element | None:
    for element in xref.iterancestors():
        if element.tag == "p":
            return element if _is_context(element) else None
        if element.tag in _NO_PARAGRAPH:
            return None
    return None


def _is_context(paragraph: _Element) -> bool:
    """Whether a paragraph is running text: not in a caption, a table or another float; a box is text of its own."""
    for element in paragraph.iterancestors():
        tag = element.tag
        if tag in _NO_PARAGRAPH and tag not in (
            "boxed-text",
            "sub-article",
            "response",
            "fn",
            "fn-group",
        ):
            return False
    return True
