"""Pieces of Markdown, in which no text of a stranger takes effect."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def escape(text: str) -> str:
    """Return text from an article as it may stand in a table: no markup of any kind takes effect.

    Examples
    --------
    >>> escape("a | <b> [x](y)")
    'a &#124; &#60;b&#62; &#91;x&#93;(y)'
    """
    text = "".join(f"&#{ord(c)};" if c in _ACTIVE else c for c in text if _is_shown(c))
    return _BARE_ADDRESS.sub("&#46;", text)


_BARE_ADDRESS = re.compile(r"(?<=www)\.", re.IGNORECASE)  # linked without any mark around it
_ACTIVE = "&<>|`*_[]\\#!~$:@\"'\r\n"


def _is_shown(character: str) -> bool:
    """Whether a character is no control character and turns no direction of writing."""
    return character.isprintable() or character in "\r\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])


def section(title: str, text: str) -> str:
    """Return a section with its heading."""
    return f"## {title}\n\n{text}\n"


def folded(title: str, text: str) -> str:
    """Return text that is shown when its title is clicked on."""
    return f"<details>\n<summary>{title}</summary>\n\n{text}\n\n</details>"


def size(count: float) -> str:
    """Return bytes in words.

    Examples
    --------
    >>> size(153_000)
    '153.0 kB'
    """
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
