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
LONG = 1 << 25  # bytes of an answer, which takes some time on its way


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
    end_processes(pool)
    return sum(is_there(process.pid) for process in processes)


def is_there(pid):
    """Whether there is such a process; `is_alive` errs while the pool's thread waits for it too."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def end_while_sending():
    """End pools whose processes are in the middle of an answer."""
    for _ in range(3):
        pool = ProcessPoolExecutor(COUNT, get_context("spawn"), ignore_sigterm)
        futures = [pool.submit(bytes, LONG) for _ in range(3 * COUNT)]
        futures[0].result()
        end_processes(pool)
    return 0


def run(*arguments):
    command = [sys.executable, "-m", "tests.engine.test_pool", *map(str, arguments)]
    return subprocess.run(command, cwd=Path(__file__).parents[2], check=False, timeout=60)


@pytest.mark.parametrize("which", range(COUNT))  # one of them holds the lock of their queue
def test_the_others_end_where_an_idle_one_was_killed(which):
    assert run(which).returncode == 0


def test_the_interpreter_ends_where_answers_were_cut_short():
    assert run().returncode == 0


if __name__ == "__main__":
    sys.exit(kill_one(int(sys.argv[1])) if sys.argv[1:] else end_while_sending())
