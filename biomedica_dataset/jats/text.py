"""Clean text of JATS elements.

Reading order, one space between blocks, none added around inline marks. ``<sup>`` and ``<sub>`` become Unicode where
they hold only digits and + - = ( ), else ``^{..}`` and ``_{..}``; a formula stands once, as TeX or as its own text; a
run of numeric citations stands in one pair of brackets; floats inside a paragraph are no part of its text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lxml import etree

from .formula import formula_text
from .scripts import script

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element

FLOATS = frozenset(
    "fig fig-group table-wrap table-wrap-group supplementary-material boxed-text media graphic "
    "chem-struct-wrap fn fn-group sub-article response floats-group".split()
)
"""Elements with a text of their own, which is not part of the text around them."""

_BLOCKS = (
    "p title sec list list-item def-list def-item def term disp-quote verse-group verse-line speech "
    "speaker statement disp-formula disp-formula-group break hr tr td th caption preformat code "
    "label kwd ack app ref-list ref subtitle attrib array abstract address"
).split()
_SILENT = (
    "alt-text long-desc index-term inline-graphic object-id permissions glyph-data glyph-ref annotation "
    "table-wrap-foot processing-meta"
).split()

# A citation is held between these two while the text around it is not known yet. XML forbids both characters.
_OPEN, _CLOSE = "\x02", "\x03"
_DASHES = "-‐‑‒–—−"
# Three or four digits that read as a year belong to an author-year citation.
_NUMBER = r"(?!(?:1[5-9]|20)\d\d)\d{1,4}[a-z]?"
_NUMERIC = re.compile(rf"{_NUMBER}(?:[{_DASHES},;]+{_NUMBER})*")
_ITEM = rf"{_OPEN}[^{_CLOSE}]*{_CLOSE}"
_RUN = re.compile(rf"{_ITEM}(?:\s*\]?\s*(?:[,;{_DASHES}&]|and\b|to\b)?\s*\[?\s*{_ITEM})*")
_AFTER_RUN = re.compile(r"\s*([\])])")
_TOKEN = re.compile(rf"{_OPEN}([^{_CLOSE}]*){_CLOSE}|([{_DASHES}]|\bto\b)")
_CITATIONS = ("bibr", "ref")
_COMMAS, _HYPHENS = re.compile("[,;]+"), re.compile(f"[{_DASHES}]+")
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)


def text_of(element: _Element | None) -> str | None:
    """Return the clean text of an element, or ``None`` where it has none.

    Examples
    --------
    >>> text_of(etree.fromstring("<p>10<sup>6</sup> cells <xref ref-type='bibr'>3</xref>.</p>"))
    '10⁶ cells [3].'
    """
    if element is None:
        return None
    parts: list[str] = []
    _append(element, parts)
    return tidy("".join(parts))


def tidy(text: str) -> str | None:
    """Return text with citation runs bracketed, odd characters removed and white space folded."""
    if _OPEN in text:
        text = _bracketed(text)
    text = " ".join(text.split())
    if not text.isprintable():
        text = " ".join(_UNWANTED.sub("", text).split())
    return text or None


def _append(element: _Element, parts: list[str]) -> None:
    if element.text:
        parts.append(element.text)
    for child in element:
        _HANDLERS.get(child.tag, _append)(child, parts)
        if child.tail:
            parts.append(child.tail)


def _block(element: _Element, parts: list[str]) -> None:
    parts.append(" ")
    _append(element, parts)
    parts.append(" ")


def _float(_element: _Element, parts: list[str]) -> None:
    parts.append(" ")


def _silent(_element: _Element, _parts: list[str]) -> None:
    pass


def _entity(element: _Element, parts: list[str]) -> None:
    parts.append(element.text or "")


def _script(mark: str) -> Callable[[_Element, list[str]], None]:
    def append(element: _Element, parts: list[str]) -> None:
        inner: list[str] = []
        _append(element, inner)
        text = "".join(inner)
        parts.append(text.strip() if _OPEN in text else script(text, mark))

    return append


def _xref(element: _Element, parts: list[str]) -> None:
    if element.get("ref-type") not in _CITATIONS:
        _append(element, parts)
        return
    text = "".join("".join(element.itertext()).split()).strip("[]()")
    if _NUMERIC.fullmatch(text):
        parts.append(f"{_OPEN}{text}{_CLOSE}")
    else:
        _append(element, parts)


def _bracketed(text: str) -> str:
    """Return text with one pair of brackets around each run of citations, whatever stood around it.

    >>> tidy("shown before [\x021\x03,\x024\x03-\x026\x03]")
    'shown before [1, 4–6]'
    >>> tidy("(\x021\x03; Fig. 2) and [\x021\x03, p. 5]")
    '([1]; Fig. 2) and [1, p. 5]'
    """
    parts: list[str] = []
    position = 0
    for run in _RUN.finditer(text):
        before = text[position : run.start()]
        position = run.end()
        left = before.rstrip()[-1:]
        after = _AFTER_RUN.match(text, position)
        right = after[1] if after else ""
        opening, closing = "[", "]"
        if after and left + right in ("[]", "()"):
            before = before.rstrip()[:-1]
            position = after.end()
        elif left == "[" or right == "]":  # "[3, p. 5]" and "[see 3]": the other one is further off
            opening = closing = ""
        parts += (before, opening, _numbers(run[0]), closing)
    return "".join(parts) + text[position:]


def _numbers(run: str) -> str:
    inner = ""
    for number, dash in _TOKEN.findall(run):
        if dash:
            inner += "–"
        elif number:
            text = _COMMAS.sub(", ", _HYPHENS.sub("–", number))
            inner += text if not inner or inner.endswith("–") else f", {text}"
    return inner


def _formula(element: _Element, parts: list[str]) -> None:
    parts.append(formula_text(element))


def _display_formula(element: _Element, parts: list[str]) -> None:
    parts.append(f" {formula_text(element)} ")


def _alternatives(element: _Element, parts: list[str]) -> None:
    text = formula_text(element)
    if text:
        parts.append(text)
    else:
        for child in element[:1]:
            _HANDLERS.get(child.tag, _append)(child, parts)


MATHML = "{http://www.w3.org/1998/Math/MathML}math"

_HANDLERS: dict[object, Callable[[_Element, list[str]], None]] = {
    **dict.fromkeys(FLOATS, _float),
    **dict.fromkeys(_BLOCKS, _block),
    **dict.fromkeys(_SILENT, _silent),
    "sup": _script("^"),
    "sub": _script("_"),
    "xref": _xref,
    "inline-formula": _formula,
    "tex-math": _formula,
    MATHML: _formula,
    "disp-formula": _display_formula,
    "alternatives": _alternatives,
    etree.Comment: _silent,
    etree.PI: _silent,
    etree.Entity: _entity,
}
