"""A reduced number of `begin`: six launchers, each a process of its own."""

from __future__ import annotations

import signal
import subprocess
import time

import pytest

from biomedica_dataset.extraction.extract import extract
from biomedica_dataset.io.folders import RUN

from ..scale.conftest import command, environment
from ..servers import BucketServer
from ..trees import tree
from .begin import HOW
from .test_kills import said

pytestmark = pytest.mark.slow

FIRST = "2026-11-20T01-00Z"


@pytest.mark.parametrize("where", ["disk", "s3"])
def test_six_that_begin_at_once_leave_one_result(where):
    stages = ["extract", "serialize", "mesh"] if where == "disk" else ["extract"]
    found = said("begin", "--times", 1, "--where", where, "--stages", *stages)

    for stage in stages:
        for how in HOW:
            assert f"{stage}, {where}, {how}: 1 times, 0 came out other" in found


def test_of_two_commands_that_take_over_the_last_wins_and_the_other_says_so(
    sample_bucket, tmp_path
):
    output = tmp_path / "archive"
    with BucketServer(sample_bucket, latency=0.3) as server:
        options = ["--inventory", FIRST, "--workers", 1, "-o", output, "--take-over"]
        run = command("extract", server.url, *options)
        pipes = {"env": environment(), "text": True, "stderr": subprocess.PIPE}
        pipes["stdout"] = subprocess.DEVNULL
        with subprocess.Popen(run, **pipes) as first:
            end = time.monotonic() + 60
            while not (output / RUN).exists():
                assert first.poll() is None
                assert time.monotonic() < end, "it did not begin"
                time.sleep(0.01)
            first.send_signal(signal.SIGSTOP)  # however slow the start of the other is
            last = subprocess.run(run, **pipes, check=False)
            first.send_signal(signal.SIGCONT)
            told = first.communicate(timeout=120)[1]
        extract(server.url, tmp_path / "calm", workers=1, inventory=FIRST)

    assert (first.returncode, last.returncode) == (1, 0), told + last.stderr
    assert f"{output} was taken over from this run" in told
    assert tree(output) == tree(tmp_path / "calm")
