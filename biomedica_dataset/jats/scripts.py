"""Superscripts and subscripts in plain text."""

from __future__ import annotations

import re

_TABLES = {
    "^": str.maketrans("0123456789+-−=()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾"),
    "_": str.maketrans("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎"),
}
_IN_UNICODE = re.compile(r"[0-9+\-−=()]+")


def script(text: str, mark: str) -> str:
    """Return text as a superscript (mark ``^``) or subscript (``_``), in Unicode where all of it exists there.

    Examples
    --------
    >>> script("6", "^"), script("max", "_")
    ('⁶', '_{max}')
    """
    text = text.strip()
    if _IN_UNICODE.fullmatch(text):
        return text.translate(_TABLES[mark])
    return f"{mark}{{{text}}}" if text else ""
