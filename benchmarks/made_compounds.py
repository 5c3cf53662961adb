"""Cuts made compound figures, of real layouts filled with real images, into what stands apart.

    python benchmarks/made_compounds.py ../shared/real/panels/layouts.csv IMAGES...

IMAGES are files of single images. No letters are drawn.
"""

from __future__ import annotations

import argparse
import csv
import random
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from options import check


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("layouts", type=Path)
    parser.add_argument("images", type=Path, nargs="+")
    return parser


if __name__ == "__main__":
    check(arguments())


from PIL import Image

from biomedica_dataset.annotation.panels.apart import cut_apart
from biomedica_dataset.annotation.panels.boxes import Box
from biomedica_dataset.annotation.panels.lines import Lines
from biomedica_dataset.images.decode import open_rgb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MOST_SHARED = 0.05  # of a box: layouts whose boxes overlap are no layouts of images
_SIDE = 800
_COUNT, _SEED = 40, 7


def read_layouts(path: Path) -> dict[str, list[Box]]:
    """Return the boxes of the panels of each figure."""
    found: dict[str, list[Box]] = defaultdict(list)
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            found[row["figure"]].append(Box(*(int(row[side]) for side in ("x0", "y0", "x1", "y1"))))
    return found


def made_compounds(
    layouts: dict[str, list[Box]], images: Sequence[Image.Image]
) -> Iterator[tuple[Image.Image, list[Box]]]:
    """Yield figures with two panels or more, and their boxes; images are squeezed into them."""
    chance = random.Random(_SEED)
    count = 0
    for name in chance.sample(sorted(layouts), len(layouts)):
        boxes = layouts[name]
        apart = (
            one.shared(other) <= _MOST_SHARED * one.area
            for one in boxes
            for other in boxes
            if one is not other
        )
        if len(boxes) > 1 and all(apart):
            yield _drawn(boxes, images, chance), boxes
            count += 1
        if count == _COUNT:
            return


def _drawn(
    boxes: Sequence[Box], images: Sequence[Image.Image], chance: random.Random
) -> Image.Image:
    size = (max(int(box.x1) for box in boxes) + 6, max(int(box.y1) for box in boxes) + 6)
    page = Image.new("RGB", size, "white")
    for box in boxes:
        width, height = int(box.x1 - box.x0), int(box.y1 - box.y0)
        image = chance.choice(images)
        if (image.width > image.height) != (width > height):
            image = image.transpose(Image.Transpose.ROTATE_90)
        resized = image.resize((width, height), Image.Resampling.BICUBIC)
        page.paste(resized, (int(box.x0), int(box.y0)))
    return page


def main() -> None:
    options = arguments().parse_args()
    images = [open_rgb(path.read_bytes(), _SIDE) for path in sorted(options.images)]
    for image in images:
        image.thumbnail((_SIDE, _SIDE))
    true = found = right = all_right = 0
    for image, boxes in made_compounds(read_layouts(options.layouts), images):
        lines = Lines(image)
        parts = [lines.in_image(part.box) for part in cut_apart(lines)]
        matched = sum(max(box.iou(part) for part in parts) >= 1 / 2 for box in boxes)
        true, found, right = true + len(boxes), found + len(parts), right + matched
        all_right += matched == len(boxes) == len(parts)
    print(f"{_COUNT} figures: F1 at 0.5 {2 * right / (true + found):.3f}, "
          f"all right {all_right / _COUNT:.3f}")  # fmt: skip


if __name__ == "__main__":
    main()
