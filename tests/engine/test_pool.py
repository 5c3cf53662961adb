"""Processes of a pool end when they are told to, whatever became of one of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from biomedica_dataset.engine.pool import end_processes

COUNT = 2


def ignore_sigterm():
    """Do as decoders of a training do."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def kill_one(which):
    """Kill an idle process of a pool and end the others; return how many live on."""
    pool = ProcessPoolExecutor(COUNT, get_context("spawn"), ignore_sigterm)
    for future in [pool.submit(os.getppid) for _ in range(COUNT)]:
        future.result()
    processes = list(pool._processes.values())
    processes[which].kill()
    end_processes(pool)
    return sum(process.is_alive() for process in processes)


@pytest.mark.parametrize("which", range(COUNT))  # one of them holds the lock of their queue
def test_the_others_end_where_an_idle_one_was_killed(which):
    run = [sys.executable, "-m", "tests.engine.test_pool", str(which)]
    done = subprocess.run(run, cwd=Path(__file__).parents[2], check=False, timeout=60)

    assert done.returncode == 0


if __name__ == "__main__":
    sys.exit(kill_one(int(sys.argv[1])))
