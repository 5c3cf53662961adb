"""Superscripts and subscripts in plain text."""

from __future__ import annotations

import re

_TABLES = {
    "^": str.maketrans("0123456789+-−=()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾"),
    "_": str.maketrans("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎"),
}
_IN_UNICODE = re.compile(r"[0-9+\-−=()]+")


def script(text: str, mark: str) -> str:
    """Return text as a superscript (mark ``^``) or subscript (``_``).

    In Unicode if all its characters exist there, or else in braces. White space at the ends stays
    outside.

    Examples
    --------
    >>> script("6", "^"), script("max", "_"), script("2 ", "^")
    ('⁶', '_{max}', '² ')
    """
    inner = text.strip()
    if not inner:
        return " " if text else ""
    in_unicode = _IN_UNICODE.fullmatch(inner)
    written = inner.translate(_TABLES[mark]) if in_unicode else f"{mark}{{{inner}}}"
    return written if len(text) == 1 else outside(text, written)


def outside(text: str, inner: str) -> str:
    """Return ``inner`` with a space at each end where ``text`` has white space."""
    return f"{' ' * text[:1].isspace()}{inner}{' ' * text[-1:].isspace()}"
