"""Panels found in real figures, beside the boxes and letters that people drew.

    python benchmarks/panel_boxes.py ../shared/real/panels [--detector MODEL]

The letters are those that the reader finds in the captions, and then the true ones; then again
those of captions, with figures without any cut as well (`--all`), and then no letters at all.
The figures are split in halves by a hash of their names: constants were chosen on the first.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import time
from collections import Counter
from dataclasses import dataclass, replace
from html import escape
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from options import check


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--detector", help="ONNX file, folder or id on the Hub of a detector")
    return parser


if __name__ == "__main__":
    check(arguments())


from biomedica_dataset.annotation.panels.boxes import Box
from biomedica_dataset.annotation.panels.detector import load_detector
from biomedica_dataset.annotation.panels.find_panels import FoundPanel, find_apart, find_panels
from biomedica_dataset.annotation.panels.find_stage import named_places
from biomedica_dataset.annotation.panels.letters import SIDES, LetterReader, Look
from biomedica_dataset.images.decode import open_rgb
from biomedica_dataset.jats.reader import read_article

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from PIL import Image

    from biomedica_dataset.annotation.panels.proposals import Detector

HALVES = ("developed on", "kept back")
SURE = 0.8


@dataclass
class Judged:
    """A figure with what was found in it."""

    half: str
    truth: list[tuple[str | None, Box]]
    found: list[FoundPanel]
    seconds: float

    def right(self, iou: float) -> list[bool]:
        """Return for each panel found whether it is a panel of that letter."""
        boxes = {letter: box for letter, box in self.truth if letter}
        if not boxes:  # figures without letters
            return [
                any(box.iou(Box(*one.box)) >= iou for _, box in self.truth) for one in self.found
            ]
        return [
            panel.letter in boxes and boxes[panel.letter].iou(Box(*panel.box)) >= iou
            for panel in self.found
        ]


def half(figure: str) -> str:
    return HALVES[hashlib.sha256(figure.encode()).digest()[0] % 2]


def letters_of(caption: str) -> tuple[str, ...]:
    caption = re.sub(r"(</?|\s)\w+:", r"\1", caption)  # prefixes without a declaration
    xml = f"<article><body><fig>{caption}<graphic/></fig></body></article>"
    return read_article(xml.encode()).figures[0].panels


class Remembered:
    """What a reader reads in one image: each look is made, and its seconds measured, once."""

    def __init__(self, image: Image.Image, reader: LetterReader) -> None:
        self._more = reader.looks(image)
        self._looks: list[tuple[Look, float]] = []
        self.seconds = 0.0

    def looks(self, image: Image.Image) -> Iterator[Look]:
        """Yield what `LetterReader.looks` does, from memory where it can."""
        self.seconds = 0.0
        for number in count():
            if number == len(self._looks):
                started = time.process_time()
                look = next(self._more, None)
                if look is None:
                    return
                self._looks.append((look, time.process_time() - started))
            look, seconds = self._looks[number]
            self.seconds += seconds
            yield look


def judged(
    one: dict[str, Any], image: Image.Image, reader: Remembered, detector: Detector | None
) -> dict[str, Judged]:
    truth = [(panel["letter"], Box(*panel["box"])) for panel in one["panels"]]
    scale = one["width"] / image.width
    caption = one["caption_xml"] or f"<caption><p>{escape(one['caption'] or '')}</p></caption>"
    named = letters_of(caption)
    ways: dict[str, tuple[Sequence[str], bool]] = {
        "of the caption": (named, False),
        "true": (sorted(letter for letter, _ in truth if letter), False),
        "of the caption, --all": (named, True),
        "none": ((), True),
    }
    results = {}
    for way, (letters, every) in ways.items():
        started, reader.seconds = time.process_time(), 0.0
        if len(letters) > 1:
            found = find_panels(image, letters, reader, detector)
        elif every:
            found = find_apart(image, named_places(one["caption"] or ""), reader, detector)
        else:
            found = []
        # Looks that were made for an earlier way count again, those made now only once.
        seconds = max(time.process_time() - started, reader.seconds)
        panels = [] if isinstance(found, str) else found
        panels = [replace(p, box=tuple(Box(*p.box).scaled(scale))) for p in panels]
        results[way] = Judged(half(one["id"]), truth, panels, seconds)
    return results


def row(name: str, figures: list[Judged], *, with_letters: bool = True) -> str:
    lettered = [
        one for one in figures if len(one.truth) > 1 and bool(one.truth[0][0]) is with_letters
    ]
    single = [one for one in figures if len(one.truth) == 1]
    cells = [f"{len(lettered)}"]
    true = sum(len(one.truth) for one in lettered)
    for iou in (0.5, 0.75):
        right = sum(sum(one.right(iou)) for one in lettered)
        given = sum(len(one.found) or 1 for one in lettered)  # a whole figure is one box
        all_right = sum(sum(one.right(iou)) == len(one.truth) == len(one.found) for one in lettered)
        cells += [f"{2 * right / (true + given):.3f}", f"{all_right / len(lettered):.3f}"]
    sure = Counter(
        is_right
        for one in lettered
        for panel, is_right in zip(one.found, one.right(0.5), strict=True)
        if panel.score >= SURE
    )
    cells += [f"{sure[True] / max(1, sure.total()):.3f}", f"{sure[True] / true:.3f}"]
    cells += [f"{sum(bool(one.found) for one in single)} of {len(single)}"]
    read = [one.seconds for one in lettered]
    cells += [f"{sum(read) / len(read):.2f}"]
    return f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    options = arguments().parse_args()
    folder = options.folder
    detector = load_detector(options.detector) if options.detector else None
    figures = json.loads((folder / "figures.json").read_text())
    figures = [one for one in figures if not one["uncertain"]]
    reader = LetterReader()
    ways: dict[str, list[Judged]] = {}
    for one in figures:
        image = open_rgb((folder / one["image"]).read_bytes(), SIDES[-1])
        for way, found in judged(one, image, Remembered(image, reader), detector).items():
            ways.setdefault(way, []).append(found)
    print("| letters | half | figures | F1 at 0.5 | all right | F1 at 0.75 | all right "
          "| precision of sure ones | share | single figures split | seconds |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for way, found in ways.items():
        for part in HALVES:
            print(row(f"{way} | {part}", [one for one in found if one.half == part]))
    print(row("figures without letters | both", ways["none"], with_letters=False))


if __name__ == "__main__":
    main()
