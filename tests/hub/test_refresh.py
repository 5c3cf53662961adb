"""The monthly refresh of `docs/how-to/maintaining.md`, run as written there, against the stub."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from biomedica_dataset.verification.verify import verify

from ..extract.helpers import Bucket

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "maintaining.md"
NAME = "my-org/biomedica"
RETRACTED = "PMC99000101"


@pytest.fixture
def month(sample_bucket, environment, hub, tmp_path):
    """Run the four commands of the page on a copy of the sample bucket, with a tag."""
    bucket = Bucket(shutil.copytree(sample_bucket, tmp_path / "bucket"))
    block = re.search(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]

    def runs(tag):
        lines = block.replace("s3://pmc-oa-opendata", "bucket").replace("2026-12", tag).splitlines()
        for line in lines:
            name, *words = shlex.split(line)
            assert name == "biomedica"
            command = [sys.executable, "-m", "biomedica_dataset", *words]
            done = subprocess.run(
                command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr
        return len(lines)

    runs.bucket = bucket
    return runs


def at(hub, tag, folder):
    """Write what a tag holds into a folder."""
    repo = hub.repos[NAME]
    for path, file in repo.commits[repo.tags[tag]].items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(file.data)
    return folder


def articles(folder):
    files = (folder / "index").glob("*.parquet")
    return {i for f in files for i in pq.read_table(f)["article_accession_id"].to_pylist()}


def test_four_commands_refresh_the_dataset_and_take_a_retracted_article_out(
    month, hub, tmp_path, run
):
    assert month("2026-11") == 4
    month.bucket.change(f"{RETRACTED}.1", is_retracted=True)
    month.bucket.copy("PMC99003800.1", "PMC99003801.1")
    month.bucket.take_inventory("2026-12-21T01-00Z")
    hub.calls.clear()
    month("2026-12")
    before, after = at(hub, "2026-11", tmp_path / "11"), at(hub, "2026-12", tmp_path / "12")

    assert verify(before).problems == verify(after).problems == []
    assert articles(before) - articles(after) == {RETRACTED}
    assert articles(after) - articles(before) <= {"PMC99003801"}
    card = (after / "README.md").read_text(encoding="utf-8")
    assert "Since the last release" not in (before / "README.md").read_text(encoding="utf-8")
    assert "Compared with `2026-11`" in card
    assert "| articles | 1 | 1 |" in card
    assert RETRACTED.encode() not in b"".join(p.read_bytes() for p in after.rglob("*.parquet"))

    run(re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1])
    repo = hub.repos[NAME]
    assert not repo.tags
    assert len(repo.commits) == 1
    month("2026-12")
    assert repo.tags == {"2026-12": repo.refs["main"]}
    assert len(repo.commits) == 1
