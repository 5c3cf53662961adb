"""Chooses, among all that reads as a letter, the marks of the panels that a caption names.

Marks have one size and one case, stand in reading order, and line up in rows and columns. A beam
search keeps the best partial choices for each size and case.
"""

from __future__ import annotations

import math
from collections import defaultdict
from string import ascii_uppercase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .letters import Letter

    Spots = Mapping[str, Letter]

_BEAM, _OF_A_LETTER = 24, 12
# Scores beside that of a letter itself, which is 1 if it was surely read.
_MISSING = -0.35
_LINED_UP = 0.3
_ON_ANOTHER = -5.0
_BACKWARDS, _BEFORE_THE_FIRST = -0.8, -0.5
_OTHER_CASE = -0.35
_OTHER_SIZE = -0.8  # times the logarithm of the ratio
_SIZES = 0.42  # largest logarithm
_SLACK = 0.25  # of the size of a line, which is an estimate
_GLYPH = 0.1  # preference of a component to the line around it
_NEAR = 0.6  # heights between letters that line up
_ABOVE = 0.8  # heights
# Marks of which no caption or too early a look tells: all of one size, surely read, lined up.
_SURE, _SURE_SIZES, _SURE_LINES = 0.8, 1.15, 1.6
_FEWEST = 2


def choose_spots(letters: Iterable[Letter], named: Sequence[str]) -> dict[str, Letter]:
    """Return the mark of each named panel; those that were not found are left out.

    Parameters
    ----------
    named
        Letters of the caption, ascending, in upper case.
    """
    candidates = _candidates(letters, set(named))
    sizes = sorted({round(one.height) for some in candidates.values() for one in some} - {0})
    choices = (
        _choice(candidates, named, size, is_lower=is_lower)
        for size in sizes
        for is_lower in (False, True)
    )
    best = max(choices, key=lambda choice: choice[0], default=(0.0, ()))
    return {one.letter: one for one in best[1]}


def are_sure(spots: Spots) -> bool:
    """Whether two marks or more are so regular that nothing else would look like that."""
    marks = list(spots.values())
    cases = {one.is_lower for one in marks} - {None}
    if len(marks) < _FEWEST or len(cases) > 1 or any(one.score < _SURE for one in marks):
        return False
    heights = [one.capital(is_lower=True in cases) for one in marks]
    ratio = _SURE_SIZES if all(one.is_glyph for one in marks) else _SURE_LINES
    return max(heights) <= ratio * min(heights) and all(
        _is_lined_up(one, marks, _NEAR * max(heights)) for one in marks
    )


def lengthened(letters: Sequence[Letter], named: Sequence[str]) -> dict[str, Letter]:
    """Return sure marks of the letters from A on, of more than are named; empty if there are none.

    Parameters
    ----------
    named
        Letters of the caption, from A on without a gap; or none.
    """
    found: dict[str, Letter] = {}
    for count in range(max(_FEWEST, len(named) + 1), len(ascii_uppercase) + 1):
        spots = choose_spots(letters, ascii_uppercase[:count])
        if len(spots) < count:
            break
        if are_sure(spots):
            found = spots
        elif found.items() < spots.items() and _is_like(spots[ascii_uppercase[count - 1]], found):
            return {}  # they go on, but not surely
    return found


def _is_like(one: Letter, marks: Spots) -> bool:
    """Whether a letter was surely read and has the size of marks, give or take its case."""
    like = (1 / _SURE_LINES < mark.height / one.height < _SURE_LINES for mark in marks.values())
    return bool(marks) and one.score >= _SURE and all(like)


def _is_lined_up(one: Letter, others: Iterable[Letter], near: float) -> bool:
    x, y = one.box.x0, one.box.y0 + one.box.y1
    return any(
        abs(other.box.x0 - x) < near or abs(other.box.y0 + other.box.y1 - y) < 2 * near
        for other in others
        if other is not one
    )


def _candidates(letters: Iterable[Letter], named: set[str]) -> dict[str, list[Letter]]:
    """Return the best readings of each letter, one for each place."""
    found: defaultdict[str, list[Letter]] = defaultdict(list)
    for one in sorted(letters, key=lambda one: -(one.score + _GLYPH * one.is_glyph)):
        there = found[one.letter]
        if len(there) < _OF_A_LETTER and not any(one.box.shared(other.box) for other in there):
            there.append(one)
    return {letter: found[letter] for letter in named}


def _choice(
    candidates: Mapping[str, list[Letter]], named: Sequence[str], size: float, *, is_lower: bool
) -> tuple[float, tuple[Letter, ...]]:
    states: list[tuple[float, tuple[Letter, ...]]] = [(0.0, ())]
    for letter in named:
        own = [
            (one, _own_score(one, size, is_lower=is_lower)) for one in candidates.get(letter, ())
        ]
        longer = [(score + _MISSING, chosen) for score, chosen in states]
        for score, chosen in states:
            for one, value in own:
                if value is not None:
                    total = score + value + _beside(one, chosen, size)
                    longer.append((total, (*chosen, one)))
        states = sorted(longer, key=lambda state: -state[0])[:_BEAM]
    return states[0]


def _own_score(one: Letter, size: float, *, is_lower: bool) -> float | None:
    off = abs(math.log(one.capital(is_lower=is_lower) / size))
    off = off if one.is_glyph else max(0.0, off - _SLACK)
    if off > _SIZES:
        return None
    differs = one.is_lower is not None and one.is_lower != is_lower
    return one.score + _OTHER_SIZE * off + _OTHER_CASE * differs


def _beside(one: Letter, chosen: tuple[Letter, ...], size: float) -> float:
    """Return what the place of a letter among those before it adds to the score."""
    if not chosen:
        return 0.0
    box, near = one.box, _NEAR * size
    score = _ON_ANOTHER * sum(box.shared(other.box) > 0 for other in chosen)
    score += _LINED_UP * _is_lined_up(one, chosen, near)
    last, first = chosen[-1].box, chosen[0].box
    above = _ABOVE * size
    score += _BACKWARDS * (box.y0 < last.y0 - above and box.x0 < last.x0 + above)
    score += _BEFORE_THE_FIRST * (box.y0 < first.y0 - above and box.x0 < first.x0 - above)
    return score
