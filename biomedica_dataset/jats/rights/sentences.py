"""Phrases within their sentences."""

from __future__ import annotations

import re
from functools import cached_property

# A pattern that begins with a set of characters is fast, so that it looks back from behind them.
_STOP = re.compile(
    r"[.;!?](?:(?<!\b[A-Z].)(?<!\bal.)(?<!\bDr.)(?<!\bFig.)(?<!\bRef.)(?<!\bRefs.)(?<!\bProf.)"
    r"(?<!\bsp.)(?<!\bvs.)(?=\s|$)|(?<=\bal\.)(?=\s+[A-Z]|$))"
)
_CLOSED = re.compile(r"(?:[;,] [a-z ]{3,20})?\)\s?(?:[.;]|$)")
_REACH = 400  # characters before a phrase to search for the start of its sentence
_BEFORE, _AFTER = 120, 200  # characters around a phrase that are kept


class Phrase:
    """A match of a pattern, and the sentence around it."""

    def __init__(self, match: re.Match[str]) -> None:
        self.match = match
        self.words = match[0]

    @cached_property
    def before(self) -> str:
        """What stands before it in its sentence."""
        first = max(self.match.start() - _REACH, 0)
        for stop in _STOP.finditer(self.match.string, first, self.match.start()):
            first = stop.end()
        return self.match.string[first : self.match.start()].lstrip()

    @cached_property
    def after(self) -> str:
        """What follows it in its sentence, or within its parentheses."""
        rest = self.match.string[self.match.end() : self.match.end() + _AFTER]
        stop = _STOP.search(rest)
        closed = re.match(r"(?:[^()]|\([^()]*\))*", rest[: stop.start() if stop else None])
        return closed[0] if closed else ""

    @property
    def is_last(self) -> bool:
        """Whether its sentence ends with the parentheses around it."""
        end = self.match.end() + len(self.after)
        return _CLOSED.match(self.match.string, end) is not None

    @property
    def span(self) -> tuple[int, int]:
        """Start and end of the sentence, shortened by whole words if necessary."""
        text, start, end = self.match.string, self.match.start(), self.match.end()
        kept = self.before[-_BEFORE:]
        if len(kept) < len(self.before):
            kept = kept.partition(" ")[2]
        stop = _STOP.search(text, max(end - 1, start), end + _AFTER)
        if stop is None and end + _AFTER < len(text):
            return start - len(kept), max(text.rfind(" ", end, end + _AFTER), end)
        return start - len(kept), stop.end() if stop else len(text)
