"""Makes the row of an article as a document: its blocks, with the figures of its licence group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .licenses import License, license_group, stricter_group
from .schema import DocumentRow, column_names

if TYPE_CHECKING:
    from .jats.records import Article, Block

STRICTER = "license_stricter"
"""Why a figure or table is not in the document: its licence group is not that of the article."""


@dataclass(frozen=True, slots=True)
class Document:
    """The row of a document.

    Parameters
    ----------
    figures, tables
        Kept figures of the article, and its tables, by outcome: ``kept``, or why the document does
        not have them.
    """

    group: str
    row: DocumentRow
    figures: Counter[str] = field(default_factory=Counter)
    tables: Counter[str] = field(default_factory=Counter)


def make_document(
    columns: Mapping[str, Any], article: Article, keys: Mapping[int | None, str], licensed: License
) -> Document:
    """Return an article as a document.

    Parameters
    ----------
    columns
        The columns of the article.
    keys
        The keys of its pairs by the number of their figure.
    licensed
        The licence of the article.
    """
    group, blocks, last = license_group(licensed.code), [], None
    figures: Counter[str] = Counter()
    tables: Counter[str] = Counter()
    for block in article.blocks or ():
        key = keys.get(block.figure)
        outcome = "kept" if stricter_group(licensed, block.own_license) == group else STRICTER
        figures[outcome] += key is not None
        if block.html or block.dropped:
            tables[outcome if block.html else block.dropped or ""] += 1
        if block.figure is None:
            blocks.append(_columns(block))
        elif outcome == "kept" and (key or block.html):
            rights = {"license": (block.own_license or licensed).name, "credit": block.credit}
            own = {"key": key, "is_cited": block.is_cited, "html": block.html, **rights}
            # The graphics of one figure share its caption.
            text = None if block.text == last else block.text
            blocks.append({**_columns(block), **own, "text": text})
            last = block.text
    shared = {name: columns[name] for name in column_names(DocumentRow) if name in columns}
    row = DocumentRow(**shared, text_license_group=group, blocks=blocks)
    return Document(group, row, +figures, +tables)


def _columns(block: Block) -> dict[str, Any]:
    empty = dict.fromkeys(("html", "key", "is_cited", "license", "credit"))
    return {"kind": block.kind, "level": block.level, "text": block.text, **empty}
