"""Runs that are killed leave valid blocks, and the next run ends where an undisturbed one does."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from biomedica_dataset.io.folders import Folder
from biomedica_dataset.verification.verify import verify

from ..trees import tree
from .helpers import BucketServer, Fault, run

FIRST = "2026-11-20T01-00Z"
LAST = "PMC99003007.1"
UNNAMED = "no block names it; the next run of extract removes it"
"""What `verify` says of images that a killed run wrote before their block."""


@pytest.fixture(scope="module")
def server(sample_bucket):
    with BucketServer(sample_bucket, latency=0.05) as server:
        yield server


@pytest.fixture(scope="module")
def undisturbed(server, tmp_path_factory):
    archive = tmp_path_factory.mktemp("undisturbed") / "archive"
    run(server.url, archive, inventory=FIRST)
    return tree(archive)


def begin(server, archive, workers):
    command = [sys.executable, "-m", "biomedica_dataset", "extract", server.url, "-o", archive]
    return subprocess.Popen(
        [*command, "--inventory", FIRST, "--workers", str(workers)],
        stderr=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


def wait_for(condition, seconds=90.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.002)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_run_is_continued_to_the_same_bytes(server, undisturbed, archive, workers):
    rng = random.Random(workers)
    for _ in range(3):
        process = begin(server, archive, workers)
        wait_for((archive / "archive.json").exists)
        time.sleep(rng.uniform(0, 0.6 * workers))
        process.kill()
        process.communicate()
        wait_for(lambda process=process: not _group(process.pid))  # orphans end with their block
        problems = verify(archive).problems
        assert [problem for problem in problems if not problem.endswith(UNNAMED)] == []
    run(server.url, archive, inventory=FIRST)

    assert tree(archive) == undisturbed


@pytest.mark.slow
def test_workers_end_with_a_parent_that_was_killed(server, archive):
    process = begin(server, archive, 2)
    wait_for(lambda: len(_group(process.pid)) >= 3)  # a worker, a resource tracker, itself
    process.kill()
    process.communicate()

    wait_for(lambda: not _group(process.pid))


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_ends_a_run_at_once_and_leaves_nothing_half_done(server, archive, workers):
    process = begin(server, archive, workers)
    wait_for((archive / "archive.json").exists)
    time.sleep(0.4 * workers)
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=90)

    assert process.returncode == 130
    assert time.monotonic() - began < 45
    assert said.decode().splitlines() == [
        "Stopped. What is finished stays valid; run the same command again to resume."
    ]
    assert not list(archive.glob(".partial-*"))
    assert verify(archive).problems == []


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_sweeps_images_that_no_block_names_and_leaves_those_of_others(
    sample_bucket, archive, workers
):
    left, other = (f"images/0000001-{digit * 16}.parquet" for digit in "ab")
    never = f"{LAST}/{LAST}.xml"
    with (
        BucketServer(sample_bucket, faults={never: Fault(stall=20)}) as server,
        Folder(archive).create() as file,
    ):
        process = begin(server, archive, workers)
        wait_for(lambda: list(archive.glob("articles/*.parquet")))
        file.publish(other)  # as a process that works on the same archive has it
        Path(archive, left).write_bytes(b"")  # as a process that was stopped leaves it
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=90)

        assert process.returncode == 130
        assert not Path(archive, left).exists()
        assert Path(archive, other).exists()


def _group(pid):
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == pid and fields[0] != "Z":
            found.append(path)
    return found
