"""Clean text of JATS elements.

Text is in reading order, with one space between blocks and none added around inline elements.
``<sup>`` and ``<sub>`` become Unicode if they hold only digits and + - = ( ), or else ``^{..}`` and
``_{..}``. A formula appears once, as TeX or as its own text. A run of numeric citations is in one
pair of brackets. Floats inside a paragraph are not part of its text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from lxml import etree

from .citations import OPEN, bracketed, marked
from .escapes import unescaped
from .formula import math_text, tex_text
from .scripts import outside, script
from .tree import MATHML, words

if TYPE_CHECKING:
    from lxml.etree import _Element

    Rule = Callable[[_Element, list[str]], None]

FLOATS = frozenset({
    "fig", "fig-group", "table-wrap", "table-wrap-group", "supplementary-material", "media",
    "boxed-text", "graphic", "chem-struct-wrap", "fn", "fn-group",
})  # fmt: skip
"""Elements whose text is not part of the text around them."""

CITATIONS = frozenset(("bibr", "ref"))
"""The ``@ref-type`` of a reference to the bibliography."""

_BLOCKS = (
    *("p", "title", "subtitle", "sec", "label", "caption", "attrib", "abstract", "kwd", "address"),
    *("list", "list-item", "def-list", "def-item", "def", "term", "disp-quote", "statement"),
    *("verse-group", "verse-line", "speech", "speaker", "preformat", "code", "array"),
    *("break", "hr", "tr", "td", "th", "ack", "app", "ref-list", "ref", "disp-formula-group"),
)
_SILENT = (
    *("alt-text", "long-desc", "index-term", "inline-graphic", "object-id", "permissions"),
    *("glyph-data", "glyph-ref", "annotation", "table-wrap-foot", "processing-meta"),
)
_MATH = frozenset((f"{MATHML}math", "math"))
_PIECE = 2**20  # characters
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff9-\ufffc\U000e0000-\U000e007f]"
)


def text_of(element: _Element | None, *, without: frozenset[str] = frozenset()) -> str | None:
    """Return the clean text of an element, or ``None`` if it is empty.

    Parameters
    ----------
    without
        Tags of children to leave out.

    Examples
    --------
    >>> text_of(etree.fromstring("<p>10<sup>6</sup> cells <xref ref-type='bibr'>3</xref>.</p>"))
    '10⁶ cells [3].'
    """
    if element is None:
        return None
    parts: list[str] = []
    _append(element, parts, without)
    return tidy("".join(parts))


def tidy(text: str) -> str | None:
    """Return text with citations bracketed, control characters removed and white space folded.

    Markup that the document escapes twice is undone.
    """
    if "&" in text or "</" in text:
        text = unescaped(text)
    # Check before each step, since checking is ten times faster than doing it.
    if "  " in text or "\n" in text or "\t" in text:
        text = _folded(text)
    if OPEN in text:
        text = bracketed(text)
    if not text.isprintable():  # white space other than a plain space is not printable
        text = _folded(text)
        if not text.isprintable():
            pieces = (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))
            text = _folded("".join(_UNWANTED.sub("", piece) for piece in pieces))
    return text.strip() or None


def _folded(text: str) -> str:
    if len(text) <= _PIECE:
        return " ".join(text.split())
    # A list of all words of a long text would take twenty times its memory.
    pieces = (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))
    folded = "".join(" ".join(f".{piece}.".split())[1:-1] for piece in pieces)
    return re.sub(" {2,}", " ", folded).strip()


def _append(element: _Element, parts: list[str], without: frozenset[str] = frozenset()) -> None:
    if text := element.text:
        parts.append(text)
    for child in element:
        rule = _RULES.get(child.tag)
        if child.tag in without:
            parts.append(" ")
        elif rule is not None:
            rule(child, parts)
        elif len(child):
            _append(child, parts)
        elif text := child.text:
            parts.append(text)
        if tail := child.tail:
            parts.append(tail)


def _block(element: _Element, parts: list[str]) -> None:
    parts.append(" ")
    _append(element, parts)
    parts.append(" ")


def _silent(_element: _Element, _parts: list[str]) -> None:
    pass


def _script(mark: str) -> Rule:
    def append(element: _Element, parts: list[str]) -> None:
        if len(element) == 0:
            parts.append(script(element.text or "", mark))
            return
        inner: list[str] = []
        _append(element, inner)
        text = "".join(inner)
        # Citations are bracketed, superscript or not.
        parts.append(outside(text, text.strip()) if OPEN in text else script(text, mark))

    return append


def _xref(element: _Element, parts: list[str]) -> None:
    citation = marked(words(element)) if element.get("ref-type") in CITATIONS else None
    if citation is None:
        _append(element, parts)
    else:
        parts.append(citation)


def _formula(element: _Element, parts: list[str]) -> None:
    """Append a formula without white space between its parts, and only one of two forms."""
    has_tex = any(child.tag == "tex-math" for child in element)
    if element.text and not element.text.isspace():
        parts.append(element.text)
    for child in element:
        if not (has_tex and child.tag in _MATH):
            _RULES.get(child.tag, _append)(child, parts)
        if child.tail and not child.tail.isspace():
            parts.append(child.tail)


def _display_formula(element: _Element, parts: list[str]) -> None:
    parts.append(" ")
    _formula(element, parts)
    parts.append(" ")


def _alternatives(element: _Element, parts: list[str]) -> None:
    """Append one of several alternatives: TeX, else MathML, else the first with text."""
    forms = sorted(element, key=lambda form: (form.tag != "tex-math", form.tag not in _MATH))
    for form in forms:
        inner: list[str] = []
        _RULES.get(form.tag, _append)(form, inner)
        if "".join(inner).strip():
            parts.extend(inner)
            return


_RULES: dict[object, Rule] = {
    **dict.fromkeys(FLOATS, lambda _element, parts: parts.append(" ")),
    **dict.fromkeys(_BLOCKS, _block),
    **dict.fromkeys(_SILENT, _silent),
    **dict.fromkeys(_MATH, lambda element, parts: parts.append(math_text(element))),
    "sup": _script("^"),
    "sub": _script("_"),
    "xref": _xref,
    "inline-formula": _formula,
    "disp-formula": _display_formula,
    "tex-math": lambda element, parts: parts.append(tex_text(element)),
    "alternatives": _alternatives,
    etree.Comment: _silent,
    etree.PI: _silent,
}
