"""Streams and extracts from a server that spoils a share of its answers, and counts the losses.

::

    python -m tests.reliability.trouble --runs 20
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import datasets

from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.archive.selection import Selection
from biomedica_dataset.errors import BiomedicaError
from biomedica_dataset.extraction.blocks import run_blocks
from biomedica_dataset.extraction.options import ExtractOptions
from biomedica_dataset.extraction.tasks import find_tasks
from biomedica_dataset.extraction.versions import list_versions
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.io.objects import RetryPolicy
from biomedica_dataset.pmc.source import Source
from biomedica_dataset.sample.bucket import write_bucket
from biomedica_dataset.streaming.dataset import open_dataset

from ..servers import BucketServer, trouble
from ..streaming.folders import write_dataset

if TYPE_CHECKING:
    from collections.abc import Callable

SILENCE = 1.0
POLICY = RetryPolicy(silence=SILENCE)


def stream(url: str, _folder: Path) -> list[object]:
    """Return the rows of an epoch."""
    rows = open_dataset(url, seed=0).cast_column("image", datasets.Image(decode=False))
    return list(rows)


def extract(url: str, folder: Path, bucket: Path) -> dict[str, bytes]:
    """Return the files of an archive of all articles; raise where a block stays unwritten."""
    tasks = find_tasks(
        1000, list_versions(Source(str(bucket)), Selection(), None), ExtractOptions()
    )
    archive = Archive.create(Folder(folder), "x", Selection(), 1000)
    failed = run_blocks(archive, Source(url, POLICY), tasks, lambda *_: None).failed
    if failed:
        raise BiomedicaError(next(iter(failed.values())))
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.parquet")}


def attempt(root: Path, share: float, runs: int, work: Callable[[str, Path], object]) -> str:
    """Return a line of the table: how many runs gave what a calm server gives."""
    whole = wrong = spoilt = asked = 0
    times: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        with BucketServer(root) as server:
            calm = work(server.url, Path(scratch, "calm"))
        for number in range(runs):
            with BucketServer(root, share=(share, trouble(SILENCE * 1.5)), salt=number) as server:
                started = time.monotonic()
                try:
                    same = work(server.url, Path(scratch, str(number))) == calm
                    whole, wrong = whole + same, wrong + (not same)
                except BiomedicaError as error:
                    sys.stderr.write(f"{error}\n")
                times.append(time.monotonic() - started)
                asked += len(server.log)
                spoilt += server.spoilt
    mean = sum(times) / len(times)
    return (
        f"| {share:.0%} | {asked:,} | {spoilt:,} | {runs} | {whole} | {runs - whole - wrong} | "
        f"{wrong} | {mean:.1f} s |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    head = "share | requests | spoilt | runs | whole | ended in an error | wrong | mean time"
    sys.stdout.write(f"| what | {head} |\n|{'---|' * 9}\n")
    with tempfile.TemporaryDirectory() as scratch:
        folder, bucket = Path(scratch, "biomedica"), Path(scratch, "bucket")
        write_dataset(folder)
        write_bucket(bucket)
        kinds: dict[str, tuple[Path, Callable[[str, Path], object]]] = {
            "stream": (folder, stream),
            "extract": (bucket, lambda url, out: extract(url, out, bucket)),
        }
        for name, (root, work) in kinds.items():
            for share in (0.05, 0.15):
                with (
                    mock.patch("biomedica_dataset.io.web._SILENCE", SILENCE),
                    mock.patch("datasets.config.HF_CACHE_HOME", f"{scratch}/{name}{share}"),
                ):
                    sys.stdout.write(f"| {name} {attempt(root, share, runs, work)}\n")
                    sys.stdout.flush()


if __name__ == "__main__":
    main()
