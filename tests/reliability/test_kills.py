"""A reduced number of `kills`, `moments` and `disks`; the scripts try each stage in all of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .disks import disk

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
KILLED = [("extract", "serialize", "embed"), ("select", "panels", "push", "search")]
ENDED = [("tars", "cluster", "assign", "labels"), ("look", "joined", "select-tars")]
FULL = [("mesh", "review"), ("duplicates", "attributes", "train")]
"""Each stage in one of the experiments; those of a list in one process make what they need once."""


def said(experiment, *options):
    """Return what an experiment says, which must be that nothing came out other."""
    command = [sys.executable, "-m", f"tests.reliability.{experiment}", *map(str, options)]
    variables = {n: v for n, v in os.environ.items() if n not in ("HF_HUB_OFFLINE", "HF_HOME")}
    done = subprocess.run(
        command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("stages", KILLED)
def test_a_disturbed_run_is_done_again_to_the_same_bytes(stages):
    found = said("kills", "--times", 1, "--stages", *stages)

    for stage in stages:
        assert re.search(rf"{stage}, group: 1 runs, 0 came out other", found)


@pytest.mark.parametrize("stages", ENDED)
def test_a_run_that_ends_at_a_call_is_done_again_to_the_same_bytes(stages):
    found = said("moments", "--every", 61, "--stages", *stages)

    for stage in stages:
        assert re.search(rf"{stage}: ended at [1-9]\d* moments, 0 came out other", found)


@pytest.mark.parametrize("stages", FULL)
def test_a_stage_goes_on_after_its_disk_was_full(stages, tmp_path):
    try:
        with disk(tmp_path / "disk", 4096):
            pass
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a disk cannot be mounted here")
    found = said("disks", "--times", 1, "--stages", *stages)

    for stage in stages:
        assert f"{stage}: 1 disks full, 0 came out other" in found
