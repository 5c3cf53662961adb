"""Labels of figures in plain text: "Figs. 1A–C and 2", "Supplementary Fig. 3", "S4 Fig"."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from .letters import expanded, plain

Series = tuple[str, str]
"""A series of labels: the shortened word (``fig``) and the letters before the number (``S``)."""

MOST_IN_A_RANGE = 50
"""Figures; a longer range is a misread number."""

# Words that make a series of their own, and the letter that stands for them in labels.
_QUALIFIERS = {
    "S": r"(?-i:E?SI)|supp\w*\.?|supporting|suplement\w*|zusatz\w*|ergänz\w*|complement\w*",
    "D": r"additional|adicional\w*|zusätzlich\w*",
    "E": r"(?-i:ED)|extended(?:\sdata)?",
    "A": r"appendi\w*|annexe?|anexo|ap[eé]ndice|ap[eê]ndice|anhang",
    "O": r"online|web|internet",
}
_ANY = "|".join(_QUALIFIERS.values())
_BEFORE = re.compile(
    rf"(?<!\w)({_ANY})(?:\s(?:appendix|data|files?|information|materials?|online|resources?))?"
    r"(?:\s[A-Z]?\d{0,2})?\s?[:,.-]?\s?$",
    re.IGNORECASE,
)
_AFTER = re.compile(  # "in the Supplement", "of the Online Appendix", "(supplementary)"
    r"\s(?:\(|(?:in|of|from|de|del|da|do|du|dans|nel|en|em|im|des)\s"
    r"(?:the\s|our\s|la\s|le\s|el\s|o\s|l['’])?)"
    r"(supplement(?:s|ary|al)?\b|suppl\.|supporting(?=\sinf)|suplement\w*|supplément\w*|"
    r"online(?=\s(?:supp|appe))|web(?=\s?appe)|extended(?=\sdata)|appendi(?:x|ces)\b|annexe?|anexo|"
    r"ap[eéê]ndice|anhang)",
    re.IGNORECASE,
)
_LABEL_BEFORE = re.compile(rf"\W*(?:{_ANY})?\W*(?:data|information|materials?)?\W*", re.IGNORECASE)
_HOURS = r"(?-i:\s\d+\s[a-zµ]|\s\d\d+[hd]\b)"  # in "Fig. 2 or 24 h"
_JOINT = (
    rf"\s?(?:[,;/&-]|(?:and|or(?!{_HOURS})|to|through|e|y|und|et|bis|a|à)\b|vs\.?|versus\b)\s?"
    r"(?:(?:and|&)\s)?"
)
_NUMERAL = r"(?:(?-i:[ivx]{1,3})|['′″’]{1,2})?"
_AND = r"\s?(?:[,/&-]|(?:and|to|through)\b)\s?(?:and\s)?"
_LETTERS = (
    rf"[A-Za-z](?:\d|{_NUMERAL})(?![A-Za-z\d])"
    rf"(?:(?:\){_AND}\(|{_AND})[A-Za-z]{_NUMERAL}(?![A-Za-z\d]|\.\s(?-i:[a-z])))*"
)
_SIDE = r"(?:,?\s(?:left|right|top|bottom|middle|upper|lower|inset)(?:\spanels?)?\b)?"
# "1A", "1(a)"; "1, panel A"; "1, A and B", "1 a, b", but not "1, A control was", "1 A. thaliana".
_PANELS = (
    rf"(?:\(?|-(?![A-Za-z]\d)|[,;:]?\s?\(?panels?\s|[,;:]?\s\(?(?![A-Za-z]\d)"
    rf"(?=(?>{_LETTERS})(?:\s?[),;:\]]|\.(?:\s(?-i:[A-Z])|$)|$|\s(?:and|&)\s\d)))"
)
_ITEM = rf"(?:(?-i:[A-Z]{{1,2}}|s)\.?\s?)?\d{{1,4}}(?!\d|\s?%)(?:{_PANELS}{_LETTERS}\)?{_SIDE})?"
_WORD = re.compile(r"[^\W\d_]+")
_LABEL = re.compile(
    r"([^\W\d_]{3,14}|[^\x00-\x7f\W\d_]{1,2})\.?\s?"
    rf"(?:({_ANY})\s)?({_ITEM}(?:{_JOINT}{_ITEM})*)",
    re.IGNORECASE,
)
_PANELS_BEFORE = re.compile(rf"\b(?:panel|part)s?\s\(?({_LETTERS})\)?\s(?:of|in)\s$", re.IGNORECASE)
_NUMBER_BEFORE = re.compile(r"\b([SAE]\d{1,3}[A-Z]?)\s$")  # "S1 Fig"
_PART = re.compile(
    rf"((?-i:[A-Z]{{1,2}}|s)?)\.?\s?(\d{{1,4}})(?:{_PANELS}({_LETTERS})\)?{_SIDE})?({_JOINT})?",
    re.IGNORECASE,
)
# Of "Ai-v" and "Ai and ii", all but the letter.
_PARTS = re.compile(rf"(?<=[A-Za-z])[ivx]{{1,3}}(?:{_AND}[ivx]{{1,3}})*(?![A-Za-z])")
_RANGE = re.compile(r"\s?(?:-|(?:to|through|bis|a|à)\b)", re.IGNORECASE)
# A figure of somebody else: "of Doe et al.", "in [12]", "of ref. 3", "Doe et al. (2010), Figure 1".
_PERSON = (
    r"[A-ZÀ-Þ][\w’'-]+(?:\s(?:and|&|et|y|e|und|van|von|de|der)\s?[A-ZÀ-Þ]?[\w’'-]*){0,3}"
    r"(?:\s(?:et\sal|und\sMitarb|[ey]\scol)|['’]s?\s|,?\s?[\[(]?(?:1[89]|20)\d\d|\s?[\[^])"
)
_OF = r"(?:of|in|from|by|de|del|da|do|du|von|aus|bei|nach|dans|di|en|em|no|na)"
_FOREIGN_AFTER = re.compile(
    rf"\)?,?\s{_OF}\s(?:the\s)?(?:[Rr]ef(?:s?\.|s?\b|erence)|\(?\[|\(?{_PERSON})"
    r"|\s?-\s?figure supplement"
)
_FOREIGN_BEFORE = re.compile(
    r"(?:\[[\d, -]+\]?,|\[[\d, -]+\]:|\bal\.?,?(?:\s?[\[(]?\d{1,4}[a-z]?[\])]?)?[,:]"
    r"|[A-ZÀ-Þ][\w’'-]{2,},?\s[\[(]?(?:1[89]|20)\d\d[a-z]?[\])]?[,:]|\b[Tt]heir|['’]s)"
    r"\s(?:see\s|in\s|cf\.\s)?$"
)
_NEAR = 60  # characters around a label that say whose it is


@dataclass(frozen=True, slots=True)
class Mention:
    """Labels in a text.

    Parameters
    ----------
    numbers
        First and last number, and the panel letters, of each.
    """

    start: int
    end: int
    series: Series
    numbers: tuple[tuple[int, int, tuple[str, ...]], ...]


def find_mentions(text: str, words: Collection[str]) -> Iterator[Mention]:
    """Yield the labels in a text, without those of other works.

    Parameters
    ----------
    words
        How the words of the labels begin.

    Examples
    --------
    >>> [found.numbers for found in find_mentions("as Figs 1A, C–D and 3–5 show", ["fig"])]
    [((1, 1, ('A', 'C', 'D')), (3, 5, ()))]
    >>> text = "Supplementary Fig. 1; Figure 2 of Doe et al."
    >>> [found.series for found in find_mentions(text, ["fig"])]
    [('fig', 'S')]
    """
    text = plain(text)
    lower = text.lower()
    if len(lower) != len(text):  # of some letters, the small one is two
        lower = text
    for word in words:
        place = lower.find(word)
        while place >= 0:
            if place == 0 or not text[place - 1].isalpha():
                yield from _mentions_at(text, place)
            place = lower.find(word, place + len(word))


def _mentions_at(text: str, start: int) -> Iterator[Mention]:
    """Yield the mentions whose word begins at a place; one for each series."""
    before = text[max(0, start - _NEAR) : start]
    found = _LABEL.match(text, start)
    number = _NUMBER_BEFORE.search(before)
    if found is None and number is None:
        return
    word = _WORD.match(text, start)
    end = found.end() if found else start + len(word[0] if word else "")
    if _FOREIGN_AFTER.match(text, end) or _FOREIGN_BEFORE.search(before):
        return
    qualifier = found[2] if found else None
    if qualifier is None and (above := _BEFORE.search(before)):
        qualifier = above[1]
    if qualifier is None and (below := _AFTER.match(text, end)):
        qualifier = below[1]
    named = _letter(qualifier)
    by_prefix: dict[str, list[tuple[int, int, tuple[str, ...]]]] = {}
    items = found[3] if found else number[1] if number else ""
    ahead = _PANELS_BEFORE.search(before)
    for prefix, first, final, panels in _numbers(items):
        listed = panels or _panels(ahead[1] if ahead and not by_prefix else "")
        by_prefix.setdefault(prefix, []).append((first, final, listed))
    for prefix, numbers in by_prefix.items():
        series = (
            shortened(text[start : start + 3]),
            (prefix if prefix.startswith(named) else named + prefix),
        )
        begin = start if found or not number else start - len(number[0])
        yield Mention(begin, end, series, tuple(numbers))


def _numbers(items: str) -> Iterator[tuple[str, int, int, tuple[str, ...]]]:
    """Yield the letters before each number, the range that it ends, and its panels."""
    first = prefix = opened = ""
    for letters, number, listed, joint in _PART.findall(items):
        prefix = letters.upper() or (prefix if first else "")
        begins = bool(joint) and _RANGE.match(joint) is not None
        if first == number and opened and listed:  # "1A-1C"
            yield prefix, int(number), int(number), _panels(f"{opened[-1]}-{listed}")
        elif first:
            yield prefix, int(first), int(number), ()
        if listed or not (first or begins):
            yield prefix, int(number), int(number), _panels(listed)
        first, opened = (number, _PARTS.sub("", listed)) if begins else ("", "")


def _panels(listed: str) -> tuple[str, ...]:
    """Return letters of panels, without numbers of their parts."""
    letters = expanded(_PARTS.sub("", listed.replace("(", "").replace(")", "")))
    return tuple(dict.fromkeys(letter[0] for letter in letters))


def series_of(labels: Sequence[str]) -> tuple[Series, range]:
    """Return the series and the numbers of the first label that has numbers.

    >>> series_of(["Figs. S1–S3"]), series_of(["(a)", "Supplementary Figure 2"])
    ((('fig', 'S'), range(1, 4)), (('fig', 'S'), range(2, 3)))
    """
    found = (_series(label) for label in labels if len(label) <= _NEAR)
    return next(filter(None, found), (("", ""), range(0)))


@lru_cache(1000)  # "Figure 1" is that of most articles
def _series(label: str) -> tuple[Series, range] | None:
    label = plain(label)
    words = (word.start() for word in _WORD.finditer(label))
    mention = next((found for word in words for found in _mentions_at(label, word)), None)
    if mention is None or mention.numbers[-1][2]:
        return None
    before = label[: mention.start].strip()
    if before and not _LABEL_BEFORE.fullmatch(before):
        return None
    if label[mention.end :].strip(" .:|)]-–—"):
        return None
    numbers = range(mention.numbers[0][0], mention.numbers[-1][1] + 1)
    return mention.series, numbers[: MOST_IN_A_RANGE + 1]


def _letter(qualifier: str | None) -> str:
    for letter, words in _QUALIFIERS.items():
        if qualifier and re.fullmatch(words, qualifier, re.IGNORECASE):
            return letter
    return ""


def shortened(word: str) -> str:
    """Return what the word of a label is compared by: ``fig`` of "Figures"."""
    return word.lower()[:3]
