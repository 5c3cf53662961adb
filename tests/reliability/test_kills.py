"""A reduced number of `kills`, each stage in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .kills import STAGES

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("stage", STAGES)
def test_a_killed_run_is_done_again_to_the_same_bytes(stage):
    command = [sys.executable, "-m", "tests.reliability.kills", "--times", "2", "--stages", stage]
    variables = {n: v for n, v in os.environ.items() if n not in ("HF_HUB_OFFLINE", "HF_HOME")}
    done = subprocess.run(
        command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(rf"{stage}: 2 runs killed, .* 0 came out other", done.stdout)
