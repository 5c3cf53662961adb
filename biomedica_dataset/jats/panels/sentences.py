"""Cuts clean text into sentences."""

from __future__ import annotations

import re

_END = re.compile(r"(?:[.!?]+[\"'”’)\]]{0,2}(?=\s|[(（][A-Za-z]|[A-Z][a-z.):]|$)|[。！？])\s*")
# Never the end of a sentence, and only before what begins none.
_SHORT = r"al|approx|bp|ca|cf|dr|e\.g|eqs?|figs?|i\.e|refs?|resp|suppl|vs|prof|mrs?|viz|subsp"
_SHORT_INSIDE = r"ed|etc|inc|incl|max|min|nov|nos?|ssp|spp?|st|var|vol|v|ex|h|d|s|g|m"
_NO_END = re.compile(rf"(?:\b(?:{_SHORT})|(?:^|[\s(.–-])[A-Za-z])\.$", re.IGNORECASE)
_NO_END_INSIDE = re.compile(rf"\b(?:{_SHORT_INSIDE})\.$", re.IGNORECASE)
_GENUS = re.compile(r"\b[A-Z][a-z]\. (?=[a-z])")  # "An. gambiae"
# But "Panel A. Cells ..." does end, and "Mean of A. All bars ...".
_AT = r"(?:[Oo]f|[Ii]n|[Ff]rom|[Tt]o|[Aa]s)"
_PANEL = re.compile(
    rf"\b(?:(?P<sure>(?:[Pp]anels?|[A-Z],? and|\d[A-Za-z],) [A-Za-z]|{_AT} [a-z])|{_AT} [A-Z])\.$"
)
_BEGINS = re.compile(  # and is no name, as in "from A. Roe"
    r"\*|(?:[A-Z]{2,}|Abbreviations?|All|Arrow\w*|Asterisks?|Bars?|Colou?rs?|Data|Each|Error|For|In|Insets?|It|"
    r"Means?|Note|Panels?|Results|Same|Scale|See|Significan\w+|Similar\w*|Th(?:e|is|ese|ree)|Values)\b"
)
_CAPITAL = re.compile(r"[A-Z*]")
_GOES_ON = re.compile(r"[a-zà-ÿ\d,;=<>≤≥(]")
_LONGEST = 12  # characters of an abbreviation


def sentences(text: str) -> list[tuple[int, int]]:
    """Return where the sentences of a text begin and end, without the spaces between them.

    Examples
    --------
    >>> text = "Cells of E. coli (Fig. 2). Scale bar, 5 µm."
    >>> [text[start:end] for start, end in sentences(text)]
    ['Cells of E. coli (Fig. 2).', 'Scale bar, 5 µm.']
    """
    found: list[tuple[int, int]] = []
    start = 0
    for end in _END.finditer(text):
        stop = end.start() + len(end[0].rstrip())
        before = text[max(start, stop - _LONGEST) : stop]
        if end.end() < len(text) and (
            (_NO_END.search(before) and not _ends_with_panel(before, text, end.end()))
            or _GENUS.match(text, stop - 3)
            or (_NO_END_INSIDE.search(before) and _GOES_ON.match(text, end.end()))
        ):
            continue
        found.append((start, stop))
        start = end.end()
    if start < len(text):
        found.append((start, len(text)))
    return found


def _ends_with_panel(before: str, text: str, place: int) -> bool:
    panel = _PANEL.search(before)
    begins = _CAPITAL if panel and panel["sure"] else _BEGINS
    return panel is not None and begins.match(text, place) is not None
