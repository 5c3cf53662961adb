"""What several runs of this package share."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).parents[2]


def command(*arguments):
    """Return the command line of this package that a shell would run."""
    return [sys.executable, "-m", "biomedica_dataset", *map(str, arguments)]


def environment(**more):
    """Return the environment of a process that imports this checkout."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}
