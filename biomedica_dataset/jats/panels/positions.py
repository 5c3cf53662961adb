"""Finds panels that a caption names by their place: "Left: ...", "(top right)"."""

from __future__ import annotations

import re

from biomedica_dataset.jats.limits import MAX_CAPTION

from .letters import plain
from .marks import Mark

_NAMES = {
    "upper": "top",
    "top": "top",
    "lower": "bottom",
    "bottom": "bottom",
    **dict.fromkeys(("middle", "center", "centre", "central"), "middle"),
}
_PLACE = re.compile(
    rf"(?<![\w-])(?:({'|'.join(_NAMES)})(?:[ -](left|right))?|(left|right))(?: hand)?"
    r"(?: ?(rows?|columns?|panels?|images?|plots?|graphs?|side))?(?![\w-])",
    re.IGNORECASE,
)
_BEGUN = re.compile(r"(?:^|[.;:!?)] |[.;:!?)]|[,;] (?:and )?|\()(?:the )?$", re.IGNORECASE)
_LEADS = re.compile(r"\s?:(?=\s)|,(?=\s)|\)(?=\s?\w)")
_FEWEST = 2


def find_positions(text: str) -> list[Mark]:
    """Return the marks of panels that are named by their place; none for fewer than two.

    Examples
    --------
    >>> [mark.letters[0] for mark in find_positions("Growth. Left: rats. Upper right: mice.")]
    ['left', 'top right']
    """
    if len(text) > MAX_CAPTION:
        return []
    text = plain(text)
    groups: dict[str, list[Mark]] = {"colon": [], "paren": []}
    for found in _PLACE.finditer(text):
        start, end = found.span()
        opened = text[start - 1 : start] == "("
        if opened and text[end : end + 1] == ")":
            groups["paren"].append(Mark(start - 1, end + 1, (_name(found),), "paren"))
        elif _BEGUN.search(text, max(0, start - 8), start) and (after := _LEADS.match(text, end)):
            is_sentence = text[start].isupper() or after[0] != ","
            if is_sentence:
                groups["colon"].append(Mark(start, after.end(), (_name(found),), "colon"))
    for marks in groups.values():
        if len({mark.letters for mark in marks}) >= _FEWEST:
            return marks
    return []


def _name(found: re.Match[str]) -> str:
    """Return a place in words that do not depend on its author: ``top left``, ``bottom row``."""
    vertical, beside, alone, kind = (part.lower() if part else "" for part in found.groups())
    line = kind.rstrip("s") if kind.startswith(("row", "col")) else ""
    return " ".join(filter(None, (_NAMES.get(vertical), beside or alone, line)))
