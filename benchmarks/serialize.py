"""Samples per second of `serialize` beside the least that it must do, and beside ShardWriter.

    python benchmarks/serialize.py [BUCKET]

The least is to read the bytes of the archive, parse its XML with lxml, take the SHA-256 of each
image and of each file, and write tables that are ready with pyarrow. webdataset's ShardWriter only
writes rows that are ready. BUCKET is a folder laid out as PMC's bucket; its pictures are padded to
153 kB, the mean of PMC.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
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


import pyarrow.parquet as pq
import webdataset
from inputs import pad_bucket
from lxml import etree

from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.extraction.extract import extract
from biomedica_dataset.folder.manifest import read_manifest
from biomedica_dataset.folder.parquet import TableWriter
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.rows import rows_of
from biomedica_dataset.schema import TABLES
from biomedica_dataset.serialization.serialize import serialize

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa


SHARD_WRITER = "ShardWriter, rows ready, raw"
LEAST = "the least"


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


def tables_of(dataset: Path) -> list[tuple[type, list[pa.Table]]]:
    """Return the tables of a dataset folder, each as its row groups."""
    tables = []
    for file in read_manifest(Folder(dataset)).files:
        parquet = pq.ParquetFile(dataset / file.path)
        groups = [parquet.read_row_group(n) for n in range(parquet.num_row_groups)]
        tables.append((TABLES[file.config], groups))
    return tables


def do_the_least(archive: Path, tables: list[tuple[type, list[pa.Table]]], output: Path) -> None:
    """Read, parse and digest an archive, and write tables."""
    for path in sorted(archive.glob("articles/*.parquet")):
        articles = pq.ParquetFile(path)
        for group in range(articles.num_row_groups):
            for document in articles.read_row_group(group)["xml"].drop_null():
                with contextlib.suppress(etree.XMLSyntaxError, ValueError):
                    etree.fromstring(document.as_py())
    for path in sorted(archive.glob("images/*.parquet")):
        images = pq.ParquetFile(path)
        for group in range(images.num_row_groups):
            for image in images.read_row_group(group, ["bytes"])["bytes"]:
                hashlib.sha256(image.as_buffer()).hexdigest()
    folder = Folder(output)
    for number, (table, groups) in enumerate(tables):
        with folder.create() as file:
            writer = TableWriter(file, table, {})
            for group in groups:
                writer.write_table(group)
            writer.close()
            file.publish(f"{number}.parquet")


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
        serialize(root / "archive", root / "first", workers=1)
        tables = tables_of(root / "first")
        ways = {
            SHARD_WRITER: lambda n: write_tars(samples, root / f"tars{n}"),
            LEAST: lambda n: do_the_least(root / "archive", tables, root / f"least{n}"),
            "serialize": lambda n: serialize(root / "archive", root / f"dataset{n}", workers=1),
        }
        best: dict[str, tuple[float, float]] = {}
        for round_number in range(options.rounds):
            for name, way in ways.items():
                wall, cpu = seconds(lambda way=way, n=round_number: way(n))
                before = best.get(name, (float("inf"), float("inf")))
                best[name] = min(before[0], wall), min(before[1], cpu)
    (wall_of_writer, _), (_, cpu_of_least) = best[SHARD_WRITER], best[LEAST]
    for name, (wall, cpu) in best.items():
        print(f"{name:<30} {len(samples) / wall:7.0f} samples/s ({wall_of_writer / wall:.2f} x)   "
              f"{cpu:5.2f} s of CPU ({cpu / cpu_of_least:.2f} of the least)")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
