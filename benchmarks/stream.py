"""Samples per second of streaming image and caption, undecoded, over loopback HTTP.

    python benchmarks/stream.py [BUCKET]

Compares `load_dataset("parquet", data_files=[urls], columns=...)` on our shards with webdataset's
reader on the layout of the published dataset, in which each sample repeats its article's text.
Served by nginx, which must be installed, as must curl (webdataset reads through it) and the package
aiohttp (datasets reads through it). BUCKET is a folder laid out as PMC's bucket; its pictures are
padded to 153 kB, the mean of PMC.
"""

from __future__ import annotations

import argparse
import json
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
    check(arguments(), tools=("nginx", "curl"))


import datasets
import webdataset
from inputs import pad_bucket
from serving import sent, served

from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.extraction.extract import extract
from biomedica_dataset.rows import rows_of
from biomedica_dataset.serialization.serialize import serialize

if TYPE_CHECKING:
    from collections.abc import Callable


def write_fat_tars(archive: Path, folder: Path) -> int:
    """Write the published layout: each sample repeats the text of its article."""
    folder.mkdir(parents=True)
    opened, count = Archive.open(archive), 0
    with webdataset.ShardWriter(f"{folder}/%05d.tar", maxcount=400, verbose=0) as writer:
        for block in opened.blocks():
            for row, images in opened.articles(block):
                text = (row.xml or b"").decode("utf-8", "replace")
                for _group, pair in rows_of(row, images).pairs:
                    record = json.dumps({"article_text": text, "image_context": pair.image_context})
                    writer.write({"__key__": pair.key, "jpg": pair.image["bytes"],
                                  "txt": pair.caption, "json": record.encode()})  # fmt: skip
                    count += 1
    return count


def read_tars(urls: list[str]) -> int:
    pipes = [f"pipe:curl -s -f {url}" for url in urls]
    samples = webdataset.WebDataset(pipes, shardshuffle=False).to_tuple("jpg", "txt")
    return sum(1 for _ in samples)


def read_parquet(urls: list[str]) -> int:
    rows = datasets.load_dataset(
        "parquet",
        data_files={"train": urls},
        columns=["image", "caption"],
        split="train",
        streaming=True,
    ).cast_column("image", datasets.Image(decode=False))
    return sum(1 for _ in rows)


def main() -> None:
    options = arguments().parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        root.chmod(0o755)
        (root / "access.log").touch()
        (root / "access.log").chmod(0o666)
        pad_bucket(options.bucket, root / "bucket")
        # As a selection, so that its blocks are as full as those of PMC.
        extract(str(root / "bucket"), str(root / "archive"), limit=10**6)
        serialize(root / "archive", root / "www" / "biomedica")
        count = write_fat_tars(root / "archive", root / "www" / "tars")
        with served(root) as address:
            groups = ("commercial", "noncommercial", "other")
            files = [p for g in groups for p in (root / "www/biomedica" / g / "train").iterdir()]
            shards = [f"{address}/{p.relative_to(root / 'www')}" for p in sorted(files)]
            tars = [f"{address}/tars/{p.name}" for p in sorted((root / "www" / "tars").iterdir())]
            ways: dict[str, Callable[[], int]] = {
                "webdataset, published layout": lambda: read_tars(tars),
                "datasets parquet, columns=[image, caption]": lambda: read_parquet(shards),
            }
            best = dict.fromkeys(ways, float("inf"))
            moved = dict.fromkeys(ways, 0)
            for _ in range(options.rounds):
                for name, way in ways.items():
                    before, started = sent(root), time.perf_counter()
                    assert way() == count
                    best[name] = min(best[name], time.perf_counter() - started)
                    moved[name] = sent(root) - before
    print(f"{count} samples, {len(shards)} shards, {len(tars)} tars")
    reference = next(iter(best.values()))
    for name, wall in best.items():
        print(
            f"{name:<44} {count / wall:7.0f} samples/s ({reference / wall:.2f} x) "
            f"{moved[name] / count:10,.0f} bytes/sample"
        )


if __name__ == "__main__":
    sys.exit(main())
