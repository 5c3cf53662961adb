"""Letters of panels in any script, and lists of them: "A, C–E"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from string import ascii_uppercase
from unicodedata import normalize

# Brackets and dashes of other scripts, one for one, so that places in the text stay.
_PLAIN = {
    **dict.fromkeys("（【［〔〈《「『❨⦅﹙", "("),
    **dict.fromkeys("）】］〕〉》」』❩⦆﹚", ")"),
    **dict.fromkeys("–—−‐‑‒~～〜∼", "-"),
    **dict.fromkeys("\xa0\u2009\u202f", " "),
    **dict(zip("，、：．。；", ",,:..;", strict=True)),
}
_ODD = re.compile(f"[{''.join(_PLAIN)}Ａ-Ｚａ-ｚⒶ-Ⓩⓐ-ⓩ₀-₉]")
_JOINT = r"\s?(?:[-,/&+]|(?:and|to|through|or|und|y|et|e)\b)\s?(?:(?:and|&|to)\s)?"
SUFFIX = r"(?:\d(?!\d)|[ivx]{1,3}|['′″’]{1,2})?(?![A-Za-z\d])"
UPPER, LOWER = (
    rf"{letter}{SUFFIX}(?:{_JOINT}{letter}{SUFFIX}){{0,12}}" for letter in ("[A-Z]", "[a-z]")
)
LETTERS = rf"(?:{UPPER}|{LOWER})"
"""The pattern of a list of letters in one case."""

_STEP = re.compile(rf"([A-Za-z]{SUFFIX})({_JOINT})?")
RANGE = re.compile(r"\s?(?:-|to\b|through\b)")
# Letters of other things than panels, until the end where they are a list.
_OTHER = re.compile(
    rf"\b(?:[Ll]etters?|[Ss]uperscripts?) \(?{LOWER}(?! ?[<=>])|"
    rf"\b{LOWER} ?(?:[Mm]eans|[Vv]alues) with (?=(?:[\w-]+ ){{0,4}}(?:letter|superscript))"
)
# From there to "(A)", and only where that is not before it.
_KEY = re.compile(
    r"((?:(?!\([Aa]\)).)*?)\b"
    r"(?:[Aa]bbreviations?: (?!A\.)|(?:[Rr]eagents|[Ss]ymmetry codes?)\b[^.:]{0,20}: \(?)"
    r"[A-Za-z](?![A-Za-z\d])(?:(?!\([Aa]\)).)*",
    re.DOTALL,
)
# One is in each match.
_OTHER_HINTS = ("etter", "uperscript", "bbreviation", "eagents", "codes")
_SQUARE = re.compile(  # but not "ln [A] against [B]"
    r"(?:^|[.;:(] ?)\[A\d?(?:\s?[-,&]\s?[A-Z]\d?)*\]|\[(?:a|[Aa]-[A-Za-z])\]"
)
_LONE = re.compile(r"\[[A-Z]\]")


def plain(text: str) -> str:
    """Return text of the same length with the brackets, letters and dashes of ASCII.

    >>> plain("（Ａ–Ｃ）")
    '(A-C)'
    """
    if text.isascii():
        return text
    return _ODD.sub(lambda odd: _PLAIN.get(odd[0]) or normalize("NFKC", odd[0]), text)


def without_others(text: str) -> str:
    """Return plain text with blanks for letters that name no panels, and round brackets for "[A]".

    >>> without_others("Letters (a, b) differ. [A] Fin.")
    '             ) differ. (A) Fin.'
    """
    if "[" in text and (_SQUARE.search(text) or {"[A]", "[C]"} <= {*_LONE.findall(text.upper())}):
        text = text.replace("[", "(").replace("]", ")")
    if any(hint in text for hint in _OTHER_HINTS):
        text = _OTHER.sub(lambda other: " " * len(other[0]), text)
        if key := _KEY.match(text):
            text = key[1].ljust(key.end()) + text[key.end() :]
    return text


def expanded(letters: str) -> Iterator[str]:
    """Yield the letters of ``A, C-E`` in upper case, ranges filled.

    Examples
    --------
    >>> list(expanded("a, c-e"))
    ['A', 'C', 'D', 'E']
    """
    if len(letters) == 1:
        yield letters.upper()
        return
    start: str | None = None
    for letter, joint in _STEP.findall(letters):
        upper = letter[0].upper() + letter[1:].lower()
        if start and len(upper) == 1:
            first = ascii_uppercase.index(start[0])
            yield from ascii_uppercase[first + 1 : ascii_uppercase.index(upper)]
        yield upper
        start = upper if RANGE.match(joint) else None
