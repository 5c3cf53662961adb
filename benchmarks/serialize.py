"""Samples per second of `serialize` beside webdataset's ShardWriter that only writes the same rows.

    python benchmarks/serialize.py [BUCKET]

BUCKET is a folder laid out as PMC's bucket; its pictures are padded to 153 kB, the mean of PMC.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from options import BUCKET, check


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bucket", **BUCKET)
    parser.add_argument("--rounds", type=int, default=3)
    return parser


if __name__ == "__main__":
    check(arguments())


import webdataset
from inputs import pad_bucket

from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.extraction.extract import extract
from biomedica_dataset.rows import rows_of
from biomedica_dataset.serialization.serialize import serialize

if TYPE_CHECKING:
    from collections.abc import Callable


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds of a call, its child processes counted."""

    def used() -> float:
        both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(use.ru_utime + use.ru_stime for use in both)

    wall, cpu = time.perf_counter(), used()
    work()
    return time.perf_counter() - wall, used() - cpu


def write_tars(samples: list[dict], folder: Path) -> None:
    """Write image, caption and a lean JSON per sample, as the published dataset is laid out."""
    folder.mkdir()
    with webdataset.ShardWriter(f"{folder}/%05d.tar", maxcount=10_000, verbose=0) as writer:
        for sample in samples:
            writer.write(sample)


def samples_of(archive: Path) -> list[dict]:
    opened = Archive.open(archive)
    samples = []
    for block in opened.blocks():
        for row, images in opened.articles(block):
            for _group, pair in rows_of(row, images).pairs:
                lean = {"image_file_name": pair.image_file_name, "image_hash": pair.image_hash,
                        "image_context": pair.image_context, "article_title": pair.article_title,
                        "article_license": pair.article_license}  # fmt: skip
                samples.append({"__key__": pair.key, "jpg": pair.image["bytes"],
                                "txt": pair.caption,
                                "json": json.dumps(lean).encode()})  # fmt: skip
    return samples


def main() -> None:
    options = arguments().parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        pad_bucket(options.bucket, root / "bucket")
        # As a selection, so that its blocks are as full as those of PMC.
        extract(str(root / "bucket"), str(root / "archive"), limit=10**6)
        samples = samples_of(root / "archive")
        print(
            f"{len(samples)} samples of "
            f"{sum(len(s['jpg']) for s in samples) / len(samples):,.0f} bytes"
        )
        ways = {
            "ShardWriter, rows ready, raw": lambda n: write_tars(samples, root / f"tars{n}"),
            "serialize, one process": lambda n: serialize(
                root / "archive", root / f"one{n}", workers=1
            ),
            "serialize, two processes": lambda n: serialize(
                root / "archive", root / f"two{n}", workers=2
            ),
        }
        best: dict[str, tuple[float, float]] = {}
        for round_number in range(options.rounds):
            for name, way in ways.items():
                wall, cpu = seconds(lambda way=way, n=round_number: way(n))
                before = best.get(name, (float("inf"), float("inf")))
                best[name] = min(before[0], wall), min(before[1], cpu)
    reference = best["ShardWriter, rows ready, raw"]
    for name, (wall, cpu) in best.items():
        print(f"{name:<30} {len(samples) / wall:7.0f} samples/s ({reference[0] / wall:.2f} x)   "
              f"{len(samples) / cpu:7.0f} per CPU second ({reference[1] / cpu:.2f} x)")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
