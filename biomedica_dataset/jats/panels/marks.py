"""Finds the marks of panels in a caption: "(A)", "(b–d)", "C,", "Panel D", letters set in bold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from string import ascii_uppercase

from biomedica_dataset.jats.limits import MAX_CAPTION

from .letters import LETTERS, RANGE, SUFFIX, expanded, plain, without_others

# Where a list may begin, by what is before it in all of the styles: a pattern that starts with a
# set of characters is fast.
_BEGIN = re.compile(r"[\s\d(.;:!?)-][A-Za-z][ivx]{0,3}(?![A-Za-z])")
_LIST = re.compile(LETTERS)
_FIRST = re.compile(rf"[A-Za-z]{SUFFIX}")
_OTHERS = re.compile(r"(?<![A-Za-z])[B-Nb-n](?:[ivx]{1,3})?(?![A-Za-z])")
_BEGUN = r"(?:^|[.;:!?)] |\.-|[,;:] and | - |\bFig(?:ure)? ?\.? ?\d{1,2}(?:[.:]? |-))"
# What stands before a list with its first letter, and what behind it, in the order of belief.
_STYLES = tuple(
    (style, re.compile(rf"{before}$"), re.compile(after))
    for style, before, after in (
        (
            "paren",  # but not "benzo(a)pyrene"
            r"(?:\b[Pp]anels?\s)?\(\s?(?:[Pp]anels?\s|[Pp]arts?\s|[Ff]ig(?:ure)?\.?\s?(?=\d))?\d{0,2}\w",
            r"[.:,]?\s?\)(?!(?:(?<=[a-z]\(\w\))|(?<=[a-z]\(\w,\w\)))[a-z])",
        ),
        (
            "noted",
            r"\(\s?\d{0,2}\w",
            r"(?:\s?[,;]\s[^()]{0,80}|\s(?=[×A-Z])(?:(?!, [a-z] )[^()]){0,80})\)",
        ),
        (
            "numbered",
            r"(?:\b\d{1,2}\s?[A-Z]|(?:^|[.;]\s)[Ff]ig(?:ure)?\.?\s?\d{1,2}[a-z])",
            r"[.:,]?(?=\s|$)",
        ),
        ("ends", r"(?:[,:]|(?<=\D);) \w", r"(?=[);])"),
        ("named", r"\b(?:[Pp]anels?\s\w|(?:[Ii]mages?|[Pp]arts?)\s[A-Z])", ""),
        ("half", r"(?:^|[\s.;:!?)])\w", r"\)"),
        ("colon", r"(?:^|[\s(.;:!?)])[A-Za-z]", r"\s?:(?=\s|[A-Z])"),
        ("dash", rf"(?:{_BEGUN}|, )[A-Za-z]", r"\s?-\s(?=\w)|-(?=[A-Z][a-z])"),
        (
            "dot",
            rf"(?:{_BEGUN}\w|[.;:!?)][A-Z])",
            r"\.,?(?=\s[A-Z0-9(]|\s[a-z][A-Za-z]|[A-Z][a-z])",
        ),
        (
            "comma",
            rf"(?:(?:{_BEGUN}|[.;:!?)]| and |(?:^|\. )In )[A-Z]|{_BEGUN}[a-z])",
            r"[,;](?=\s)",
        ),
        ("commas", r"(?<=[a-z)]), [A-Z]", r"[,;](?=\s)"),
        ("inside", r" [a-z]", r"\.(?=\s[A-Z])"),
        ("lower", rf"(?:{_BEGUN}|[,(] |\(| and )[a-z]", r"(?=\s[\w(])"),
        ("bare", rf"(?:{_BEGUN}|[.;:!?)])[A-Z]", r"(?=\s[A-Z][A-Za-z]|\s\d)"),
    )
)
# The same letters after a title without a full stop: "Survival of mice A, wild type; B, mutants".
_AFTER_TITLE = {
    style: re.compile(rf"(?<=[\w)] )[Aa](?:{behind.pattern})")
    for style, _, behind in _STYLES
    if style in ("colon", "comma", "dash", "dot")
}
_ORDER = ("bold", *(style for style, _, _ in _STYLES))
_STRONG = frozenset(("bold", "paren", "half", "inside", "noted", "ends", "named"))
_BY_BRACKETS = {"ends": True, "half": False}  # whether these stand within brackets
# Words whose letters name no panels: "Group A: rats", but not "(A)" behind them.
_NAMED = re.compile(
    r"\b(?:(?:group|arm|genotype)s?:|(?:group|arm|cohort|case|patient|subject|pig|mouse|rat|site|zone|"
    r"station|region|lane|sample|specimen|(?:sub|geno|sero|haplo)?type|class|strain|allele|cluster|"
    r"clade|model|scenario|vitamin|hepatitis|chain|compound)(?:e?s,?)?) $",
    re.IGNORECASE,
)
_VALUE = re.compile(r"\s*[Pp]\s?[<>=≤≥]")  # "a: P < 0.05"
_BOLD = re.compile(rf"\W*({LETTERS})\W*")
_NUMBER = re.compile(r"\d{1,2}(?=\s?[A-Za-z])")
_ELSEWHERE = re.compile(r"\(?(?:[234]D\b|[Ff]ig)")
_FAR = 16  # characters before the letters that say what they are
_BETWEEN = re.compile(r"\s?(?:[,&-]|and\b|to\b)?\s?(?:and\s)?")
_MOST = 300  # marks of one style
_FEWEST = 2  # a single letter is more often an enumeration than a panel


@dataclass(frozen=True, slots=True)
class Mark:
    """A place that names panels.

    Parameters
    ----------
    letters
        In upper case, each perhaps with a number: ``A``, ``B1``.
    """

    start: int
    end: int
    letters: tuple[str, ...]
    style: str

    @property
    def panels(self) -> set[str]:
        """The letters without numbers."""
        return {letter[0] for letter in self.letters}


def letters_of(marks: Iterable[Mark]) -> tuple[str, ...]:
    """Return the letters of marks from A on, without a gap, at least two.

    Examples
    --------
    >>> letters_of(find_marks("Growth of (a) wild type and (b–d) mutants (p < 0.05)."))
    ('A', 'B', 'C', 'D')
    """
    count = _run(marks)
    return tuple(ascii_uppercase[:count]) if count >= _FEWEST else ()


def find_marks(text: str, bold: Sequence[tuple[int, int]] = ()) -> list[Mark]:
    """Return the marks of the panels of a caption, in order; none for fewer than two panels.

    Parameters
    ----------
    bold
        Where letters are set in bold.
    """
    text = without_others(plain(text))
    found = _candidates(text, bold) if len(text) <= MAX_CAPTION else {}
    choices = []
    for is_upper in (True, False):
        groups = {
            style: _joined(text, _of_one_figure(text, marks))
            for (style, case), marks in found.items()
            if case is is_upper
        }
        if not groups:
            continue
        marks = _agreeing(groups)
        run = set(ascii_uppercase[: _run(marks)])
        marks = _joined(text, [mark for mark in marks if mark.panels <= run])
        if marks and len(run) >= _FEWEST:
            choices.append(marks + _within(text, marks, groups.get("paren", ())))
    # Of letters in both cases, one numbers what is inside of a panel: the other begins before it.
    chosen = min(choices, key=lambda marks: (_is_doubtful(marks), marks[0].start), default=[])
    return sorted(chosen, key=lambda mark: mark.start)


def _of_one_figure(text: str, marks: Sequence[Mark]) -> list[Mark]:
    """Return the marks without "3D" and "(Fig. 2C)" beside "1A" and "(A)"."""
    found = (_NUMBER.search(text, mark.start, mark.end) for mark in marks)
    numbers = [number and number[0] for number in found]
    firsts = {n for n, mark in zip(numbers, marks, strict=True) if "A" in mark.panels}
    own = {None} if None in firsts else firsts or {*numbers}
    return [
        mark
        for mark, number in zip(marks, numbers, strict=True)
        if number in own or not _ELSEWHERE.match(text, mark.start)
    ]


def _within(text: str, marks: Sequence[Mark], others: Sequence[Mark]) -> list[Mark]:
    """Return marks that part a list of another style: "**c,d** Mass (c) and age (d)"."""
    found = []
    for mark in others:
        head = next((head for head in reversed(marks) if head.end <= mark.start), mark)
        if mark.panels < head.panels and ". " not in text[head.end : mark.start]:
            found.append(mark)
    return found


def _is_doubtful(marks: Sequence[Mark]) -> bool:
    """Whether two marks of two styles are all, "a rib (PIN 1, b: C, D)", or "chromosome 1A"."""
    styles = {mark.style for mark in marks}
    return styles == {"numbered"} or (len(marks) == _FEWEST == len(styles) and not styles & _STRONG)


def _candidates(text: str, bold: Sequence[tuple[int, int]]) -> dict[tuple[str, bool], list[Mark]]:
    """Return the places that may be marks by their style and whether they are in upper case."""
    found: dict[tuple[str, bool], list[Mark]] = {}
    if not bold and not _OTHERS.search(text):
        return found

    def is_inside(place: int) -> bool:
        return text.rfind("(", 0, place) > text.rfind(")", 0, place)

    def add(start: int, end: int, letters: str, style: str) -> None:
        marks = found.setdefault((style, letters[0].isupper()), [])
        if len(marks) < _MOST:
            marks.append(Mark(start, end, tuple(expanded(letters)), style))

    stop = 0
    for begin in _BEGIN.finditer(f" {text}"):
        place = begin.start()
        match = _LIST.match(text, place) if place >= stop else None
        if match is None:
            continue
        first = _FIRST.match(match[0]) if len(match[0]) > 1 else None
        for letters in (match[0], first[0]) if first else (match[0],):
            style, start, end = _style(text, place, place + len(letters), is_inside)
            if style:
                named = text[start] != "(" and _NAMED.search(text, max(0, start - _FAR), start)
                is_note = letters.islower() and text[start] != "(" and _VALUE.match(text, end)
                if not (named or is_note):
                    add(start, end, letters, style)
                stop = place + len(letters)
                break
    for start, end in bold:
        inner = _BOLD.fullmatch(text, start, end)
        if inner and not is_inside(start):
            add(start, end, inner[1], "bold")
    for (style, is_upper), marks in found.items():
        if style in _AFTER_TITLE and marks[0].letters[0] == "B":
            marks[:0] = _after_title(text[: marks[0].start], style, is_upper=is_upper)
    return found


def _after_title(text: str, style: str, *, is_upper: bool) -> list[Mark]:
    """Return the first letter, if one place before the second may name it."""
    places = [one for one in _AFTER_TITLE[style].finditer(text) if one[0][0].isupper() is is_upper]
    return [Mark(*one.span(), ("A",), style) for one in places] if len(places) == 1 else []


def _style(
    text: str, start: int, end: int, is_inside: Callable[[int], bool]
) -> tuple[str | None, int, int]:
    """Return how letters are marked by what stands around them, and where that begins and ends."""
    before = text[max(0, start - _FAR) : start + 1]
    for style, pattern, behind in _STYLES:  # what is behind is the cheaper to look at
        if (closing := behind.match(text, end)) and (opening := pattern.search(before)):
            if style in _BY_BRACKETS and is_inside(start) is not _BY_BRACKETS[style]:
                continue
            is_open = opening[0][0].isalnum() or opening[0][0] == "("
            return style, start - (len(opening[0]) - 1 if is_open else 0), closing.end()
    return None, start, end


def _agreeing(groups: dict[str, list[Mark]]) -> list[Mark]:
    """Return the marks of the style that names the most, and those of others that complete it."""
    styles = sorted(groups, key=lambda style: (-_run(groups[style]), _ORDER.index(style)))
    marks = list(groups[styles[0]])
    for style in styles[1:]:
        named = {letter for mark in marks for letter in mark.panels}
        last, is_short = max(named), _run(marks) < _FEWEST
        for mark in groups[style]:
            fills = min(mark.panels) < last or is_short
            goes_on = style in _STRONG and min(mark.panels) > last
            if not mark.panels <= named and (fills or goes_on) and not _overlaps(mark, marks):
                marks.append(mark)
    return sorted(marks, key=lambda mark: mark.start)


def _joined(text: str, marks: Sequence[Mark]) -> list[Mark]:
    """Return marks with those of neighbours in one: "(A), (B)", "(C)–(F)"."""
    joined: list[Mark] = []
    for mark in marks:
        before = joined[-1] if joined else None
        joint = _BETWEEN.fullmatch(text, before.end, mark.start) if before else None
        if before is None or joint is None or not _may_follow(before, joint[0], mark):
            joined.append(mark)
            continue
        letters = before.letters + mark.letters
        if RANGE.match(joint[0]):
            letters = (*before.letters[:-1], *expanded(f"{before.letters[-1]}-{mark.letters[0]}"))
        joined[-1] = replace(before, end=mark.end, letters=tuple(dict.fromkeys(letters)))
    return joined


def _may_follow(before: Mark, joint: str, mark: Mark) -> bool:
    """Whether a mark goes on with a list; without a joint, "B. M. luteus", only by one letter."""
    last, first = before.letters[-1], mark.letters[0]
    return last < first and (bool(joint.strip()) or ord(first[0]) <= ord(last[0]) + 1)


def _overlaps(mark: Mark, marks: Iterable[Mark]) -> bool:
    return any(mark.start < other.end and other.start < mark.end for other in marks)


def _run(marks: Iterable[Mark]) -> int:
    """Return how many letters from A on are named without a gap."""
    named = {letter[0] for mark in marks for letter in mark.letters}
    strong = {letter[0] for mark in marks if mark.style in _STRONG for letter in mark.letters}
    if {"B", "C"} <= strong:
        named.add("A")  # captions forget the first one
    elif {"A", "C", "D"} <= strong:
        named.add("B")
    return next((n for n, letter in enumerate(ascii_uppercase) if letter not in named), 26)
