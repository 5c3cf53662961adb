"""Inputs that several benchmarks share."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import random
import re
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FIGURE_BYTES = 153_000
"""Mean size of a figure in PMC, by BIOMEDICA's published 27 TB and our own baseline."""


def pad_bucket(source: Path, target: Path, size: int = FIGURE_BYTES) -> None:
    """Copy a bucket with every picture padded to a size.

    Readers of pictures ignore what follows the last pixel.
    """
    shutil.copytree(source, target)
    rng = random.Random(0)
    etags = {}
    for path in sorted((target / "metadata").glob("*.json")):
        record = json.loads(path.read_bytes())
        folder = target / path.stem
        record["media_urls"] = [
            _pad(url, folder, size, rng) for url in record.get("media_urls", [])
        ]
        data = json.dumps(record).encode()
        path.write_bytes(data)
        etags[f"metadata/{path.name}"] = hashlib.md5(data).hexdigest()
    _write_inventory(target, etags)


def _pad(url: str, folder: Path, size: int, rng: random.Random) -> str:
    address, _, _md5 = url.partition("?")
    path = folder / address.rpartition("/")[2]
    if re.search(r"\.(jpe?g|png|gif|tif|webp)$", path.name):
        data = path.read_bytes()
        path.write_bytes(data + rng.randbytes(max(0, size - len(data))))
    return f"{address}?md5={hashlib.md5(path.read_bytes()).hexdigest()}"


def _write_inventory(bucket: Path, etags: dict[str, str]) -> None:
    table = io.StringIO()
    writer = csv.writer(table, quoting=csv.QUOTE_ALL, lineterminator="\n")
    for key, etag in sorted(etags.items()):
        writer.writerow(["pmc-oa-opendata", key, "2026-11-19T11:47:59.000Z", etag])
    for manifest in bucket.glob("inventory-reports/*/metadata/*/manifest.json"):
        stored = json.loads(manifest.read_bytes())
        data = gzip.compress(table.getvalue().encode(), mtime=0)
        (bucket / stored["files"][0]["key"]).write_bytes(data)
        stored["files"][0]["MD5checksum"] = hashlib.md5(data).hexdigest()
        manifest.write_text(json.dumps(stored))
