"""What `annotate look` costs beside decoding alone, in time of the processor.

    python benchmarks/look.py [IMAGES] [--most 100]

Each image is decoded at its full size, as a reader of the dataset decodes it; decoded and measured
as `look` does; decoded for a model of 224 pixels, as `embed` does; and for both, as `embed --look`
does. The least of three rounds counts.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

from options import FILES, check


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", **FILES)
    parser.add_argument("--most", type=int, default=100)
    return parser


if __name__ == "__main__":
    check(arguments())


import numpy as np

from biomedica_dataset.annotation.embeddings.article_images import Frame
from biomedica_dataset.errors import ArticleError
from biomedica_dataset.images.decode import decode_rgb
from biomedica_dataset.images.decode_once import ImageDecoder
from biomedica_dataset.images.measures import DECODED, count_frames, decode_small, measure
from biomedica_dataset.images.probe import probe

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 3
FRAME = Frame(size=224, colour=(124, 116, 104))
FULL = 1 << 20  # pixels: no image is larger


def main() -> None:
    options = arguments().parse_args()
    data = [one.read_bytes() for one in sorted(options.images.rglob("*")) if one.is_file()]
    data = [one for one in data if can_be_decoded(one)]
    data = data[:: max(1, len(data) // options.most)]
    sides = [max(facts.width, facts.height) for facts in map(probe, data)]
    print(f"{len(data)} images, median longest side {np.median(sides):.0f} pixels")
    ways: dict[str, Callable[[bytes], Any]] = {
        "decoding alone": lambda one: decode_rgb(one, FULL),
        "decoding at the scale of look": decode_small,
        "look": lambda one: (count_frames(one), measure(decode_small(one))),
        "for a model": lambda one: FRAME.cut(ImageDecoder(one), [None]),
        "for a model, with look": both,
    }
    spent = dict.fromkeys(ways, np.inf)
    for _ in range(ROUNDS):
        for name, way in ways.items():
            started = time.process_time()
            for one in data:
                way(one)
            spent[name] = min(spent[name], time.process_time() - started)
    for name, seconds in spent.items():
        ratio = spent["decoding alone"] / seconds
        print(f"{name}: {len(data) / seconds:,.0f} images/s, {ratio:.2f} of decoding alone")


def both(data: bytes) -> Any:
    decoder = ImageDecoder(data)
    return count_frames(data), measure(decoder.rgb(DECODED)), FRAME.cut(decoder, [None])


def can_be_decoded(data: bytes) -> bool:
    try:
        decode_small(data)
    except ArticleError:
        return False
    return True


if __name__ == "__main__":
    main()
