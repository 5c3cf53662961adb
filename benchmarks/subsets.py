"""Samples per second and bytes per sample of subsets: image and caption, over loopback HTTP.

    python benchmarks/subsets.py [BUCKET]

All rows, a random 5 % and a random 0.5 %, read by `open_dataset`; by webdataset, which must read
everything and throw the rest away; by datasets' parquet builder with ``columns=``, which must too;
and by pyarrow with obstore and the exact ranges, the least that anyone can do. Bytes are counted by
nginx, the index apart, and set against the bytes of the chosen images and captions. nginx, curl and
aiohttp must be installed. BUCKET is a folder laid out as PMC's bucket; its pictures are padded to
153 kB, the mean of PMC.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from options import BUCKET, check


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bucket", **BUCKET)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--latency", type=float, default=0, help="Seconds before each answer.")
    parser.add_argument("--keep", type=Path, help="Folder of the inputs, made where it is empty.")
    return parser


if __name__ == "__main__":
    check(arguments(), tools=("nginx", "curl"))


import datasets
import obstore
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import webdataset
from inputs import pad_bucket
from obstore.store import HTTPStore
from serving import sent, served
from stream import write_fat_tars

from biomedica_dataset.extraction.extract import extract
from biomedica_dataset.serialization.serialize import serialize
from biomedica_dataset.streaming.dataset import open_dataset

if TYPE_CHECKING:
    from collections.abc import Callable

SHARES = {"all": 1.0, "5 %": 0.05, "0.5 %": 0.005}


def read_ours(address: str, keys: set[str] | None, seed: int | None) -> Callable[[], int]:
    filters = None if keys is None else [("key", "in", sorted(keys))]
    rows = open_dataset(address, columns=["image", "caption"], filters=filters, seed=seed)
    rows = rows.cast_column("image", datasets.Image(decode=False))
    return lambda: sum(1 for _ in rows)


def read_tars(urls: list[str], keys: set[str] | None) -> int:
    pipes = [f"pipe:curl -s -f {url}" for url in urls]
    samples = webdataset.WebDataset(pipes, shardshuffle=False).to_tuple("__key__", "jpg", "txt")
    return sum(1 for key, _image, _caption in samples if keys is None or key in keys)


def read_parquet(urls: list[str], keys: set[str] | None) -> int:
    rows = datasets.load_dataset(
        "parquet",
        data_files={"train": urls},
        columns=["key", "image", "caption"],
        split="train",
        streaming=True,
    ).cast_column("image", datasets.Image(decode=False))
    return sum(1 for row in rows if keys is None or row["key"] in keys)


class _Readable:
    """obstore's file as Arrow wants it."""

    closed = False

    def __init__(self, file: obstore.ReadableFile) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, count: int = -1) -> bytes:
        return bytes(self._file.read(count))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()


def read_exactly(address: str, index: pa.Table, keys: set[str] | None) -> int:
    """Read chosen ranges with obstore, captions with pyarrow: no order, retries or checks."""
    store = HTTPStore.from_url(address, client_options={"allow_http": True})
    by_file: dict[str, list[tuple[int, int, int]]] = {}
    for row in index.to_pylist():
        if keys is None or row["key"] in keys:
            by_file.setdefault(row["file"], []).append(
                (row["row"], row["image_offset"], row["image_length"])
            )

    def one(item: tuple[str, list[tuple[int, int, int]]]) -> int:
        file, rows = item
        images = obstore.get_ranges(
            store, file, starts=[r[1] for r in rows], lengths=[r[2] for r in rows], coalesce=4096
        )
        opened = pq.ParquetFile(
            pa.PythonFile(_Readable(obstore.open_reader(store, file, buffer_size=4096)), mode="r"),
            pre_buffer=False,
        )
        ends, count = [], 0
        for group in range(opened.num_row_groups):
            count += opened.metadata.row_group(group).num_rows
            ends.append(count)
        groups = {next(g for g, end in enumerate(ends) if r[0] < end) for r in rows}
        captions = [opened.read_row_group(g, columns=["caption"]) for g in sorted(groups)]
        pa.concat_tables(captions)["caption"].to_pylist()
        return sum(1 for image in images if bytes(image))

    with ThreadPoolExecutor(16) as pool:
        return sum(pool.map(one, by_file.items()))


def ways(
    address: str, www: Path, index: pa.Table, share: float
) -> tuple[int, int, dict[str, Callable[[], int]]]:
    """Return rows chosen, bytes of their images and captions, and how each reader gets them."""
    names = index["key"].to_pylist()
    keys = (
        None
        if share == 1
        else set(random.Random(0).sample(names, max(1, round(share * len(names)))))
    )
    chosen = [row for row in index.to_pylist() if keys is None or row["key"] in keys]
    size = sum(row["image_length"] + row["caption_length"] for row in chosen)
    files = sorted(set(index["file"].to_pylist()))
    shards = [f"{address}/biomedica/{file}" for file in files]
    tars = [f"{address}/tars/{path.name}" for path in sorted((www / "tars").iterdir())]
    return len(chosen), size, {
        "open_dataset": read_ours(f"{address}/biomedica", keys, None),
        "open_dataset, seed=0": read_ours(f"{address}/biomedica", keys, 0),
        "webdataset, published layout": lambda: read_tars(tars, keys),
        "datasets parquet, columns=": lambda: read_parquet(shards, keys),
        "pyarrow and obstore, exact ranges": lambda: read_exactly(
            f"{address}/biomedica", index, keys
        ),
    }  # fmt: skip


def measure(root: Path, address: str, rounds: int) -> None:
    index = pads.dataset(root / "www" / "biomedica" / "index").to_table()
    print(f"{len(index)} samples, {len(set(index['file'].to_pylist()))} shards")
    for name, share in SHARES.items():
        count, size, readers = ways(address, root / "www", index, share)
        print(f"{name}: {count} samples of {size / count:,.0f} bytes")
        best, moved = dict.fromkeys(readers, float("inf")), dict.fromkeys(readers, 0)
        for _ in range(rounds):
            for reader, read in readers.items():
                before, started = sent(root), time.perf_counter()
                found = read()
                best[reader] = min(best[reader], time.perf_counter() - started)
                time.sleep(0.2)  # nginx writes its log when an answer has ended
                moved[reader] = sent(root) - before
                assert found == count, (reader, found, count)
        for reader, wall in best.items():
            print(
                f"  {reader:<36} {count / wall:8.0f} samples/s {moved[reader] / size:9.3f} "
                "bytes per byte chosen"
            )


def make_inputs(bucket: Path, root: Path) -> None:
    pad_bucket(bucket, root / "bucket")
    # As a selection, so that its blocks are as full as those of PMC.
    extract(str(root / "bucket"), str(root / "archive"), limit=10**6)
    serialize(root / "archive", root / "www" / "biomedica")
    write_fat_tars(root / "archive", root / "www" / "tars")


def main() -> None:
    options = arguments().parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = options.keep or Path(scratch)
        root.mkdir(exist_ok=True)
        root.chmod(0o755)
        (root / "access.log").touch()
        (root / "access.log").chmod(0o666)
        datasets.config.HF_CACHE_HOME = str(root / "cache")
        if not (root / "www").exists():
            make_inputs(options.bucket, root)
        with served(root, options.latency) as address:
            measure(root, address, options.rounds)


if __name__ == "__main__":
    sys.exit(main())
