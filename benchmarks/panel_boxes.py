"""Panels found in real figures, beside the boxes and letters that people drew.

    python benchmarks/panel_boxes.py ../shared/real/panels

The letters are those that the reader finds in the captions, and then the true ones.
The figures are split in halves by a hash of their names: constants were chosen on the first.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from biomedica_dataset.annotation.panels.boxes import Box
from biomedica_dataset.annotation.panels.find_panels import FoundPanel, find_panels
from biomedica_dataset.annotation.panels.letters import LetterReader
from biomedica_dataset.images.decode import open_rgb
from biomedica_dataset.jats.reader import read_article

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


def judged(folder: Path, one: dict[str, Any], named: list[str], reader: LetterReader) -> Judged:
    truth = [(panel["letter"], Box(*panel["box"])) for panel in one["panels"]]
    image = open_rgb((folder / one["image"]).read_bytes(), 10**9)
    started = time.process_time()
    found = find_panels(image, named, reader) if len(named) > 1 else []
    seconds = time.process_time() - started
    panels = [] if isinstance(found, str) else found
    return Judged(half(one["id"]), truth, panels, seconds)


def row(name: str, figures: list[Judged]) -> str:
    lettered = [one for one in figures if len(one.truth) > 1 and one.truth[0][0]]
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
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    figures = json.loads((folder / "figures.json").read_text())
    figures = [one for one in figures if not one["uncertain"]]
    reader = LetterReader()
    print("| letters | half | figures | F1 at 0.5 | all right | F1 at 0.75 | all right "
          "| precision of sure ones | share | single figures split | seconds |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    with_caption = [one for one in figures if one["caption"]]
    print(f"{len(with_caption)} of {len(figures)} figures have a caption", flush=True)
    known: dict[tuple[str, str], Judged] = {}
    for name, chosen in (("of the caption", with_caption), ("true", figures)):
        found = []
        for one in chosen:
            true = sorted(panel["letter"] for panel in one["panels"] if panel["letter"])
            named = true if name == "true" else list(letters_of(one["caption_xml"] or ""))
            key = one["id"], "".join(named)
            if key not in known:
                known[key] = judged(folder, one, named, reader)
            found.append(known[key])
        for part in HALVES:
            print(row(f"{name} | {part}", [one for one in found if one.half == part]), flush=True)


if __name__ == "__main__":
    main()
