"""Chooses, among all that reads as a letter, the marks of the panels that a caption names.

Marks have one size and one case, stand in reading order, and line up in rows and columns. A beam
search keeps the best partial choices for each size and case.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from string import ascii_uppercase
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
    *_, found = ({}, *_choices(letters, named))
    return found


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
    least = max(_FEWEST, len(named) + 1)
    for count, spots in enumerate(_choices(letters, ascii_uppercase), 1):
        if count < least:
            continue
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


def _choices(letters: Iterable[Letter], named: Sequence[str]) -> Iterator[dict[str, Letter]]:
    """Yield after each named letter the best marks of all up to it."""
    candidates = _candidates(letters, set(named))
    everything = [one for letter in named for one in candidates[letter]]
    if not everything:
        return
    sizes = sorted({round(one.height) for one in everything} - {0})
    places = _Places(everything)
    beams = [
        _Beam(everything, places, size, is_lower=is_lower)
        for size in sizes
        for is_lower in (False, True)
    ]
    after = 0
    for letter in named:
        own = range(after, after + len(candidates[letter]))
        after = own.stop
        for beam in beams:
            beam.go_on(own)
        best = max(beams, key=lambda beam: beam.score, default=None)
        chosen = [everything[number] for number in best.chosen] if best else []
        yield {one.letter: one for one in chosen}


class _Places:
    """Which of some letters overlap, and how far they are from being in line: (n, n) each."""

    def __init__(self, letters: Sequence[Letter]) -> None:
        x0, y0, x1, y1 = self.sides = np.array([one.box for one in letters], float).T
        across = np.minimum.outer(x1, x1) - np.maximum.outer(x0, x0)
        down = np.minimum.outer(y1, y1) - np.maximum.outer(y0, y0)
        self.overlap = ((across > 0) & (down > 0)).astype(np.float32)
        middle = y0 + y1
        self.away = np.minimum(
            abs(np.subtract.outer(x0, x0)), abs(np.subtract.outer(middle, middle)) / 2
        )


class _Beam:
    """The best choices of marks of one size and case, letter by letter."""

    def __init__(
        self, letters: Sequence[Letter], places: _Places, size: float, *, is_lower: bool
    ) -> None:
        own = [_own_score(one, size, is_lower=is_lower) for one in letters]
        self._own = np.array([np.nan if score is None else score for score in own])
        self._places, self._above = places, _ABOVE * size
        self._in_line = (places.away < _NEAR * size).astype(np.float32)
        # Of each choice its score, which letters it has, and the first and the last of them.
        self._scores = np.zeros(1)
        self._has = np.zeros((1, len(letters)), np.float32)
        self._ends = np.full((1, 2), -1)

    @property
    def score(self) -> float:
        """The score of the best choice."""
        return float(self._scores[0])

    @property
    def chosen(self) -> list[int]:
        """The numbers of the letters of the best choice."""
        found: list[int] = np.flatnonzero(self._has[0]).tolist()
        return found

    def go_on(self, candidates: range) -> None:
        """Add one of some letters, or none, to each choice; keep the best."""
        own = np.array([one for one in candidates if not np.isnan(self._own[one])], int)
        longer = self._scores[:, None] + self._own[own] + self._beside(own)
        scores = np.concatenate([self._scores + _MISSING, longer.ravel()])
        order = np.argsort(-scores, kind="stable")[:_BEAM]
        without = len(self._scores)
        before = np.where(order < without, order, (order - without) // max(1, len(own)))
        self._scores, self._has, self._ends = scores[order], self._has[before], self._ends[before]
        (added,) = np.nonzero(order >= without)
        last = own[(order[added] - without) % max(1, len(own))]
        self._has[added, last] = 1
        self._ends[added, 1] = last
        self._ends[:, 0] = np.where(self._ends[:, 0] < 0, self._ends[:, 1], self._ends[:, 0])

    def _beside(self, own: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what the places of letters among those of each choice add to its score."""
        x0, y0 = self._places.sides[:2]
        score = _ON_ANOTHER * (self._has @ self._places.overlap[:, own]).astype(float)
        score += _LINED_UP * (self._has @ self._in_line[:, own] > 0)
        above = self._above
        first, last = (self._ends[:, end, None] for end in (0, 1))
        score += _BACKWARDS * ((y0[own] < y0[last] - above) & (x0[own] < x0[last] + above))
        score += _BEFORE_THE_FIRST * ((y0[own] < y0[first] - above) & (x0[own] < x0[first] - above))
        return np.where(last < 0, 0.0, score)


def _own_score(one: Letter, size: float, *, is_lower: bool) -> float | None:
    off = abs(math.log(one.capital(is_lower=is_lower) / size))
    off = off if one.is_glyph else max(0.0, off - _SLACK)
    if off > _SIZES:
        return None
    differs = one.is_lower is not None and one.is_lower != is_lower
    return one.score + _OTHER_SIZE * off + _OTHER_CASE * differs
