"""Tables as HTML: rows, cells with spans, header cells, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

from .limits import MAX_CELLS, MAX_SPAN
from .text import text_of
from .tree import number

if TYPE_CHECKING:
    from lxml.etree import _Element

NO_ROWS, TOO_LARGE = "no_rows", "table_too_large"
"""Why a table has no HTML: its markup is of another kind, or it has more cells than `MAX_CELLS`."""

_PARTS = ("thead", "tbody", "tfoot")


def table_html(owner: _Element) -> tuple[str | None, str | None]:
    """Return the tables of a ``table-wrap`` as HTML, or ``None`` and the reason.

    Cells have their clean text, escaped; a table inside a cell is part of its text.

    Examples
    --------
    >>> from lxml import etree
    >>> row = "<tr><td colspan='2' style='x'><bold>a</bold> &lt; b</td></tr>"
    >>> table_html(etree.fromstring(f"<table-wrap><table>{row}</table></table-wrap>"))
    ('<table><tr><td colspan="2">a &lt; b</td></tr></table>', None)
    """
    tables = [*owner.iterchildren("table")]
    tables += [
        table for one in owner.iterchildren("alternatives") for table in one if table.tag == "table"
    ]
    count = 0
    for table in tables:
        for _cell in table.iter("td", "th"):
            count += 1
            if count > MAX_CELLS:
                return None, TOO_LARGE
    html = "".join(map(_table, tables))
    return (html, None) if html else (None, NO_ROWS)


def _table(table: _Element) -> str:
    rows = "".join(_row(row, is_head=is_head) for row, is_head in _rows(table))
    return f"<table>{rows}</table>" if rows else ""


def _rows(table: _Element) -> Iterator[tuple[_Element, bool]]:
    for part in table:
        if part.tag == "tr":
            yield part, False
        elif part.tag in _PARTS:
            yield from ((row, part.tag == "thead") for row in part.iterchildren("tr"))


def _row(row: _Element, *, is_head: bool) -> str:
    cells = "".join(
        _cell(cell, "th" if is_head else str(cell.tag)) for cell in row.iterchildren("td", "th")
    )
    return f"<tr>{cells}</tr>" if cells else ""


def _cell(cell: _Element, tag: str) -> str:
    spans = "".join(
        f' {name}="{span}"'
        for name in ("colspan", "rowspan")
        if 1 < (span := number((cell.get(name) or "").strip()) or 0) <= MAX_SPAN
    )
    return f"<{tag}{spans}>{escape(text_of(cell) or '', quote=False)}</{tag}>"
