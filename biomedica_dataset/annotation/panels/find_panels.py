"""Finds the panels of a figure: one for each letter of its caption, with a score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .cut import cut_between
from .lines import Lines
from .spots import choose_spots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

    from .cut import Cut
    from .letters import Letter, LetterReader


@dataclass(frozen=True, slots=True)
class FoundPanel:
    """A panel of a figure.

    Parameters
    ----------
    letter
        In upper case.
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
    image: Image.Image, named: Sequence[str], reader: LetterReader
) -> list[FoundPanel] | str:
    """Return the panels of a figure, or the reason why it stays whole.

    The reason is ``letters_not_read`` if a letter of the caption is not found in the image, and
    ``letters_not_apart`` if no cuts separate the letters.

    Parameters
    ----------
    image
        RGB, upright.
    named
        Letters of the caption, ascending, in upper case; at least two.
    """
    spots = _spots(image, named, reader)
    if len(spots) < len(named):
        return "letters_not_read"
    lines = Lines(image)
    marks = {letter: spot.box.scaled(lines.scale) for letter, spot in spots.items()}
    cut = cut_between(lines, marks)
    if cut is None:
        return "letters_not_apart"
    return [_panel(letter, spots[letter], cut, lines, image.size) for letter in named]


def _spots(image: Image.Image, named: Sequence[str], reader: LetterReader) -> dict[str, Letter]:
    letters = reader.read(image)
    spots = choose_spots(letters, named)
    if len(spots) < len(named):
        spots = choose_spots(letters + reader.read(image, look=1), named)
    return spots


def _panel(letter: str, spot: Letter, cut: Cut, lines: Lines, size: tuple[int, int]) -> FoundPanel:
    part = cut.parts[letter]
    x0, y0, x1, y1 = lines.in_image(lines.trimmed(part) or part)
    box = (round(x0), round(y0), min(size[0], round(x1)), min(size[1], round(y1)))
    score = min(1.0, spot.score) * max(0.0, 1 - max(0.0, cut.worst[letter]))
    return FoundPanel(letter, box, round(score, 4))
