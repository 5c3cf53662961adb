"""The script of the documentation, as an array that a stand-in for Slurm runs on this machine."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
import textwrap
import time

import pytest

from biomedica_dataset.extraction.extract import extract
from biomedica_dataset.io.folders import RUN

from ..servers import BucketServer
from ..trees import tree
from .conftest import ROOT, command, environment

FIRST = "2026-11-20T01-00Z"

# Runs the tasks of an array side by side, like `sbatch --wait`; a task that is killed is begun
# again under the same numbers, as --requeue says. Ctrl-C is scancel.
SBATCH = """\
#!{python}
import os, re, signal, subprocess, sys, time
options, job = [], None
script = next(n for n, word in enumerate(sys.argv) if n and not word.startswith("-"))
words = [line[8:].strip() for line in open(sys.argv[script]) if line.startswith("#SBATCH ")]
array = [word for word in [*words, *sys.argv[1:script]] if word.startswith("--array=")][-1]
first, last = map(int, array[8:].partition("%")[0].split("-"))
job = str(os.getpid())
tasks = {{}}
def begin(task):
    numbers = {{"ID": task, "MIN": first, "MAX": last, "STEP": 1, "COUNT": last - first + 1}}
    slurm = {{f"SLURM_ARRAY_TASK_{{name}}": str(value) for name, value in numbers.items()}}
    environment = {{**os.environ, **slurm, "SLURM_ARRAY_JOB_ID": job}}
    tasks[task] = subprocess.Popen(["sh", *sys.argv[script:]], env=environment)
    with open(os.environ["TASKS"], "a") as log:
        log.write(f"{{job}} {{task}} {{tasks[task].pid}}\\n")
for task in range(first, last + 1):
    begin(task)
codes = {{}}
try:
    while tasks:
        for task, process in list(tasks.items()):
            if process.poll() is not None:
                del tasks[task]
                if process.returncode < 0:
                    begin(task)
                else:
                    codes[task] = process.returncode
        time.sleep(0.01)
except KeyboardInterrupt:
    for process in tasks.values():
        process.kill()
        process.wait()
    sys.exit(130)
sys.exit(max(codes.values()))
"""


@pytest.fixture
def slurm(tmp_path):
    """A place with `sbatch`, `biomedica` and the documentation's `stage.sbatch`."""
    page = (ROOT / "docs" / "how-to" / "scale.md").read_text(encoding="utf-8")
    script = re.search(r"```sh\n(#!/bin/sh\n#SBATCH.*?)```", page, re.DOTALL)[1]
    (tmp_path / "stage.sbatch").write_text(script)
    programs = {
        "sbatch": SBATCH.format(python=sys.executable),
        "biomedica": f'#!/bin/sh\nexec {" ".join(command())} "$@"\n',
    }
    for name, text in programs.items():
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return tmp_path


def submit(slurm, *arguments, array):
    """Begin `sbatch` and return its process; its tasks are in a group of their own."""
    path = f"{slurm / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.Popen(
        ["sbatch", "--wait", f"--array={array}", "stage.sbatch", *map(str, arguments)],
        cwd=slurm,
        env=environment(PATH=path, TASKS=str(slurm / "tasks")),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def run(slurm, *arguments, array):
    process = submit(slurm, *arguments, array=array)
    said = process.communicate(timeout=180)[0]
    return process.returncode, said


def tasks(slurm):
    """Return (job, task, process) of every task that was begun."""
    lines = (slurm / "tasks").read_text().splitlines() if (slurm / "tasks").exists() else []
    return [tuple(map(int, line.split())) for line in lines if line.count(" ") == 2]


def wait_for(condition, process, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.005)


@pytest.mark.slow
def test_an_array_is_killed_resized_and_ends_as_one_run_does(slurm, sample_bucket):
    archive = slurm / "archive"
    with BucketServer(sample_bucket, latency=0.3) as server:
        options = ["--inventory", FIRST, "--workers", 1, "--output", "archive"]
        first = submit(slurm, "extract", server.url, *options, array="1-3")
        wait_for((archive / RUN).exists, first)
        os.kill(tasks(slurm)[0][2], signal.SIGKILL)  # a node dies: the task is requeued
        wait_for(lambda: len(tasks(slurm)) == 4, first)
        assert tasks(slurm)[3][1] == tasks(slurm)[0][1]
        wait_for(lambda: list((archive / "articles").glob("0*.parquet")), first)
        os.kill(first.pid, signal.SIGINT)  # the whole array is cancelled
        first.communicate()
        made = {path: path.stat().st_ino for path in (archive / "articles").glob("0*.parquet")}

        refused, said = run(slurm, "extract", server.url, *options, array="1-2")
        assert refused == 2
        assert f"held by another run, slurm-{first.pid}" in said
        code, said = run(slurm, "extract", server.url, *options, "--take-over", array="1-2")
        assert code == 0, said
        extract(server.url, str(slurm / "undisturbed"), workers=1, inventory=FIRST)

    assert tree(archive) == tree(slurm / "undisturbed")
    assert {path: path.stat().st_ino for path in made} == made  # none was made again


def test_a_task_outside_of_an_even_array_is_told(slurm, sample_bucket):
    lone = {"ID": "7", "MIN": "3", "MAX": "7", "STEP": "1", "COUNT": "2"}
    numbers = {f"SLURM_ARRAY_TASK_{name}": value for name, value in lone.items()}
    told = subprocess.run(
        command("extract", sample_bucket, "-o", slurm / "archive"),
        env=environment(SLURM_ARRAY_JOB_ID="9", **numbers),
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.returncode == 2
    assert "not evenly spaced" in told.stderr
    assert not (slurm / "archive").exists()
