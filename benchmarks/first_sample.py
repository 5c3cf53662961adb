"""Seconds until the first sample of a dataset of many shards, behind a server that takes its time.

    python benchmarks/first_sample.py

Made-up rows in 2,000 shards; nginx waits 40 ms before every answer. Each time a process of its own
opens the dataset and takes one row: with nothing kept, and with the index kept by the run before.
The time begins when the libraries are loaded, torch included where `datasets` finds it. nginx with
its echo module must be installed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from options import check


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", type=int, default=2000)
    parser.add_argument("--latency", type=float, default=0.04, help="Seconds before each answer.")
    parser.add_argument("--rounds", type=int, default=5)
    return parser


if __name__ == "__main__":
    check(arguments(), tools=("nginx",))


import pyarrow as pa
from serving import sent, served

from biomedica_dataset.folder.manifest import MANIFEST, Manifest
from biomedica_dataset.folder.parquet import TableWriter
from biomedica_dataset.folder.record import ShardFile
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.schema import SCHEMA_VERSION, IndexRow, Pair, to_table

ROWS = 20  # of a shard
PICTURE = 20_000  # bytes
INDEX_SHARDS = 64
_READER = """
import sys, time
from biomedica_dataset import open_dataset
import biomedica_dataset.streaming, datasets, pyarrow.parquet
datasets.IterableDataset.from_generator(lambda: iter(()))  # torch too, where it is installed
started, busy = time.perf_counter(), time.process_time()
rows = open_dataset(sys.argv[1], columns=["image", "caption"], seed=0)
opened = time.perf_counter()
next(iter(rows.cast_column("image", datasets.Image(decode=False))))
print(opened - started, time.perf_counter() - started, time.process_time() - busy)
"""


def pair(rng: random.Random, shard: int, number: int) -> Pair:
    image = rng.randbytes(PICTURE)
    values = dict.fromkeys(Pair.__dataclass_fields__) | {
        "key": f"PMC{shard:07d}_g{number}",
        "image": {"bytes": image, "path": f"g{number}.jpg"},
        "caption": "A caption of some length, made up of words that say nothing. " * 8,
        "image_file_name": f"g{number}.jpg",
        "image_hash": hashlib.sha256(image).hexdigest(),
        "image_size": [640, 480],
        "image_kind": "figure",
        "article_accession_id": f"PMC{shard:07d}",
        "article_version": 1,
        "article_journal": f"Journal {shard % 97}",
        "article_date": "2025-01-01",
    }
    return Pair(**values)


def index_row(row: Pair, path: str, number: int, place: dict[str, int]) -> IndexRow:
    shared = {n: getattr(row, n) for n in IndexRow.__dataclass_fields__ if hasattr(row, n)}
    return IndexRow(
        **shared, license_group="commercial", split="train", article_year=2025, file=path,
        image_panel_count=None, image_width=640, image_height=480,
        caption_length=len(row.caption), row=number, **place,
    )  # fmt: skip


def write(folder: Folder, path: str, config: str, rows: list[Pair] | pa.Table) -> ShardFile:
    with folder.create() as file:
        writer = TableWriter(file, Pair if config == "commercial" else IndexRow, {})
        if isinstance(rows, pa.Table):
            writer.write_table(rows)
        for row in () if isinstance(rows, pa.Table) else rows:
            writer.write(row)
        places = writer.close()
        file.publish(path)
    for number, place in enumerate(places):
        rows[number] = index_row(rows[number], path, number, place)
    return ShardFile(path, config, writer.rows, file.size, writer.memory, file.sha256)


def make(folder: Folder, shards: int) -> None:
    rng, files, parts = random.Random(0), [], []
    for shard in range(shards):
        path = f"commercial/train/{shard:06d}.parquet"
        rows = [pair(rng, shard, number) for number in range(ROWS)]
        files.append(write(folder, path, "commercial", rows))
        parts.append(rows)
    for start in range(0, shards, INDEX_SHARDS):
        rows = [row for part in parts[start : start + INDEX_SHARDS] for row in part]
        path = f"index/{start // INDEX_SHARDS:04d}.parquet"
        files.append(write(folder, path, "index", to_table(IndexRow, rows)))
    manifest = Manifest(
        schema_version=SCHEMA_VERSION, source="made up", selection="all", inventory=None,
        block_width=1000, shard_blocks=1, split="1,0,0", libraries={}, articles={}, figures={},
        files=files,
    )  # fmt: skip
    folder.write_bytes(MANIFEST, manifest.as_json())


def measure(root: Path, address: str, rounds: int) -> None:
    for what in ("nothing kept", "index kept"):
        best = [float("inf")] * 3
        before = sent(root)
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as fresh:
                home = fresh if what == "nothing kept" else str(root / "home")
                environment = {**os.environ, "HF_HOME": home, "HF_HUB_OFFLINE": "1"}
                command = [sys.executable, "-c", _READER, f"{address}/biomedica"]
                done = subprocess.run(
                    command, env=environment, capture_output=True, text=True, check=True
                )
                best = list(map(min, best, map(float, done.stdout.split())))
        moved = (sent(root) - before) / rounds / 1e6
        opened, first, busy = best
        print(
            f"{what}: opened after {opened:.2f} s, first sample after {first:.2f} s, "
            f"{busy:.2f} s of processor, {moved:.1f} MB"
        )


def main() -> None:
    options = arguments().parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        root.chmod(0o755)
        (root / "www").mkdir()
        (root / "access.log").touch()
        (root / "access.log").chmod(0o666)
        make(Folder(root / "www" / "biomedica"), options.shards)
        with served(root, options.latency) as address:
            measure(root, address, options.rounds)


if __name__ == "__main__":
    sys.exit(main())
