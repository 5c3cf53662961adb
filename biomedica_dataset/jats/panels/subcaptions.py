"""Splits a caption into its lead, the part of every panel, and what closes it for all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING

from .sentences import sentences

if TYPE_CHECKING:
    from .marks import Mark

    _Row = tuple[int, int, list[Mark]]

Span = tuple[int, int]
"""Where a piece of text begins and ends in its caption."""

_FOLLOWS = re.compile(r"\s*(?:[,.;)]|$|(?:and|or|to|with)\b|\((?![A-Za-z]\)))")
_SHOWS = re.compile(r"\s(?:shows?|reveals?|demonstrates?|depicts?|illustrates?|is|are|was|were)\b")
_LEADING = frozenset(
    (
        "bold",
        "colon",
        "inside",
        "dot",
        "comma",
        "commas",
        "bare",
        "lower",
        "numbered",
        "half",
        "number",
    )
)
_TRAILING = frozenset(("noted", "ends"))
_JOINT = re.compile(r".*(?:;|,\s(?:and\s|but\s|while\s)?|\s(?:and|but|while|whereas)\s)", re.DOTALL)
_REFERS = re.compile(r"\b(?:as|in|see|than|from|of|to|with|panels?|and)\s?\(?$")
_AND = re.compile(r"[\s,;]*(?:(?:and|or)\s)?")
_WORD, _LAST_AND = re.compile(r"[^\s,;()]+"), re.compile(r"\b(?:and|or|&)[\s,;]*$")
_PARTED = re.compile(r"[;.]\s")
_FEW = 3  # words of a panel that may share the end of its sentence
# What begins a sentence behind the last panel that is not about that panel alone.
_OF_ALL = (
    "abbreviations? adapted.(?:and.\\w+.)?(?:from|with|by) all anova asterisks? black blue "
    "box(?:es)? colou?rs? columns? dashed data different.letters dotted each experiments? "
    "for.(?:abbreviations|all|details) gr[ae]y green h&e ha?ematoxylin horizontal "
    "immuno\\w+.with in.(?:all|both|each) lines? means? n note ns numbers? one-way "
    "(?:original.)?magnifications? p photo\\w*.by please red representative results? rows? same "
    "scale see shad(?:ed|ing) significan\\w+ similar.results solid source.data statistic\\w* "
    "student thick thin (?:three|two).experiments two-way values? vertical whiskers white yellow "
    "(?:\\w+.){0,2}(?:arrow(?:head)?|bar)s? (?:written.|informed.)+consent"
)
_CLOSING = re.compile(
    rf"[(*]?(?:the )?(?:{_OF_ALL.replace(' ', '|')})\b|[*†‡#§±]|"
    r"[\w/+-]{1,10} ?(?:[<>≤≥]|: ?[a-z]|[,=] ?(?-i:[a-z]))|"
    r"(?-i:[A-Z][A-Z\d+-]{0,9}) (?:denotes?|indicates?|represents?|stands?)\b|"
    r"[\w/+-]{1,10}, [^.;]{1,80}\b(?:represent|indicat|abbreviat|denot|stand)|"
    r"[^.;]{3,40} (?:is|are) (?:indicated|marked|labell?ed|denoted)\b"
    r"(?! by an? (?!(?:\S+ )?(?:arrow|asterisk|star|line|bar|box|circle|letter)))|"
    r"[^.(;]{2,40}, n ?= ?\d[^.(;]{0,40}; [^.(;]{2,40}, n ?=|"
    r"(?-i:([A-Z])([A-Z]))[\w-]* \1\w+[ -](?:\w+ )?\2(?![^.;]* w(?:as|ere) )|"  # "WT wild type"
    r"(?-i:[A-Z]{1,4}(?: [a-z-]+){1,3}, [A-Z]{1,4} [a-z])",  # "G glenoid, H humeral head"
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class PanelText:
    """Which pieces of a caption speak of which panel.

    Parameters
    ----------
    lead, closing
        Of all panels.
    parts
        Of each panel, by its letter.
    """

    lead: tuple[Span, ...]
    parts: tuple[tuple[str, tuple[Span, ...]], ...]
    closing: tuple[Span, ...]

    def of(self, caption: str) -> dict[str, str]:
        """Return the text of every panel: lead, part and closing."""
        texts = {}
        for name, spans in self.parts:
            text, last = "", 0
            for start, end in sorted({*self.lead, *spans, *self.closing}):
                text += caption[start:end] if start == last else f" {caption[start:end]}"
                last = end
            texts[name] = " ".join(text.split())
        return {name: text for name, text in texts.items() if text}


@dataclass
class _Splitter:
    """Collects the pieces of a caption, sentence by sentence."""

    text: str
    lead: list[Span] = field(default_factory=list)
    closing: list[Span] = field(default_factory=list)
    parts: dict[str, list[Span]] = field(default_factory=dict)
    last: tuple[str, ...] = ()

    def add(self, letters: Iterable[str], start: int, end: int) -> None:
        for letter in letters:
            names = (letter[0], letter) if letter[0].isupper() else (letter,)
            for name in dict.fromkeys(names):
                self.parts.setdefault(name, []).append((start, end))

    def is_blank(self, start: int, end: int) -> bool:
        return not self.text[start:end].strip(" ,.;:()")

    def leads(self, mark: Mark, start: int) -> bool:
        """Whether a mark stands before what it marks."""
        if mark.style in _LEADING or mark.style in _TRAILING:
            return mark.style in _LEADING
        return self.is_blank(start, mark.start) or not _FOLLOWS.match(self.text, mark.end)

    def sentence(self, start: int, end: int, marks: list[Mark], *, leading: bool) -> None:
        """Add the pieces of a sentence with marks."""
        first = marks[0]
        letters = [letter for mark in marks for letter in mark.letters]
        leads = self.is_blank(start, first.start) or (leading and self.leads(first, start))
        if leads and not self.is_blank(start, first.start):
            before = self.text[start : first.start].rstrip()
            alone = len(marks) == 1 and _SHOWS.match(self.text, first.end)
            if not self.parts and not alone:
                self.lead.append((start, first.start))
            elif before.endswith((";", ")", ".")) and self.last:
                self.add(self.last, start, first.start)
            else:
                self.add(letters, start, first.start)
            start = first.start
        self.last = tuple(letters) if len(marks) > 1 else first.letters
        inner = list(takewhile(lambda mark: {*mark.letters} < {*first.letters}, marks[1:]))
        if len(marks) == 1:
            self.add(letters, start, end)
        elif leads and inner and (len(inner) == len(marks) - 1 or not self.leads(inner[0], start)):
            following = marks[1 + len(inner) :]
            stop = following[0].start if following else end
            self.trailing(start, stop, inner)
            if following:
                self.sentence(stop, end, following, leading=leading)
        elif leads:
            self.leading(end, marks)
        else:
            self.trailing(start, end, marks)

    def leading(self, end: int, marks: list[Mark]) -> None:
        """Add what follows each mark, and to short ones what the last one has more."""
        ends = [*(mark.start for mark in marks[1:]), end]
        words = [self.words(mark.end, stop) for mark, stop in zip(marks, ends, strict=True)]
        most = max(len(piece) for piece in words[:-1])
        parted = any(
            _PARTED.search(self.text, mark.end, stop)
            for mark, stop in zip(marks, ends[:-1], strict=False)
        )
        shared = words[-1][most:] if most <= _FEW and not parted else []
        for mark, stop in zip(marks, ends, strict=True):
            self.add(mark.letters, mark.start, stop)
            if shared and mark is not marks[-1]:
                self.add(mark.letters, shared[0], end)

    def words(self, start: int, end: int) -> list[int]:
        """Return where the words of a piece begin, without a last "and"."""
        piece = self.text[start:end]
        found = [start + word.start() for word in _WORD.finditer(piece)]
        return found[:-1] if _LAST_AND.search(piece) else found

    def trailing(self, start: int, end: int, marks: list[Mark]) -> None:
        """Add what stands before each mark, and to short ones what the first one has more."""
        cuts = [start]
        for mark, following in pairwise(marks):
            joint = _JOINT.match(self.text, mark.end, following.start)
            is_end = joint is None or _FOLLOWS.match(self.text, mark.end)
            cuts.append(mark.end if joint is None or is_end else joint.end())
        has_tail = not self.is_blank(marks[-1].end, end)
        cuts.append(marks[-1].end if has_tail else end)
        first = self.words(start, marks[0].start)
        for number, mark in enumerate(marks):
            begin = cuts[number]
            if number:
                found = _AND.match(self.text, begin)
                begin = found.end() if found else begin
                more = len(first) - len(self.words(begin, mark.start))
                if 0 < more < len(first):
                    self.add(mark.letters, start, first[more])
            self.add(mark.letters, begin, cuts[number + 1])
        if has_tail:
            self.add([letter for mark in marks for letter in mark.letters], marks[-1].end, end)


def split_caption(text: str, marks: Sequence[Mark]) -> PanelText | None:
    """Return which pieces of a caption speak of which panel; ``None`` without marks.

    Examples
    --------
    >>> from .marks import find_marks
    >>> caption = "Growth. (A) Wild type. (B) Mutant. Scale bars, 5 µm."
    >>> split_caption(caption, find_marks(caption)).of(caption)["B"]
    'Growth. (B) Mutant. Scale bars, 5 µm.'
    """
    if not marks:
        return None
    found = _Splitter(text)
    rows = _rows(text, marks)
    leading = _is_leading(found, rows)
    last_new = max(_firsts(marks).values())
    pending: list[Span] = []
    for start, end, inside in rows:
        here = _without_references(inside, found, start, leading=leading)
        if here:
            found.sentence(start, end, here, leading=leading)
            for span in pending:
                found.add([letter for mark in here for letter in mark.letters], *span)
            pending = []
        elif not found.parts:
            found.lead.append((start, end))
        elif not leading:
            pending.append((start, end))
        elif start > last_new and (
            found.closing or {*found.last} >= {*found.parts} or _CLOSING.match(text, start)
        ):
            found.closing.append((start, end))
        else:
            found.add(found.last, start, end)
    found.closing += pending
    if "B" in found.parts and "A" not in found.parts:
        found.parts["A"] = []
    parts = tuple((name, tuple(spans)) for name, spans in sorted(found.parts.items()))
    return PanelText(tuple(found.lead), parts, tuple(found.closing))


def _firsts(marks: Sequence[Mark]) -> dict[str, int]:
    """Return where each letter is named first."""
    firsts: dict[str, int] = {}
    for mark in marks:
        for letter in mark.letters:
            firsts.setdefault(letter, mark.start)
    return firsts


def _rows(text: str, marks: Sequence[Mark]) -> list[_Row]:
    """Return the sentences with their marks; a mark that is a sentence goes with the next one."""
    rows: list[_Row] = []
    for start, end in sentences(text):
        inside = [mark for mark in marks if start <= mark.start < end]
        last = rows[-1] if rows else None
        if (
            last
            and last[2]
            and (last[2][-1].end >= start or (not inside and _is_alone(text, last)))
        ):
            rows[-1] = (last[0], end, [*last[2], *inside])
        else:
            rows.append((start, end, inside))
    return rows


def _is_alone(text: str, row: _Row) -> bool:
    start, end, marks = row
    rest = [text[start : marks[0].start], text[marks[0].end : end]] if len(marks) == 1 else ["x"]
    return not "".join(rest).strip(" .:")


def _is_leading(found: _Splitter, rows: list[_Row]) -> bool:
    """Whether marks mostly stand before what they mark."""
    seen: set[str] = set()
    votes = 0
    for start, _, inside in rows:
        for mark in inside:
            if not seen.issuperset(mark.letters):
                votes += 1 if found.leads(mark, start) else -1
            seen.update(mark.letters)
    return votes >= 0


def _without_references(
    inside: list[Mark], found: _Splitter, start: int, *, leading: bool
) -> list[Mark]:
    """Leave out marks that only refer to another panel."""
    if not leading or not inside or inside[0].style == "number":
        return inside
    if found.parts.keys() >= {letter for mark in inside for letter in mark.letters} and not (
        found.is_blank(start, inside[0].start)
    ):
        return [m for m in inside if not _REFERS.search(found.text[max(0, m.start - 8) : m.start])]
    kept: list[Mark] = []
    for mark in inside:
        seen = {*found.parts, *(letter for other in kept for letter in other.letters)}
        is_inner = bool(kept) and {*mark.letters} < {*kept[0].letters}
        before = found.text[: mark.start].rstrip()
        begins = before.endswith((";", ",")) and not _FOLLOWS.match(found.text, mark.end)
        if not kept or is_inner or begins or not seen.issuperset(mark.letters):
            kept.append(mark)
    return kept
