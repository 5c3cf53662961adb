"""A reduced number of `kills`, `moments` and `disks`, each stage in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .disks import disk
from .stages import STAGES

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def said(experiment, *options):
    """Return what an experiment says, which must be that nothing came out other."""
    command = [sys.executable, "-m", f"tests.reliability.{experiment}", *map(str, options)]
    variables = {n: v for n, v in os.environ.items() if n not in ("HF_HUB_OFFLINE", "HF_HOME")}
    done = subprocess.run(
        command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("stage", STAGES)
def test_a_disturbed_run_is_done_again_to_the_same_bytes(stage):
    found = said("kills", "--times", 1, "--stages", stage)

    assert re.search(rf"{stage}, group: 1 runs, 0 came out other", found)


@pytest.mark.parametrize("stage", STAGES)
def test_a_run_that_ends_at_a_call_is_done_again_to_the_same_bytes(stage):
    found = said("moments", "--every", 29, "--stages", stage)

    assert re.search(rf"{stage}: ended at [1-9]\d* moments, 0 came out other", found)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_goes_on_after_its_disk_was_full(stage, tmp_path):
    try:
        with disk(tmp_path / "disk", 4096):
            pass
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a disk cannot be mounted here")

    assert f"{stage}: 2 disks full, 0 came out other" in said(
        "disks", "--times", 2, "--stages", stage
    )
