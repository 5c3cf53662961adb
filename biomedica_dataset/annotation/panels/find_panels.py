"""Finds the panels of a figure, each with a score, by letters, or where there are none by cuts.

Where a detector proposes boxes that agree with the letters, these are the panels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .apart import cut_apart
from .cut import Cut, cut_between
from .lines import Lines
from .places import at_places
from .proposals import Detector, Proposal, are_apart, at_marks, in_reading_order
from .spots import are_sure, choose_spots, lengthened

if TYPE_CHECKING:
    from PIL import Image

    from .boxes import Box
    from .letters import Letter, LetterReader

_GOOD = 0.5  # score of panels of which no caption tells
_FEWEST = 2
_SMALLER = 1.2  # heights of what is not read yet, from which a mark is of another size
_LEAST = 9  # area of a panel in squares of the height of its letter: less is hardly the letter


@dataclass(frozen=True, slots=True)
class FoundPanel:
    """A panel of a figure.

    Parameters
    ----------
    letter
        In upper case; without letters the place that the caption tells, such as ``top left``, or
        the number in reading order.
    box
        ``(x0, y0, x1, y1)`` in pixels of the image that was given; right and bottom are exclusive.
    score
        0 to 1: how surely the letter was read, times how good the worst line is that bounds the
        panel.
    """

    letter: str
    box: tuple[int, int, int, int]
    score: float


def find_panels(
    image: Image.Image,
    named: Sequence[str],
    reader: LetterReader,
    detector: Detector | None = None,
) -> list[FoundPanel] | str:
    """Return the panels of a figure, or the reason why it stays whole.

    The reason is ``letters_not_read`` if a letter of the caption is not found in the image, and
    ``letters_not_apart`` if no cuts separate the letters, or if a panel would be hardly more than
    its letter. Letters that go on behind those of the
    caption are panels as well, if all of them are surely marks and the cuts between them are good.

    Parameters
    ----------
    image
        RGB, upright.
    named
        Letters of the caption, ascending, in upper case; at least two.
    """
    spots: Mapping[str, Letter] = {}
    letters: list[Letter] = []
    for look in reader.looks(image):
        letters, spots = look.letters, choose_spots(look.letters, named)
        if len(spots) == len(named) and (look.is_whole or _is_settled(spots, look.unread)):
            break
    if len(spots) < len(named):
        return "letters_not_read"
    lines, proposals = Lines(image), detector.propose(image) if detector else []
    more = lengthened(letters, named)
    found = _at(lines, more, proposals, image.size) if more else None
    if found is None or min(panel.score for panel in found) < _GOOD:
        found = _at(lines, spots, proposals, image.size)
    return "letters_not_apart" if found is None else found


def find_apart(
    image: Image.Image,
    places: Sequence[str],
    reader: LetterReader,
    detector: Detector | None = None,
) -> list[FoundPanel] | str:
    """Return the panels of a figure whose caption names no letters, or why it stays whole.

    The reason is ``one_image`` if it shows no letters and nothing in it stands apart, and
    ``places_not_found`` if what stands apart is not where, or as much as, the caption says.

    Parameters
    ----------
    image
        RGB, upright.
    places
        What the caption names instead: places as ``left``, or numbers from 1.
    """
    lines, proposals = Lines(image), detector.propose(image) if detector else []
    for look in reader.looks(image):
        spots = {} if look.unread else lengthened(look.letters, ())
        found = _at(lines, spots, proposals, image.size) if spots else None
        if found and min(panel.score for panel in found) >= _GOOD:
            return found
        if look.is_whole:
            break
    if len(proposals) >= _FEWEST and are_apart([one.box for one in proposals]):
        parts = [(one.box, one.score) for one in in_reading_order(proposals)]
    else:
        parts = [(lines.in_image(part.box), part.score) for part in cut_apart(lines)]
    if len(parts) < _FEWEST:
        return "one_image"
    score = round(min(score for _, score in parts), 4)
    boxes = [box for box, _ in parts]
    names = [str(number) for number in range(1, len(boxes) + 1)]
    if places and sorted(places) != sorted(names):
        told = at_places(boxes, places) if not places[0].isdigit() else None
        if told is None:
            return "places_not_found"
        names, boxes = list(places), told
    return [
        FoundPanel(name, _inside(box, image.size), score)
        for name, box in zip(names, boxes, strict=True)
    ]


def _is_settled(spots: Mapping[str, Letter], unread: float) -> bool:
    """Whether marks are sure, and what is not read yet is smaller than any of their kind."""
    heights = [mark.box.y1 - mark.box.y0 for mark in spots.values()]
    return min(heights) >= _SMALLER * unread and are_sure(spots)


def _at(
    lines: Lines,
    marks: Mapping[str, Letter],
    proposals: Sequence[Proposal],
    size: tuple[int, int],
) -> list[FoundPanel] | None:
    """Return the panels of marks: proposals if each mark has one, or else what is cut between."""
    placed = at_marks(proposals, marks)
    if placed is None:
        boxes = {name: mark.box.scaled(lines.scale) for name, mark in marks.items()}
        cut = cut_between(lines, boxes)
        placed = None if cut is None else {name: _part(name, cut, lines) for name in marks}
    if placed is None or any(
        one.box.area < _LEAST * marks[name].height ** 2 for name, one in placed.items()
    ):
        return None
    return [
        FoundPanel(name, _inside(one.box, size), round(min(1.0, marks[name].score) * one.score, 4))
        for name, one in placed.items()
    ]


def _part(letter: str, cut: Cut, lines: Lines) -> Proposal:
    """Return what is cut around a mark, and how good the worst cut is that bounds it."""
    part = cut.parts[letter]
    score = max(0.0, 1 - max(0.0, cut.worst[letter]))
    return Proposal(lines.in_image(lines.trimmed(part) or part), score)


def _inside(box: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return a box in whole pixels of an image."""
    x0, y0 = round(box.x0), round(box.y0)
    return (
        x0,
        y0,
        min(size[0], max(x0 + 1, round(box.x1))),
        min(size[1], max(y0 + 1, round(box.y1))),
    )
