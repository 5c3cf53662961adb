"""How long a model waits for pictures, by the number of processes that read and decode them.

    python benchmarks/embed.py ARCHIVE [--dim 1024 --layers 24]
    python benchmarks/embed.py ARCHIVE --rate 1000

The whole of `embed` on an archive, with a DINOv2 with registers that was never trained, on the GPU
where there is one. --rate puts a stand-in in its place, which takes so many pictures a second and
leaves the processors alone, as a GPU does.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from options import check


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--processes", type=int, nargs="+", default=[0, 1, 2, 4, 8, 16])
    return parser


if __name__ == "__main__":
    check(arguments())


import numpy as np

from biomedica_dataset.annotation.embeddings.embed import embed
from biomedica_dataset.annotation.embeddings.encoder import load_encoder
from biomedica_dataset.annotation.embeddings.model_id import ModelId
from tests.untrained_encoder import write_encoder


class StandIn:
    """Takes its time for pictures of 224 x 224, and gives the mean of their colours."""

    colour = (124, 116, 104)

    def __init__(self, rate: float) -> None:
        self.id = ModelId(
            name="stand-in", revision=None, weights="", dim=3, size=224, preprocess="fit",
            mean=None, std=None, dtype="float32", pictures=1,
        )  # fmt: skip
        self._rate = rate

    def encode(self, images: np.ndarray) -> np.ndarray:
        """Return the mean colours of pictures."""
        time.sleep(len(images) / self._rate)
        return images[:, ::32, ::32].mean(axis=(1, 2), dtype=np.float32)


def main() -> None:
    options = arguments().parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.rate:
            encoder = StandIn(options.rate)
        else:
            write_encoder(Path(folder), dim=options.dim, layers=options.layers, size=224)
            encoder = load_encoder(folder)
    for processes in options.processes:
        with tempfile.TemporaryDirectory() as output:
            started = time.perf_counter()
            report = embed(options.archive, output, encoder=encoder, workers=processes)
            spent = time.perf_counter() - started
        print(f"{processes:2} processes: {report.encoded:,} pictures, "
              f"{report.encoded / spent:6.0f} a second, waiting {report.waited:.0%}")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
