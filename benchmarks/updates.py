"""What the monthly refresh costs: nothing has changed, or one article in a thousand.

::

    python benchmarks/updates.py nothing [--rows 9284625]
    python benchmarks/updates.py few BUCKET

``nothing`` makes an inventory of so many article versions and an archive that agrees with it, both
in the form of the real ones (blocks of 1000 PMCIDs, a ledger row each), serves the inventory over
loopback and runs ``biomedica extract`` in a fresh process. It prints the time, the largest memory
of a process, what was asked for, and whether any file of the archive was touched.

``few`` takes a bucket of ``../shared/tools/make_bucket.py BUCKET --copies 16`` (it is changed):
of every thousand articles one gets another picture. It prints the bytes that extract fetched beside
those of what changed, the inventory apart.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import io
import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from options import check


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["nothing", "few"])
    parser.add_argument("bucket", nargs="?", type=Path)
    parser.add_argument("--rows", type=int, default=9_284_625)
    return parser


if __name__ == "__main__":
    check(arguments())


import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from biomedica_dataset.pmc.inventory import Inventory

REPORTS = "inventory-reports/pmc-oa-opendata/metadata"
FIRST, SECOND = "2026-11-20T01-00Z", "2026-11-21T01-00Z"
REAL_ROWS = 9_284_625
HIGHEST = 13_900_000
A_FILE = 500_000  # rows of one file of the inventory


def lines(rows: int) -> Iterator[tuple[int, int, str]]:
    """Yield PMCID, version and ETag: as many PMCIDs as PMC has, a few with two versions."""
    rng = np.random.default_rng(0)
    articles = rows - rows // 60
    highest = HIGHEST * rows // REAL_ROWS  # as many articles a block as PMC has
    pmcids = np.sort(rng.choice(np.arange(1, highest), articles, replace=False))
    second = set(rng.choice(articles, rows - articles, replace=False).tolist())
    for number, pmcid in enumerate(pmcids.tolist()):
        for version in (1, 2) if number in second else (1,):
            yield pmcid, version, hashlib.md5(f"{pmcid}.{version}".encode()).hexdigest()


def write_inventory(bucket: Path, rows: int) -> None:
    files, table = [], io.StringIO()

    def put() -> None:
        data = gzip.compress(table.getvalue().encode(), 1, mtime=0)
        key = f"{REPORTS}/data/{len(files)}.csv.gz"
        bucket.joinpath(key).parent.mkdir(parents=True, exist_ok=True)
        bucket.joinpath(key).write_bytes(data)
        files.append({"key": key, "MD5checksum": hashlib.md5(data).hexdigest()})

    for number, (pmcid, version, etag) in enumerate(lines(rows), start=1):
        key = f"metadata/PMC{pmcid}.{version}.json"
        table.write(f'"pmc-oa-opendata","{key}","2026-01-08T11:47:59.000Z","{etag}"\n')
        if number % A_FILE == 0:
            put()
            table = io.StringIO()
    put()
    manifest = {"fileSchema": "Bucket, Key, LastModifiedDate, ETag", "files": files}
    path = bucket / REPORTS / FIRST / "manifest.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(manifest))


def write_archive(folder: Path, url: str, inventory: Inventory) -> None:
    """Write an archive that agrees with an inventory: no article of it has a figure."""
    from biomedica_dataset.archive.entries import LedgerRow
    from biomedica_dataset.archive.ledger import Archive
    from biomedica_dataset.archive.selection import Selection, Wants
    from biomedica_dataset.extraction.fetch import Fetched
    from biomedica_dataset.extraction.previous import PreviousBlock
    from biomedica_dataset.extraction.tasks import Task
    from biomedica_dataset.extraction.write import write_block
    from biomedica_dataset.io.folders import Folder

    archive = Archive.create(Folder(folder), url, Selection(), 1000)
    for number, part in inventory.blocks(1000):
        rows = [
            LedgerRow(
                pmcid=v.pmcid, version=v.version, etag=v.etag,
                status="rejected", reason="no_figures",
            )
            for v in part.versions()
        ]  # fmt: skip
        write_block(archive, Task(number, part, Wants()), [Fetched(rows)], PreviousBlock())


def extract(url: str, archive: Path, inventory: str) -> str:
    """Run extract in a fresh process; return what it says, with its time and largest memory."""
    from tests.reliability.memory import run_measured

    command = ["-m", "biomedica_dataset", "extract", url, "-o", str(archive)]
    stage = run_measured("extract", [*command, "--inventory", inventory])
    return f"{stage.said}\n{stage.seconds:.1f} s, {stage.megabytes:.0f} MB at most"


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    found = ((path, path.stat()) for path in folder.rglob("*"))
    return {str(path): (stat.st_ino, stat.st_mtime_ns) for path, stat in found}


def nothing(work: Path, rows: int) -> None:
    from biomedica_dataset.pmc.inventory import read_inventory
    from biomedica_dataset.pmc.source import Source
    from tests.servers import BucketServer

    bucket, archive = work / "bucket", work / "archive"
    write_inventory(bucket, rows)
    with BucketServer(bucket) as server:
        write_archive(archive, server.url, read_inventory(Source(server.url), FIRST))
        extract(server.url, archive, FIRST)  # writes the report, which the making left out
        server.forget()
        before = stamps(archive)
        print(extract(server.url, archive, FIRST))
        kinds = sorted({key.partition("/")[0] for key in server.asked()})
        print(f"{len(server.asked())} requests, all of {', '.join(kinds)}")
        print("the archive was", "left alone" if stamps(archive) == before else "TOUCHED")


def few(bucket: Path, work: Path) -> None:
    from tests.servers import BucketServer

    with BucketServer(bucket) as server:
        print(extract(server.url, work / "archive", FIRST))
        changed = change_some(bucket)
        server.forget()
        began = time.perf_counter()
        print(extract(server.url, work / "archive", SECOND))
        sent = [r.sent for r in server.log if not r.key.startswith("inventory-reports")]
    print(f"{len(sent)} requests, {time.perf_counter() - began:.1f} s")
    print(
        f"{sum(sent):,} bytes fetched, {changed:,} changed: {sum(sent) / changed:.3f} (at most 1.1)"
    )


def change_some(bucket: Path) -> int:
    """Give one article in a thousand another picture; return the bytes of what has changed."""
    from PIL import Image

    manifest = json.loads((bucket / REPORTS / FIRST / "manifest.json").read_bytes())
    data = gzip.decompress((bucket / manifest["files"][0]["key"]).read_bytes()).decode()
    table = list(csv.reader(io.StringIO(data)))
    changed = 0
    for row in table[500::1000]:
        path = bucket / row[1]
        name = path.stem
        picture = next(p for p in sorted((bucket / name).iterdir()) if p.suffix == ".jpg")
        old = hashlib.md5(picture.read_bytes()).hexdigest()
        Image.effect_noise((600, 400), 50).convert("RGB").save(picture)
        new = hashlib.md5(picture.read_bytes()).hexdigest()
        path.write_text(path.read_text().replace(old, new))
        row[3] = hashlib.md5(path.read_bytes()).hexdigest()
        changed += path.stat().st_size + picture.stat().st_size
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(table)
    packed = gzip.compress(text.getvalue().encode(), mtime=0)
    key = f"{REPORTS}/data/second.csv.gz"
    (bucket / key).write_bytes(packed)
    manifest["files"] = [{"key": key, "MD5checksum": hashlib.md5(packed).hexdigest()}]
    (bucket / REPORTS / SECOND).mkdir(parents=True)
    (bucket / REPORTS / SECOND / "manifest.json").write_text(json.dumps(manifest))
    return changed


def main() -> None:
    options = arguments().parse_args()
    with tempfile.TemporaryDirectory(prefix="biomedica-updates-") as work:
        if options.what == "nothing":
            nothing(Path(work), options.rows)
        else:
            few(options.bucket, Path(work))


if __name__ == "__main__":
    main()
