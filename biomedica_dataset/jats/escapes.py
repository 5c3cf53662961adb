"""Undoes markup that was escaped twice: ``&amp;lt;`` and ``&lt;italic&gt;`` in a document."""

from __future__ import annotations

import re
from html.entities import html5

from .scripts import script

_REFERENCE = re.compile(r"&(?:amp;)*(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_INLINE = (
    "italic|bold|i|b|em|strong|u|underline|sc|small|monospace|tt|strike|overline|roman|sans-serif|"
    "sup|sub|p|span|font|a|xref|ext-link|uri|styled-content|named-content|inline-formula|title"
)
_PAIR = re.compile(rf"<({_INLINE})(?:\s[^<>]{{0,300}})?>([^<>]{{0,2000}})</\1\s?>", re.IGNORECASE)
_EMPTY = re.compile(r"<(?:br|hr|break)\s?/?>", re.IGNORECASE)
_DEEPEST = 4  # marks inside marks
_BLOCKS = frozenset(("p", "title"))


def unescaped(text: str) -> str:
    """Return text with the references and the pairs of inline tags in it resolved.

    Examples
    --------
    >>> unescaped("P &lt; 0.05, &#x3b1; and <italic>x</italic><sup>2</sup>")
    'P < 0.05, α and x²'
    >>> unescaped("a < b > c & d; <sup>")
    'a < b > c & d; <sup>'
    """
    if "&" in text:
        text = _REFERENCE.sub(_character, text)
    if "</" in text:
        for _ in range(_DEEPEST):
            text, count = _PAIR.subn(_content, text)
            if not count:
                break
    return _EMPTY.sub(" ", text) if "<" in text else text


def _character(found: re.Match[str]) -> str:
    name = found[1]
    if not name.startswith("#"):
        return html5.get(f"{name};", found[0])
    number = int(name[2:], 16) if name[1] in "xX" else int(name[1:])
    character = chr(number) if number <= 0x10FFFF else " "
    return character if character.isprintable() else " "


def _content(found: re.Match[str]) -> str:
    tag = found[1].lower()
    if tag in ("sup", "sub"):
        return script(found[2], "^" if tag == "sup" else "_")
    return f" {found[2]} " if tag in _BLOCKS else found[2]
