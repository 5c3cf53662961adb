"""An article as blocks in reading order: its body, with figures and tables where they are cited."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from .records import Block
from .tables import table_html

if TYPE_CHECKING:
    from lxml.etree import _Element

    from .body import BodyPart
    from .figures.find import Found

_KINDS = {
    "title": "heading",
    "list": "list",
    "def-list": "list",
    "disp-formula": "formula",
    "disp-formula-group": "formula",
}


def read_blocks(
    parts: Sequence[BodyPart], found: Sequence[Found], citing: Sequence[Iterable[_Element]]
) -> tuple[Block, ...]:
    """Return the blocks of an article.

    A figure or table follows the paragraph of the body that cites it first; one that is cited
    nowhere in the body follows what stands before it, or is at the end.

    Parameters
    ----------
    parts
        The parts of the body.
    found
        The figures of the article and, after them, tables without a graphic.
    citing
        The paragraphs that cite each of them, in document order.
    """
    running: list[Block] = []
    places: dict[_Element, int] = {}
    for part in parts:
        if part.text:
            kind = _KINDS.get(str(part.element.tag), "text")
            level = part.level if kind == "heading" else None
            running.append(Block(kind=kind, text=part.text, level=level))
        places[part.element] = len(running)
    floating: dict[int, list[Block]] = defaultdict(list)
    read: set[_Element] = set()
    for number, (one, paragraphs) in enumerate(zip(found, citing, strict=True)):
        cited = (_place(paragraph, places) for paragraph in paragraphs)
        place = next((p for p in cited if p is not None), None)
        if place is None:
            place = _place(one.element, places)
        if place is None:
            is_in_front = next(one.element.iterancestors("front"), None) is not None
            place = 0 if is_in_front else len(running)
        block = _figure(one, number, is_cited=any(True for _ in paragraphs))
        if one.element.tag == "table-wrap" and one.element not in read:  # once for all its graphics
            html, reason = table_html(one.element)
            kind = "figure" if html is None else "table"
            block = replace(block, kind=kind, html=html, dropped=reason)
            read.add(one.element)
        floating[place].append(block)
    blocks = list(floating[0])
    for number, block in enumerate(running, 1):
        blocks.append(block)
        blocks += sorted(floating[number], key=lambda one: not one.is_cited)
    return tuple(blocks)


def _place(element: _Element, places: dict[_Element, int]) -> int | None:
    """Return after how many blocks an element stands; ``None`` outside of the body."""
    if element in places:
        return places[element]
    return next((places[e] for e in element.iterancestors() if e in places), None)


def _figure(one: Found, number: int, *, is_cited: bool) -> Block:
    """Return the block of a figure, without the rows of a table."""
    figure = one.figure
    texts = (figure.label and f"{figure.label}.", figure.caption)
    return Block(
        kind="figure",
        text=" ".join(filter(None, texts)) or None,
        figure=number,
        is_cited=is_cited,
        own_license=figure.own_license,
        credit=figure.credit,
    )
