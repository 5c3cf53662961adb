"""Numeric citations: one pair of brackets around each run of them.

An ``xref`` to the bibliography is first marked with two characters that XML forbids. How to write a
run of citations depends on the text around it: superscript or not, the document may have brackets
around each citation, around all, or none.
"""

from __future__ import annotations

import re

OPEN, CLOSE = "\x02", "\x03"
DASHES = "-‐‑‒–—−"  # first in a character class, so that it forms no range
# Digits that look like a year belong to an author-year citation.
_NUMBER = r"(?!(?:1[5-9]|20)\d\d)\d{1,4}[a-z]?"
_NUMERIC = re.compile(rf"{_NUMBER}(?:[{DASHES},; ]{_NUMBER})*", re.ASCII)
_START = re.compile(r"([\s\[(]*)\d")
_AROUND_SEPARATOR = re.compile(rf" ?([{DASHES},;]) ?")

# White space is already folded; the bound keeps the patterns linear.
_S = "[ \xa0\u2009\u202f]{0,2}"
_ITEM = rf"{OPEN}[^{CLOSE}]*{CLOSE}"
# A separator may be superscript too: a minus, or one of , ; – in braces.
_SEPARATOR = rf"{_S}\]?{_S}(?:[{DASHES},;⁻]|\^\{{[{DASHES},;]\}})?{_S}\[?{_S}"
_RUN = re.compile(rf"{_ITEM}(?:{_SEPARATOR}{_ITEM})*")
_AFTER = re.compile(rf"{_S}([\])])")
_TOKEN = re.compile(rf"{OPEN}([^{CLOSE}]*){CLOSE}|[{DASHES}⁻]")
_COMMAS, _HYPHENS = re.compile("[,; ]"), re.compile(f"[{DASHES}]")


def marked(text: str) -> str | None:
    r"""Return a numeric citation between `OPEN` and `CLOSE`, or ``None`` for other text.

    Examples
    --------
    >>> marked("[12]"), marked("9 11"), marked("Smith 2010"), marked("2010")
    ('\x0212\x03', '\x029 11\x03', None, None)
    """
    if len(text) <= 3 and text.isascii() and text.isdecimal():  # the common case
        return f"{OPEN}{text}{CLOSE}"
    start = _START.match(text)
    if start is None:
        return None
    inner = text.strip("[]() \t\n\r\xa0")
    inner = _AROUND_SEPARATOR.sub(r"\1", " ".join(inner.split()))
    if not _NUMERIC.fullmatch(inner):
        return None
    before, after = start[1], text[len(text.rstrip("]) \t\n\r\xa0")) :]
    if before.strip() and after.strip():  # its own brackets
        before, after = " " * before[0].isspace(), " " * after[-1].isspace()
    return f"{before}{OPEN}{inner}{CLOSE}{after}"


def bracketed(text: str) -> str:
    r"""Return text with one pair of brackets around each run of marked citations.

    Examples
    --------
    >>> bracketed("shown before [\x021\x03,\x024\x03-\x026\x03]")
    'shown before [1, 4–6]'
    >>> bracketed("(\x021\x03; Fig. 2) and [\x021\x03, p. 5]")
    '([1]; Fig. 2) and [1, p. 5]'
    """
    parts: list[str] = []
    position = 0
    for run in _RUN.finditer(text):
        numbers, between = _numbers(run[0])
        before, end = _unwrapped(text, position, run, between)
        after = _AFTER.match(text, end)
        # "[3, p. 5]" and "[see 3]": the brackets enclose more than the run.
        enclosed = before.rstrip().endswith("[") or (after is not None and after[1] == "]")
        parts += (before, numbers if enclosed else f"[{numbers}]")
        position = end
    return "".join(parts) + text[position:]


def _unwrapped(text: str, start: int, run: re.Match[str], between: str) -> tuple[str, int]:
    """Return the text before a run and the position after it, without brackets around the run.

    These are pairs, or a bracket whose other half is between the items: "[1] 2".
    """
    before, end = text[start : run.start()], run.end()
    if "]" in between and before.rstrip().endswith("["):
        before = before.rstrip()[:-1]
    after = _AFTER.match(text, end)
    if "[" in between and after and after[1] == "]":
        end = after.end()
    stop = len(before)
    while after := _AFTER.match(text, end):
        behind = stop
        while behind and before[behind - 1].isspace():
            behind -= 1
        if before[behind - 1 : behind] + after[1] not in ("[]", "()"):
            break
        stop, end = behind - 1, after.end()
    return before[:stop], end


def _numbers(run: str) -> tuple[str, str]:
    """Return the numbers of a run with commas and dashes, and the text between its items."""
    numbers = ""
    for token in _TOKEN.finditer(run):
        if token[1] is None:
            numbers += "–"
        else:
            number = _COMMAS.sub(", ", _HYPHENS.sub("–", token[1]))
            numbers += number if not numbers or numbers.endswith("–") else f", {number}"
    return numbers, _TOKEN.sub("", run)
