"""What extract costs beside what it cannot do without: ratios measured in one run.

::

    python benchmarks/extract.py BUCKET [--rounds 3]

BUCKET is one that ``../shared/tools/make_bucket.py BUCKET --copies 16`` makes: some 4,100 real
articles in five blocks, 31,000 objects. It is served over loopback by tests/servers/fast.py, an
event loop in a process of its own that keeps the files in memory. Each measurement is a fresh
process; of the rounds the median counts.

(a) objects/s at 40 ms a request and 128 requests in flight: extract and obstore alone getting the
same objects; (b) CPU seconds without latency: extract, and GET + MD5 + lxml.etree.fromstring +
read_article of the same bytes; (c) articles/s of extract held to one core, at 40 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from options import check


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one-core", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("arguments", nargs="+", metavar="BUCKET")
    return parser


if __name__ == "__main__":
    check(arguments())


if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER = Path(__file__).resolve().parents[1] / "tests" / "servers" / "fast.py"
INVENTORY = "2026-11-20T01-00Z"
IN_FLIGHT = 128
LATENCY = 0.04


@contextlib.contextmanager
def served(bucket: Path, latency: float) -> Iterator[str]:
    command = [sys.executable, str(SERVER), str(bucket), "--latency", str(latency)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin
        assert server.stdout
        yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        server.stdin.close()


def extract(url: str, archive: str, workers: int) -> dict[str, Any]:
    from biomedica_dataset import extract as run

    report = run(url, archive, inventory=INVENTORY, workers=workers)
    return {"articles": sum(report.articles.values())}


def read(url: str, keys: str, *, parse: bool) -> dict[str, Any]:
    """Get the objects that extract gets; with ``parse`` do what must be done with them."""
    from lxml import etree

    from biomedica_dataset.errors import ArticleError
    from biomedica_dataset.io.objects import RetryPolicy, open_store
    from biomedica_dataset.jats.reader import read_article

    store, _folder = open_store(url, RetryPolicy())
    waiting = iter(Path(keys).read_text().splitlines())

    async def work() -> None:
        for key in waiting:
            body = bytes(await (await store.get_async(key)).bytes_async())
            if not parse:
                continue
            hashlib.md5(body, usedforsecurity=False).hexdigest()
            if key.endswith(".xml"):
                with contextlib.suppress(etree.XMLSyntaxError, ArticleError):
                    etree.fromstring(body)
                    read_article(body)

    async def crowd() -> None:
        await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))

    asyncio.run(crowd())
    return {}


def fetched_keys(archive: str) -> list[str]:
    from biomedica_dataset.archive.ledger import Archive

    opened = Archive.open(archive)
    keys = []
    for block in opened.blocks():
        for row in opened.rows(block):
            if row.metadata is not None:
                keys.append(f"metadata/{row.name}.json")
            if row.xml is not None:
                keys.append(f"{row.name}/{row.name}.xml")
            kept = (entry.name for entry in row.images if entry.status == "kept")
            keys += [f"{row.name}/{name}" for name in dict.fromkeys(kept)]
    return keys


def measured(what: str, *arguments: object, one_core: bool = False) -> dict[str, Any]:
    """Return what a fresh process says of one measurement."""
    command = [sys.executable, __file__, "--measure", what, *map(str, arguments)]
    if one_core:
        command.insert(2, "--one-core")
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def measure(what: str, arguments: list[str]) -> None:
    """Do one measurement in this process, and print it."""
    began, before = time.perf_counter(), _cpu()
    if what == "extract":
        with tempfile.TemporaryDirectory(dir=arguments[1]) as folder:
            result = extract(arguments[0], f"{folder}/archive", int(arguments[2]))
    else:
        result = read(arguments[0], arguments[1], parse=what == "parse")
    result |= {"wall": time.perf_counter() - began, "cpu": _cpu() - before}
    print(json.dumps(result))


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def compare(bucket: Path, work: Path, rounds: int) -> None:
    keys = work / "keys"
    with served(bucket, 0) as url:
        extract(url, f"{work}/archive", 2)
        keys.write_text("\n".join(fetched_keys(f"{work}/archive")))
        count = len(keys.read_text().splitlines())
        print(f"{count:,} objects\n(b) CPU seconds, no latency")
        ratios = []
        for _ in range(rounds):
            least = measured("parse", url, keys)["cpu"]
            ours = measured("extract", url, work, 1)["cpu"]
            ratios.append(ours / least)
            print(f"    GET + MD5 + parse {least:.1f}, extract {ours:.1f}: {ratios[-1]:.2f} times")
        print(f"    median {statistics.median(ratios):.2f} times (at most 1.5)")
    with served(bucket, LATENCY) as url:
        measured("get", url, keys)  # the server reads its files
        print(f"(a) objects/s at {1000 * LATENCY:.0f} ms, {IN_FLIGHT} in flight")
        for workers in (1, 2):
            shares = []
            for _ in range(rounds):
                alone = count / measured("get", url, keys)["wall"]
                ours = count / measured("extract", url, work, workers)["wall"]
                shares.append(ours / alone)
                print(f"    obstore {alone:,.0f}, extract {ours:,.0f}: {shares[-1]:.0%}")
            print(
                f"    median with {workers} workers {statistics.median(shares):.0%} (at least 70 %)"
            )
        print(f"(c) articles/s on one core at {1000 * LATENCY:.0f} ms")
        rates = []
        for _ in range(rounds):
            result = measured("extract", url, work, 1, one_core=True)
            rates.append(result["articles"] / result["wall"])
        print(f"    median {statistics.median(rates):.0f}")


def main() -> None:
    options = arguments().parse_args()
    if options.one_core:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    if options.measure:
        measure(options.measure, options.arguments)
        return
    with tempfile.TemporaryDirectory(prefix="biomedica-extract-") as work:
        compare(Path(options.arguments[0]), Path(work), options.rounds)


if __name__ == "__main__":
    main()
