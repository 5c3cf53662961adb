"""How long a training waits for data, beside the same loop on tensors that are there.

    python benchmarks/train.py [BUCKET] [--model ViT-B-16] [--width 192 --layers 4]

A CLIP model with random weights is trained on the rows of a bucket, served by nginx, which must be
installed; they repeat epoch after epoch. BUCKET is a folder laid out as PMC's bucket; its pictures
are padded to 153 kB, the mean of PMC. Without --model a small ViT of patches of 16 is made. Prints
pairs a second and the share of time spent waiting, for each number of processes that decode, and
pairs a second of the same steps on one batch that is there already. With --ceiling, nothing is
trained: the processes hand out one image and decode nothing, and what is printed is how many pairs
the process that trains could take at most.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from options import BUCKET, check


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bucket", **BUCKET)
    parser.add_argument("--model")
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--ceiling", type=int, metavar="PAIRS")
    return parser


if __name__ == "__main__":
    check(arguments(), tools=("nginx",))


import numpy as np
from inputs import pad_bucket
from serving import served

from biomedica_dataset.clip.models.model_config import ModelConfig
from biomedica_dataset.clip.train import training as loop
from biomedica_dataset.clip.train.config import DataConfig, OptimizerConfig, TrainConfig
from biomedica_dataset.clip.train.data import Batch, Pairs, Position, choose_pairs
from biomedica_dataset.clip.train.prepare import Prepare
from biomedica_dataset.clip.train.train import train
from biomedica_dataset.extraction.extract import extract
from biomedica_dataset.serialization.serialize import serialize

WARM = 3  # steps that are not counted


class Synthetic:
    """In the place of `loop.Prefetcher`: the first micro-batch, again and again."""

    def __init__(self, batches: Any, _count: int) -> None:
        self.waited = 0.0
        first = next(batches)
        self._batch = Batch(first.keys, first.images, first.tokens, Position())

    def next(self) -> Batch:
        """Return it."""
        return self._batch

    def close(self) -> None:
        """Do nothing."""


class HandOut(Prepare):
    """In the place of decoding: the same image and tokens for each pair."""

    def __call__(self, given: Any) -> Any:
        """Return one for each given pair."""
        image, tokens = np.zeros((self.size, self.size, 3), np.uint8), np.zeros(77, np.int64)
        return [(image, tokens) for _ in given]


def ceiling(url: str, options: argparse.Namespace, workers: int) -> None:
    """Print how many pairs the process that trains takes a second, and a second of its own work."""
    data = DataConfig(path=url, workers=workers)
    pairs = Pairs(choose_pairs(data, 0), data, HandOut(224, None, None, "full"), 0, (0, 1))
    batches = pairs.batches(options.batch, Position())
    for _ in range(WARM * 10):
        next(batches)
    begun, worked = time.perf_counter(), time.process_time()
    count = sum(len(next(batches).keys) for _ in range(options.ceiling // options.batch))
    spent, worked = time.perf_counter() - begun, time.process_time() - worked
    pairs.close()
    print(
        f"decoded by {workers}: {count / spent:.0f} pairs/s, {count / worked:.0f} a second of work"
    )


def small(folder: Path, width: int, layers: int) -> str:
    config = {
        "embed_dim": 256,
        "vision_cfg": {"image_size": 224, "layers": layers, "width": width, "head_width": 64,
                       "patch_size": 16},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": width,
                     "heads": width // 64, "layers": layers},
    }  # fmt: skip
    folder.mkdir()
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    return f"local-dir:{folder}"


def measured(config: TrainConfig) -> tuple[float, float]:
    """Return pairs a second and the share of waiting, the first steps left out."""
    lines: list[tuple[float, str]] = []

    def say(line: str) -> None:
        if line.startswith("step "):
            lines.append((time.perf_counter(), line))

    train(config, log=say)
    counted = lines[WARM - 1 :]
    spent = counted[-1][0] - counted[0][0]
    waits = [float(re.search(r"data (\S+)%", line)[1]) / 100 for _, line in counted[1:]]
    times = [b[0] - a[0] for a, b in itertools.pairwise(counted)]
    waited = sum(share * took for share, took in zip(waits, times, strict=True)) / spent
    return (len(counted) - 1) * config.global_batch / spent, waited


def main() -> None:
    options = arguments().parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        root.chmod(0o755)
        (root / "access.log").touch()
        (root / "access.log").chmod(0o666)
        pad_bucket(options.bucket, root / "bucket")
        extract(str(root / "bucket"), str(root / "archive"))
        serialize(root / "archive", root / "www")
        model = options.model or small(root / "model", options.width, options.layers)
        with served(root) as url:
            if options.ceiling:
                for workers in filter(None, options.workers):
                    ceiling(url, options, workers)
                return
            for name in [*options.workers, "synthetic"]:
                if name == "synthetic":
                    loop.Prefetcher = Synthetic
                rate, waited = measured(
                    TrainConfig(
                        output=str(root / f"out-{name}"),
                        model=ModelConfig(name=model, pretrained=None),
                        data=DataConfig(path=url, workers=0 if name == "synthetic" else name),
                        optimizer=OptimizerConfig(),
                        samples=options.batch * (options.steps + WARM),
                        global_batch=options.batch,
                        micro_batch=options.batch,
                        precision=options.precision,
                        checkpoint_every=10**6,
                        log_every=1,
                    )
                )
                what = "synthetic tensors" if name == "synthetic" else f"{name} processes decode"
                print(f"{what:20} {rate:8.1f} pairs/s, waiting {waited:.1%}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
