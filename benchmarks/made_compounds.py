"""Makes compound figures of real layouts and real single images, with the boxes as their truth."""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from biomedica_dataset.annotation.panels.boxes import Box

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    Layout = list[tuple[str | None, Box, Box | None]]

_MOST_SHARED = 0.05  # of a box: layouts whose boxes overlap are no layouts of images


def read_layouts(path: Path) -> dict[str, Layout]:
    """Return the letter, box and box of the letter of each panel of each figure."""
    found: dict[str, Layout] = defaultdict(list)
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            box = Box(*(int(row[side]) for side in ("x0", "y0", "x1", "y1")))
            sides = [row[f"letter_{side}"] for side in ("x0", "y0", "x1", "y1")]
            mark = Box(*map(int, sides)) if all(sides) else None
            found[row["figure"]].append((row["letter"].upper() or None, box, mark))
    return found


def made_compounds(
    layouts: dict[str, Layout], images: Sequence[Image.Image], count: int, seed: int
) -> Iterator[tuple[Image.Image, list[tuple[str | None, Box]]]]:
    """Yield figures with two panels or more, and their letters and boxes.

    A figure has all of its letters or none. Images are turned so that they fit their boxes, and
    squeezed.
    """
    chance = random.Random(seed)
    for name in chance.sample(sorted(layouts), len(layouts)):
        layout = layouts[name]
        boxes = [box for _, box, _ in layout]
        if len(layout) > 1 and all(
            one.shared(other) <= _MOST_SHARED * one.area
            for one in boxes
            for other in boxes
            if one is not other
        ):
            yield _drawn(layout, images, chance)
            count -= 1
        if not count:
            return


def _drawn(
    layout: Layout, images: Sequence[Image.Image], chance: random.Random
) -> tuple[Image.Image, list[tuple[str | None, Box]]]:
    size = tuple(max(int(box[side]) for _, box, _ in layout) + 6 for side in (2, 3))
    page = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(page)
    letters = [letter for letter, _, _ in layout]
    is_lettered = None not in letters and len({*letters}) == len(layout)
    truth: list[tuple[str | None, Box]] = []
    for letter, box, mark in layout:
        width, height = int(box.x1 - box.x0), int(box.y1 - box.y0)
        image = chance.choice(images)
        if (image.width > image.height) != (width > height):
            image = image.transpose(Image.Transpose.ROTATE_90)
        page.paste(
            image.resize((width, height), Image.Resampling.BICUBIC), (int(box.x0), int(box.y0))
        )
        if is_lettered and mark is not None:
            font = ImageFont.load_default(max(9, round(1.3 * (mark.y1 - mark.y0))))
            grey = page.crop(tuple(map(int, mark))).convert("L").resize((1, 1)).getpixel((0, 0))
            colour = "white" if isinstance(grey, int) and grey < 128 else "black"
            draw.text((mark.x0, mark.y1), letter, colour, font, anchor="ls")
        truth.append((letter if is_lettered else None, box))
    return page, truth
