"""Finds the panels of a figure: one for each letter of its caption, with a score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .boxes import Box
from .cut import cut_between
from .lines import Lines
from .spots import choose_spots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

    from .letters import Letter, LetterReader

_FEWEST = 2  # panels of a compound figure


@dataclass(frozen=True, slots=True)
class FoundPanel:
    """A panel of a figure.

    Parameters
    ----------
    box
        In pixels of the image as it is displayed.
    score
        0 to 1: how sure letter and box are.
    """

    letter: str
    box: tuple[int, int, int, int]
    score: float


def find_panels(
    image: Image.Image, named: Sequence[str], reader: LetterReader
) -> tuple[list[FoundPanel], str | None]:
    """Return the panels of a figure, and why it stays whole if there are none.

    Parameters
    ----------
    image
        RGB, upright.
    named
        Letters of the caption, ascending, in upper case.
    """
    spots = _spots(image, named, reader)
    if len(spots) < _FEWEST:
        return [], "letters_not_read"
    lines = Lines(image)
    cut = cut_between(lines, {letter: spot.box.scaled(lines.scale) for letter, spot in spots.items()})
    if cut is None:
        return [], "letters_not_apart"
    return cut, spots


def _spots(image: Image.Image, named: Sequence[str], reader: LetterReader) -> dict[str, Letter]:
    letters = reader.read(image)
    spots = choose_spots(letters, named)
    if len(spots) == len(named):
        return spots
    again = choose_spots(letters + reader.read(image, look=1), named)
    return again if len(again) > len(spots) else spots
