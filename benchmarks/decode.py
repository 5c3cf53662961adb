"""Images to what a model sees, beside Pillow: CPU time of each way, and how far it is from Pillow.

    python benchmarks/decode.py [IMAGES] [--size 224]

Decodes every JPEG of a folder, cuts out the square in its middle, and resizes that, bicubic: by
Pillow at the scale of the image and at twice the size, and by this package at the scale that each
`data.decode` allows, and on a device as `data.decoder: gpu` does. How far is the peak
signal-to-noise ratio beside Pillow at its own scale.
"""

from __future__ import annotations

import argparse
import io
import math
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from options import FILES, check


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", **FILES)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--device", default="cpu", help="where the decoder `gpu` decodes")
    return parser


if __name__ == "__main__":
    check(arguments())


import numpy as np
import torch
from PIL import Image, ImageOps

from biomedica_dataset.clip.train.prepare import SCALES
from biomedica_dataset.errors import ArticleError
from biomedica_dataset.images.decode import decode_rgb
from biomedica_dataset.images.device_decode import decode_on
from biomedica_dataset.images.fit import fit_planes, squashed

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 3
FULL = 1 << 20  # pixels: no image is larger


def main() -> None:
    options = arguments().parse_args()
    torch.set_num_threads(1)
    found = sorted(p for p in options.images.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg"))
    data = [path.read_bytes() for path in found if is_image(path.read_bytes())]
    ways: dict[str, Callable[[bytes], Any]] = {
        "Pillow": partial(by_pillow, size=options.size, target=None),
        "Pillow, draft": partial(by_pillow, size=options.size, target=2 * options.size),
    }
    for name, scale in SCALES.items():
        target = FULL if scale is None else math.ceil(options.size * scale)
        ways[name] = partial(by_this_package, size=options.size, target=target)
    ways["decoder gpu"] = partial(on_device, size=options.size, device=options.device)
    spent = {name: np.full(len(data), np.inf) for name in ways}
    seen: dict[str, list[Any]] = {}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            took, seen[name] = timed(data, way)
            spent[name] = np.minimum(took, spent[name])
    report(spent, seen)


def report(spent: dict[str, Any], seen: dict[str, list[Any]]) -> None:
    first, second = spent["Pillow"].sum(), spent["Pillow, draft"].sum()
    for name, images in seen.items():
        ratios = [psnr(one, other) for one, other in zip(seen["Pillow"], images, strict=True)]
        took = spent[name].sum()
        print(
            f"{name:14} {len(images) / took:5.0f} images/s, {first / took:.2f} times Pillow, "
            f"{second / took:.2f} times its draft; {min(ratios):.1f} dB at least, "
            f"{np.median(ratios):.1f} median, {sum(ratio < 40 for ratio in ratios)} below 40"
        )


def is_image(data: bytes) -> bool:
    try:
        decode_rgb(data, FULL)
    except ArticleError:
        return False
    return True


def by_pillow(data: bytes, size: int, target: int | None) -> Any:
    image = Image.open(io.BytesIO(data))
    if target is not None:
        image.draft(None, (target, target))
    image = ImageOps.exif_transpose(image)
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.convert("RGB").crop((left, top, left + side, top + side))
    return np.asarray(square.resize((size, size), Image.Resampling.BICUBIC))


def by_this_package(data: bytes, size: int, target: int) -> Any:
    pixels = decode_rgb(data, target)
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return squashed(pixels[top : top + side, left : left + side], size)


def on_device(data: bytes, size: int, device: str) -> Any:
    (planes,) = decode_on(device, [data])
    height, width = planes.shape[1:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return fit_planes(planes[:, top : top + side, left : left + side].float(), size, None)


def timed(data: list[bytes], way: Callable[[bytes], Any]) -> tuple[list[float], list[Any]]:
    """Return CPU seconds and what a model sees of each image."""
    took, images = [], []
    for one in data:
        begun = time.process_time()
        images.append(way(one))
        took.append(time.process_time() - begun)
    return took, images


def psnr(first: Any, second: Any) -> float:
    error = float(np.mean((first.astype(float) - second) ** 2))
    return math.inf if error == 0 else 20 * math.log10(255) - 10 * math.log10(error)


if __name__ == "__main__":
    sys.exit(main())
