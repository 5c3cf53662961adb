"""Samples per second of mosaicml-streaming over the same loopback HTTP.

    python benchmarks/peers.py KEPT

KEPT is the folder that ``benchmarks/subsets.py --keep`` left. The library wants other versions of
what datasets needs, so this script runs in an environment of its own, with mosaicml-streaming and
nothing of ours; nginx stands in for S3. It keeps a local copy of what it fetches, and fetches whole
chunks: for a part of the samples every chunk that has one. litdata fetches through obstore, which
it gives no way to speak to a server without TLS.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import time
from pathlib import Path

from options import check


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kept", type=Path)
    parser.add_argument("--latency", type=float, default=0, help="Seconds before each answer.")
    return parser


if __name__ == "__main__":
    check(arguments(), tools=("nginx",))


import pyarrow.dataset as pads
from serving import sent, served

SHARES = {"all": 1.0, "5 %": 0.05, "0.5 %": 0.005}


def samples(root: Path) -> list[dict[str, object]]:
    pictures = [str(p) for p in sorted((root / "www" / "biomedica").glob("*/train/*.parquet"))]
    rows = pads.dataset(pictures).to_table(columns=["key", "image", "caption"]).to_pylist()
    return [
        {"key": row["key"], "image": row["image"]["bytes"], "caption": row["caption"]}
        for row in rows
    ]


def write_mosaic(root: Path, rows: list[dict[str, object]]) -> None:
    from streaming import MDSWriter

    columns = {"key": "str", "image": "bytes", "caption": "str"}
    with MDSWriter(out=str(root / "www" / "mds"), columns=columns) as writer:
        for row in rows:
            writer.write(row)


def read_mosaic(root: Path, address: str, chosen: list[int] | None) -> int:
    from streaming import StreamingDataset

    os.environ["S3_ENDPOINT_URL"] = address
    local = root / "mds-copy"
    shutil.rmtree(local, ignore_errors=True)
    dataset = StreamingDataset(remote="s3://mds", local=str(local), shuffle=False, batch_size=1)
    if chosen is None:
        return sum(1 for _ in dataset)
    return sum(1 for number in chosen if dataset[number]["caption"])


def main() -> None:
    options = arguments().parse_args()
    os.environ.update(
        AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b", AWS_REGION="us-east-1", AWS_ALLOW_HTTP="1"
    )
    root: Path = options.kept
    rows = samples(root)
    if not (root / "www" / "mds").exists():
        write_mosaic(root, rows)
    weight = [len(row["image"]) + len(row["caption"]) for row in rows]
    with served(root, options.latency) as address:
        for name, share in SHARES.items():
            count = max(1, round(share * len(rows)))
            chosen = (
                None if share == 1 else sorted(random.Random(0).sample(range(len(rows)), count))
            )
            size = sum(weight if chosen is None else (weight[n] for n in chosen))
            before, started = sent(root), time.perf_counter()
            assert read_mosaic(root, address, chosen) == count
            wall = time.perf_counter() - started
            time.sleep(0.2)
            moved = (sent(root) - before) / size
            print(f"{name}: {count / wall:8.0f} samples/s {moved:9.3f} bytes per byte chosen")


if __name__ == "__main__":
    sys.exit(main())
