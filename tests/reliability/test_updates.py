"""What a month later costs: reduced numbers of `benchmarks/updates.py`."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ..extract.helpers import DAY, REPORTS, Bucket, BucketServer, run
from .buckets import article, figure, put

FIRST = "2026-11-20T01-00Z"
ROOT = Path(__file__).parents[2]
ARTICLES = 2000


def put_article(bucket: Path, number: int, caption: str) -> int:
    """Put an article with a figure into a bucket; return its bytes."""
    name = f"PMC{9_000_000 + 3 * number}.1"
    shutil.rmtree(bucket / name, ignore_errors=True)
    picture = f"{name} {caption}".encode() * 100
    put(bucket, 9_000_000 + 3 * number, article(figure("g.jpg", caption)), {"g.jpg": picture})
    files = [bucket / "metadata" / f"{name}.json", *(bucket / name).iterdir()]
    return sum(path.stat().st_size for path in files)


@pytest.mark.slow
def test_one_article_in_a_thousand_costs_no_more_than_its_bytes(tmp_path):
    bucket, archive = Bucket(tmp_path / "bucket"), tmp_path / "archive"
    (bucket.root / REPORTS / "data").mkdir(parents=True)
    for number in range(ARTICLES):
        put_article(bucket.root, number, "Made up.")
    bucket.take_inventory(FIRST)
    with BucketServer(bucket.root) as server:
        run(server.url, archive, inventory=FIRST)
        changed = [put_article(bucket.root, n, "Changed.") for n in range(500, ARTICLES, 1000)]
        bucket.take_inventory(DAY)
        server.forget()
        report = run(server.url, archive, inventory=DAY)
        sent = [one.sent for one in server.log if not one.key.startswith("inventory-reports")]

    assert report.changes == {"content changed": len(changed)}
    assert sum(changed) <= sum(sent) <= 1.1 * sum(changed)


@pytest.mark.slow
def test_a_large_inventory_without_a_change_touches_nothing():
    command = [sys.executable, "benchmarks/updates.py", "nothing", "--rows", "200000"]
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout

    assert "nothing to do: the archive is up to date" in said
    assert "2 requests, all of inventory-reports" in said
    assert "the archive was left alone" in said
    *_made, memory = re.findall(r"(\d+) MB at most", said)
    assert int(memory) < 400
