"""Copies that hashes find: made copies of real images, and the cost of a number of made hashes.

    python benchmarks/duplicates.py [IMAGES] [--most 150] [--hashes 1000000]

A crop of 5 % leaves 95 % of the width and of the height. A false pair is one of different images.
"""

from __future__ import annotations

import argparse
import io
import resource
import time
from typing import TYPE_CHECKING, Any

from options import FILES, check


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", **FILES)
    parser.add_argument("--most", type=int, default=150)
    parser.add_argument("--hashes", type=int, default=1_000_000)
    return parser


if __name__ == "__main__":
    check(arguments())


import numpy as np
from PIL import Image, ImageDraw, ImageOps

from biomedica_dataset.annotation.duplicates.pairs import MOST_BITS, near_pairs
from biomedica_dataset.errors import ArticleError
from biomedica_dataset.images.measures import decode_small, measure

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def main() -> None:
    options = arguments().parse_args()
    images = read(options.images, options.most)
    own = [hashes(image) for image in images]
    first, second = (np.array(column, np.uint64) for column in zip(*own, strict=True))
    among = np.stack([distances(one, first, second) for one in first])
    among = among[np.triu_indices(len(first), 1)]
    print(
        f"{len(images)} images; false pairs at {MOST_BITS} bits: {(among <= MOST_BITS).mean():.4%}"
    )
    for name, change in CHANGES.items():
        near = [
            distances(hashes(change(image))[0], first[i : i + 1], second[i : i + 1])[0]
            for i, image in enumerate(images)
        ]
        print(f"{name}: {np.mean(np.array(near) <= MOST_BITS):.3f}")
    made = np.random.default_rng(0).integers(0, 2**64, (2, options.hashes), dtype=np.uint64)
    started = time.process_time()
    near_pairs(*made)
    spent = time.process_time() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{options.hashes:,} made hashes: {spent:.1f} s of one core, at most {memory:.0f} MB")


def read(folder: Path, most: int) -> list[Image.Image]:
    found = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    images, seen = [], set[bytes]()
    for path in found[:: max(1, len(found) // most)]:
        data = path.read_bytes()
        try:
            pixels = decode_small(data)
        except ArticleError:
            continue
        if data not in seen:
            seen.add(data)
            images.append(Image.fromarray(pixels))
    return images


def hashes(image: Image.Image) -> tuple[int, int]:
    measured = measure(np.asarray(image))
    return measured.hash % 2**64, measured.mirror_hash % 2**64


def distances(one: Any, first: Any, second: Any) -> Any:
    one = np.uint64(one)
    return np.minimum(np.bitwise_count(first ^ one), np.bitwise_count(second ^ one))


def packed(image: Image.Image) -> Image.Image:
    data = io.BytesIO()
    image.save(data, "JPEG", quality=40)
    return Image.open(data).convert("RGB")


def lettered(image: Image.Image) -> Image.Image:
    image, side = image.copy(), max(12, min(image.size) // 10)
    draw = ImageDraw.Draw(image)
    draw.rectangle((4, 4, 4 + side, 4 + side), fill="white")
    draw.text((6, 4), "A", fill="black", font_size=side)
    return image


def cropped(image: Image.Image, share: float) -> Image.Image:
    width, height = image.size
    left, top = int(width * share / 2), int(height * share / 2)
    return image.crop((left, top, width - left, height - top))


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG q40": packed,
    "half size": lambda image: image.reduce(2),
    "letter added": lettered,
    "mirrored": ImageOps.mirror,
    "crop 5 %": lambda image: cropped(image, 0.05),
    "crop 15 %": lambda image: cropped(image, 0.15),
}

if __name__ == "__main__":
    main()
