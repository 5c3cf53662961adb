"""What a reduced JPEG scale costs and saves, picture by picture.

    python benchmarks/decode.py PICTURES [--size 224]

Decodes every JPEG of a folder to what a CLIP model sees (bicubic, the shorter side `size`, the
middle cut out) at its own scale, at twice the size or more, and at the size or more. Prints CPU
time, and how far the picture is from that of its own scale, as peak signal-to-noise ratio.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2

from biomedica_dataset.clip.train.prepare import SCALES
from biomedica_dataset.errors import ArticleError
from biomedica_dataset.images.decode import open_rgb

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--size", type=int, default=224)
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = sorted(p for p in options.pictures.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg"))
    data = [path.read_bytes() for path in found if is_picture(path.read_bytes())]
    unscaled = PreprocessCfg(size=options.size, mean=(0, 0, 0), std=(1, 1, 1))
    transform = image_transform_v2(unscaled, is_train=False)
    seen: dict[str, list[Any]] = {}
    spent = {name: np.full(len(data), np.inf) for name in SCALES}
    for _ in range(ROUNDS):
        for name, scale in SCALES.items():
            target = 1 << 20 if scale is None else math.ceil(options.size * scale)
            took, seen[name] = timed(data, target, transform)
            spent[name] = np.minimum(took, spent[name])
    for name, pictures in seen.items():
        pairs = zip(seen["full"], pictures, strict=True)
        ratios = np.array([psnr(first, second) for first, second in pairs])
        less = np.isfinite(ratios)
        gain = spent["full"].sum() / spent[name].sum()
        print(f"{name:9} {len(data) / spent[name].sum():5.0f} pictures/s, {gain:.2f} times full")
        if less.any():
            gain = spent["full"][less].sum() / spent[name][less].sum()
            print(
                f"{less.sum():9} of {len(data)} are reduced, those {gain:.2f} times as fast: "
                f"{ratios[less].min():.1f} dB or better, median {np.median(ratios[less]):.1f}"
            )


def is_picture(data: bytes) -> bool:
    try:
        open_rgb(data, 1 << 20)
    except ArticleError:
        return False
    return True


def timed(
    data: list[bytes], target: int, transform: Callable[[Any], Any]
) -> tuple[list[float], list[Any]]:
    """Return CPU seconds and what the model sees of each picture."""
    took, pictures = [], []
    for one in data:
        begun = time.process_time()
        pictures.append(transform(open_rgb(one, target)).numpy())
        took.append(time.process_time() - begun)
    return took, pictures


def psnr(first: Any, second: Any) -> float:
    error = float(np.mean((first - second) ** 2))
    return math.inf if error == 0 else -10 * math.log10(error)


if __name__ == "__main__":
    sys.exit(main())
