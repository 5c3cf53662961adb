"""Reads single letters in an image: the marks of panels, and all that looks like them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from biomedica_dataset.extras import require

from .boxes import Box
from .glyphs import is_inside, isolated_glyphs

Pixels = np.ndarray[Any, Any]


SIDES = (1000, 1600)
"""Longest side of the image that is read first, and of a larger one, in pixels."""

_LARGEST_SCALE = (1.0, 1.6)  # of an image that is smaller
_PADDING = 16  # pixels: the detector does not see letters at the very edge

_HEIGHT = 48  # of a line for the recognizer
_TOGETHER = 16
_SOME = 32  # glyphs or lines that are read before the next look
_SHORT = 2.0  # heights of a line that may be a letter in brackets
_START = 2.6  # heights of a line that are read: enough for "(A) G"
_TALLEST = 0.12  # of the longest side
_UPRIGHT = 1.6  # a line this much taller than wide is turned
_MARGIN = 0.25  # around a glyph, in heights
_ALONE = re.compile(r"[(\[（]?([A-Za-z0-9|])(['’′]{0,2})[)\]）.:,]?")
_FIRST = re.compile(r"[(\[（]?([A-Za-z])['’′]{0,2}[)\]）.:]")
_NESTED = re.compile(r"[(\[（]?(?:([A-Z])[ .-]?[1i]|([a-z])[ .-]?1)[)\]）.:,]?")
"""The first of the images of a panel: "A1", "Ai", "(a1)"."""
_TITLED = re.compile(r"(?:([A-Z]) |([a-z]) (?=[A-Z]))\S")
"""A letter and the beginning of a title: "A Growth"."""
_BRACKETS = frozenset("()[]（）")
_MARKS = _BRACKETS | frozenset(".:")
_LIKE = {"0": "O", "1": "I", "l": "I", "|": "I", "5": "S", "8": "B", "6": "G", "2": "Z"}
_SAME_IN_BOTH_CASES = frozenset("COPSUVWXZK")
_LOW = frozenset("aceomnrsuvwxz")  # letters without ascender or descender

# Scores relative to that of a letter that stands alone.
_MISREAD, _IN_A_LINE, _MARKED, _DOUBTFUL = 0.6, 0.9, 0.15, 0.85
# Height of capitals relative to a glyph without ascender, a line, and a line with brackets.
_OF_LOW, _OF_LINE, _OF_BRACKETS = 1 / 0.72, 0.6, 0.52


@dataclass(frozen=True, slots=True)
class Letter:
    """Something in an image that reads as a letter.

    Parameters
    ----------
    letter
        In upper case.
    box
        Where it is, in pixels of the image.
    height
        Estimated height of a capital of its font, in pixels, if its shape tells its case.
    is_lower
        Whether it is set in lower case; ``None`` if its shape does not tell.
    score
        0 to 1.15: how surely it is that letter, alone, as a mark of a panel.
    """

    letter: str
    box: Box
    height: float
    is_lower: bool | None
    score: float
    is_glyph: bool

    def capital(self, *, is_lower: bool) -> float:
        """Return the height of a capital of its font, if letters are in this case."""
        is_low = self.is_lower is None and self.is_glyph and self.letter.lower() in _LOW
        return self.height * (_OF_LOW if is_lower and is_low else 1)


class Look(NamedTuple):
    """What was read so far in an image.

    Parameters
    ----------
    unread
        Height of the tallest of its kind that is left out yet, in pixels; 0 if there is none.
    is_whole
        Whether all was read at some scale.
    """

    letters: list[Letter]
    unread: float
    is_whole: bool


class LetterReader:
    """Reads letters by the detector and the recognizer of RapidOCR.

    Only the beginning of each line is recognized, as a letter that marks a panel stands alone or
    starts one. The detector often leaves out a letter that stands alone: connected components that
    stand alone are recognized as well.
    """

    def __init__(self) -> None:
        ocr = require("rapidocr", "panels")
        self._input = require("rapidocr.ch_ppocr_rec.typings", "panels").TextRecInput
        threads = {
            f"EngineConfig.onnxruntime.{part}_op_num_threads": 1 for part in ("intra", "inter")
        }
        self._ocr = ocr.RapidOCR(
            params={
                "Global.log_level": "error",
                "Global.text_score": 0.0,
                "Det.limit_side_len": SIDES[-1] + 2 * _PADDING,
                "Det.limit_type": "max",
                "Rec.rec_img_shape": [3, _HEIGHT, _HEIGHT],
                "Rec.rec_batch_num": _TOGETHER,
                **threads,
            }
        )
        self._ocr(np.full((_HEIGHT, _HEIGHT, 3), 255, np.uint8), use_det=False)  # loads the weights

    def looks(self, image: Image.Image) -> Iterator[Look]:
        """Yield what reads as a letter in an RGB image, in its pixels, each time with more effort.

        First what stands alone, then lines as well, the tallest first, and then both again at a
        larger scale.
        """
        found: list[Letter] = []
        for largest, side in zip(_LARGEST_SCALE, SIDES, strict=True):
            scale = min(largest, side / max(image.size))
            pixels = _padded(image, scale)
            alone: list[Letter] = []
            for read, unread in self._glyphs(pixels):
                alone += read
                here = [_in_image(letter, scale) for letter in alone]
                yield Look(found + here, unread / scale, is_whole=False)
            lines = [box for box in self._lines(pixels) if _may_start_with_a_letter(box)]
            alone = [letter for letter in alone if not is_inside(letter.box, lines)]
            found += [_in_image(letter, scale) for letter in alone]
            for read, unread, is_last in self._starts(pixels, lines):
                found += [_in_image(letter, scale) for letter in read]
                yield Look(list(found), unread / scale, is_whole=is_last)

    def _glyphs(self, pixels: Pixels) -> Iterator[tuple[list[Letter], float]]:
        """Yield the letters among glyphs, and the height of the tallest that is not read yet."""
        for boxes, unread in _tallest_first(isolated_glyphs(pixels)):
            crops = [_crop(pixels, box, _MARGIN) for box in boxes]
            yield self._letters(boxes, crops, is_glyph=True), unread

    def _starts(
        self, pixels: Pixels, lines: Sequence[Box]
    ) -> Iterator[tuple[list[Letter], float, bool]]:
        """Yield as `_glyphs` does what lines begin with, short ones first, and if it is the last.

        There is a last one without lines, too.
        """
        kinds: tuple[list[Box], list[Box]] = ([], [])
        for box in lines:
            kinds[box.x1 - box.x0 > _SHORT * (box.y1 - box.y0)].append(box)
        some = [one for kind in kinds for one in _tallest_first(kind)] or [([], 0.0)]
        for number, (boxes, unread) in enumerate(some, 1):
            crops = [_crop(pixels, _start(box), 0.0) for box in boxes]
            yield self._letters(boxes, crops, is_glyph=False), unread, number == len(some)

    def _letters(
        self, boxes: Sequence[Box], crops: Sequence[Pixels], *, is_glyph: bool
    ) -> list[Letter]:
        found = (
            read_letter(text, score, box, is_glyph=is_glyph)
            for box, (text, score) in zip(boxes, self._recognized(crops), strict=True)
        )
        return [letter for letter in found if letter is not None]

    def _lines(self, pixels: Pixels) -> Iterator[Box]:
        found = self._ocr(np.ascontiguousarray(pixels), use_det=True, use_rec=False, use_cls=False)
        corners = getattr(found, "boxes", None)
        for line in () if corners is None else corners:
            yield Box(*map(float, (*line.min(0), *line.max(0))))

    def _recognized(self, crops: Sequence[Pixels]) -> list[tuple[str, float]]:
        if not crops:
            return []
        read = self._ocr.text_rec(self._input(img=list(crops), return_word_box=False))
        return [(text.strip(), float(s)) for text, s in zip(read.txts, read.scores, strict=True)]


def _tallest_first(boxes: Sequence[Box]) -> Iterator[tuple[list[Box], float]]:
    """Yield boxes some at a time, and the height of the tallest behind them."""
    order = sorted(boxes, key=lambda box: box.y0 - box.y1)
    for start in range(0, len(order), _SOME):
        after = order[start + _SOME : start + _SOME + 1]
        yield order[start : start + _SOME], max((box.y1 - box.y0 for box in after), default=0.0)


def _padded(image: Image.Image, scale: float) -> Pixels:
    """Return BGR pixels with a white border, as the detector wants them."""
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    if size != image.size:
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    around = ((_PADDING, _PADDING), (_PADDING, _PADDING), (0, 0))
    return np.pad(np.asarray(image)[:, :, ::-1], around, constant_values=255)


def _may_start_with_a_letter(box: Box) -> bool:
    width, height = box.x1 - box.x0, box.y1 - box.y0
    return 6 <= height <= _TALLEST * SIDES[0] and height <= _UPRIGHT * width


def _start(box: Box) -> Box:
    return box._replace(x1=min(box.x1, box.x0 + _START * (box.y1 - box.y0)))


def _crop(pixels: Pixels, box: Box, margin: float) -> Pixels:
    """Return a rectangle with a margin, at least as wide as high; edges are repeated."""
    around = margin * (box.y1 - box.y0)
    x0, y0 = int(box.x0 - around), int(box.y0 - around)
    x1, y1 = int(np.ceil(box.x1 + around)), int(np.ceil(box.y1 + around))
    missing = max(0, (y1 - y0) - (x1 - x0))
    x0, x1 = x0 - missing // 2, x1 + missing - missing // 2
    inside = (missing // 2, missing - missing // 2)
    height, width = pixels.shape[:2]
    part = pixels[max(0, y0) : y1, max(0, x0 + inside[0]) : x1 - inside[1]]
    before = max(0, -(x0 + inside[0])) + inside[0]
    after = max(0, x1 - inside[1] - width) + inside[1]
    borders = ((max(0, -y0), max(0, y1 - height)), (before, after), (0, 0))
    return np.pad(part, borders, mode="edge")


def read_letter(text: str, score: float, box: Box, *, is_glyph: bool) -> Letter | None:
    """Return the letter that a text is or begins with; ``None`` if it is no mark.

    Parameters
    ----------
    text, score
        As the recognizer gave them.
    box
        Of the glyph or of the line.

    Examples
    --------
    >>> read_letter("(b) Growth", 1.0, Box(0, 0, 90, 20), is_glyph=False).letter
    'B'
    >>> read_letter("Growth", 1.0, Box(0, 0, 90, 20), is_glyph=False) is None
    True
    """
    found = _ALONE.fullmatch(text) or (None if is_glyph else _FIRST.match(text))
    if found is None and not is_glyph:
        found = _NESTED.fullmatch(text) or _TITLED.match(text)
        score *= _DOUBTFUL
    if found is None:
        return None
    shape = found[1] or found[2]
    is_marked = found.re in (_ALONE, _FIRST) and any(mark in text for mark in _MARKS)
    letter = _LIKE.get(shape, shape).upper()
    if shape in _LIKE:
        score *= _MISREAD
    if found.end() < len(text):
        score *= _IN_A_LINE
    height = box.y1 - box.y0
    tells = shape.isalpha() and shape not in _LIKE and letter not in _SAME_IN_BOTH_CASES
    if is_glyph:
        capital = height * (_OF_LOW if tells and shape in _LOW else 1)
    else:
        capital = height * (_OF_BRACKETS if not _BRACKETS.isdisjoint(text) else _OF_LINE)
    if found.end() < len(text):
        box = box._replace(x1=min(box.x1, box.x0 + height))
    return Letter(
        letter=letter,
        box=box,
        height=capital,
        is_lower=shape.islower() if tells else None,
        score=score + _MARKED * is_marked,
        is_glyph=is_glyph,
    )


def _in_image(letter: Letter, scale: float) -> Letter:
    x0, y0, x1, y1 = (side - _PADDING for side in letter.box)
    box = Box(x0, y0, x1, y1).scaled(1 / scale)
    return replace(letter, box=box, height=letter.height / scale)
