"""Copies that are found among made copies of real images, and the cost of a number of made hashes.

    python benchmarks/duplicates.py [IMAGES] [--part 1] [--parts 2] [--hashes 1000000]

The copies of all images are looked for at once, by hashes and then by vectors of the classical
model too, as if all images were of one cluster. Found is a pair of an image and its own copy; false
are pairs of different images. A crop of 5 % leaves 95 % of the width and of the height.
"""

from __future__ import annotations

import argparse
import io
import resource
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from options import FILES, check


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", **FILES)
    parser.add_argument("--part", type=int, default=1)
    parser.add_argument("--parts", type=int, default=2)
    parser.add_argument("--hashes", type=int, default=1_000_000)
    return parser


if __name__ == "__main__":
    check(arguments())


import numpy as np
from PIL import Image, ImageDraw, ImageOps

from biomedica_dataset.annotation.duplicates.align import Thumbnail, aligned_similarity
from biomedica_dataset.annotation.duplicates.compare import LEAST, read_thumbnail, similarity
from biomedica_dataset.annotation.duplicates.neighbours import LEAST_COSINE, nearest
from biomedica_dataset.annotation.duplicates.pairs import near_pairs
from biomedica_dataset.annotation.embeddings.classical import Classical
from biomedica_dataset.errors import ArticleError
from biomedica_dataset.images.fit import fitted
from biomedica_dataset.images.measures import decode_small, measure
from biomedica_dataset.images.windows import WINDOWS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Seen(NamedTuple):
    """What is known of an image without its bytes."""

    windows: Any
    thumbnail: Thumbnail
    vector: Any


ENCODER = Classical()
Similarities = dict[tuple[int, int], float]


def main() -> None:
    options = arguments().parse_args()
    images = read(options.images)[options.part :: options.parts]
    own = [seen(image) for image in images]
    print(f"{len(images)} images")
    print("copy: found by hashes, with vectors; pairs of others taken for copies, compared")
    for name, change in CHANGES.items():
        all_images = [*own, *(seen(change(image)) for image in images)]
        by_hashes, by_vectors = by_hash(all_images), by_vector(all_images)
        both = {pair: max(by_hashes.get(pair, 0), by_vectors.get(pair, 0))
                for pair in by_hashes | by_vectors}  # fmt: skip
        found = [sum(is_found(pair, alike, len(own)) for pair, alike in one.items()) / len(own)
                 for one in (by_hashes, both)]  # fmt: skip
        others = {pair: alike for pair, alike in both.items() if pair[1] != pair[0] + len(own)}
        false = sum(alike >= LEAST for alike in others.values())
        print(f"{name}: {found[0]:.3f}, {found[1]:.3f}; {false}, {len(others)}", flush=True)
    made = np.random.default_rng(0).integers(0, 2**64, (options.hashes, len(WINDOWS)), np.uint64)
    started = time.process_time()
    near_pairs(made)
    spent = time.process_time() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{options.hashes:,} made images: {spent:.1f} s of one core, at most {memory:.0f} MB")


def read(folder: Path) -> list[Image.Image]:
    images, known = [], set[bytes]()
    for path in sorted(folder.rglob("*")):
        data = path.read_bytes() if path.is_file() else b""
        if data in known:
            continue
        known.add(data)
        try:
            images.append(Image.fromarray(decode_small(data)))
        except ArticleError:
            continue
    return images


def seen(image: Image.Image) -> Seen:
    measured = measure(np.asarray(image))
    pixels = fitted(np.array(image), ENCODER.id.size, ENCODER.colour)
    thumbnail = Thumbnail(read_thumbnail(measured.thumbnail))
    vector = ENCODER.encode(pixels[None])[0].astype(np.float16)
    return Seen(np.frombuffer(measured.windows, np.uint64), thumbnail, vector)


def by_hash(images: list[Seen]) -> Similarities:
    """Return the similarity of the pairs that have near hashes."""
    near = near_pairs(np.stack([image.windows for image in images]))
    pairs = zip(near.first.tolist(), near.second.tolist(), strict=True)
    places = zip(near.own, near.other, near.mirrored, strict=True)
    return {
        (one, two): similarity(
            images[one].thumbnail.image, images[two].thumbnail.image,
            WINDOWS[own], WINDOWS[other], mirrored=bool(mirrored),
        )
        for (one, two), (own, other, mirrored) in zip(pairs, places, strict=True)
    }  # fmt: skip


def by_vector(images: list[Seen]) -> Similarities:
    """Return the similarity of the pairs that have near vectors."""
    first, second, _ = nearest(np.stack([image.vector for image in images]), LEAST_COSINE)
    ends = np.sort(np.stack([first, second]), axis=0)
    return {
        (one, two): aligned_similarity(images[one].thumbnail, images[two].thumbnail)
        for one, two in np.unique(ends, axis=1).T.tolist()
    }


def is_found(pair: tuple[int, int], alike: float, count: int) -> bool:
    return pair[1] == pair[0] + count and alike >= LEAST


def packed(image: Image.Image) -> Image.Image:
    data = io.BytesIO()
    image.save(data, "JPEG", quality=40)
    return Image.open(data).convert("RGB")


def lettered(image: Image.Image, right: int = 0, below: int = 0) -> Image.Image:
    image, side = image.copy(), max(12, min(image.size) // 10)
    left = (image.width - side - 8) * right + 4
    top = (image.height - side - 8) * below + 4
    draw = ImageDraw.Draw(image)
    draw.rectangle((left, top, left + side, top + side), fill="white")
    draw.text((left + 2, top), "A", fill="black", font_size=side)
    return image


def cropped(
    image: Image.Image, share: float, right: float = 0.5, below: float = 0.5
) -> Image.Image:
    width, height = (round(side * (1 - share)) for side in image.size)
    left, top = int((image.width - width) * right), int((image.height - height) * below)
    return image.crop((left, top, left + width, top + height))


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG q40": packed,
    "half size": lambda image: image.reduce(2),
    "letter added": lettered,
    "letter added below, at the right": lambda image: lettered(image, 1, 1),
    "mirrored": ImageOps.mirror,
    "crop 5 %": lambda image: cropped(image, 0.05),
    "crop 15 %": lambda image: cropped(image, 0.15),
    "crop 30 %": lambda image: cropped(image, 0.30),
    "crop 15 %, all at the top left": lambda image: cropped(image, 0.15, 1, 1),
    "crop 15 %, all at the left": lambda image: cropped(image, 0.15, 1),
}

if __name__ == "__main__":
    main()
