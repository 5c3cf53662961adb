"""What a new stage has to say is twenty lines; parts, kills and resuming come with the engine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from biomedica_dataset.engine.launch import Launch, Part
from biomedica_dataset.engine.outcome import FailedBlock
from biomedica_dataset.engine.stage import Stage
from biomedica_dataset.errors import SourceError, UsageError
from biomedica_dataset.io.folders import RUN, Folder

BLOCKS = 8
SLOW_STAGE = """
import sys, time
from tests.engine.test_stage import Squares

class Slow(Squares):
    def make(self, task, context):
        time.sleep(0.15)
        return super().make(task, context)

if __name__ == "__main__":
    print(len(Slow(sys.argv[1]).run(workers=2).made))
"""


@dataclass(frozen=True)
class Squares(Stage[int, bytes, int]):
    """Writes the square of each number."""

    url: str

    @property
    def output(self):
        return Folder(self.url)

    def tasks(self):
        return range(BLOCKS)

    def record(self, task):
        name = f"{task}.txt"
        found = self.output.read_bytes(name) if self.output.exists(name) else None
        return found if found == str(task**2).encode() else None

    def make(self, task, context):
        self.output.write_bytes(f"{task}.txt", str(task**2).encode())
        context.progress.tick(1, 0, 0)
        return task

    def finish(self, run):
        self.output.write_bytes("sum.txt", str(sum(map(int, run.records.values()))).encode())


def contents(folder):
    return {path.name: path.read_text() for path in folder.iterdir()}


WHOLE = {f"{n}.txt": str(n * n) for n in range(BLOCKS)} | {"sum.txt": "140"}


@pytest.mark.parametrize("workers", [1, 2])
def test_all_blocks_are_made_once_and_the_whole_is_finished(tmp_path, workers):
    first = Squares(str(tmp_path)).run(workers=workers)
    again = Squares(str(tmp_path)).run(workers=workers)

    assert sorted(first.made) == list(range(BLOCKS))
    assert (again.made, again.left, list(again.records)) == ([], 0, list(range(BLOCKS)))
    assert contents(tmp_path) == WHOLE


def test_a_damaged_block_alone_is_made_again(tmp_path):
    Squares(str(tmp_path)).run(workers=1)
    (tmp_path / "3.txt").write_text("10")

    assert Squares(str(tmp_path)).run(workers=1).made == [3]
    assert contents(tmp_path) == WHOLE


def test_parts_share_the_blocks_and_the_last_one_finishes(tmp_path):
    def run(number):
        launch = Launch(part=Part(number, 3), run_id="parts")
        return Squares(str(tmp_path)).run(launch, workers=1)

    third, first = run(3), run(1)
    assert (third.made, third.left) == ([2, 5], BLOCKS - 2)
    assert (first.made, first.left) == ([0, 3, 6], BLOCKS - 5)
    assert "sum.txt" not in contents(tmp_path)
    assert (tmp_path / RUN).exists()

    assert run(2).left == 0
    assert contents(tmp_path) == WHOLE


def test_a_killed_run_is_resumed_where_it_stopped(tmp_path):
    output = tmp_path / "out"
    (tmp_path / "slow.py").write_text(SLOW_STAGE)
    root = Path(__file__).parents[2]
    command = [sys.executable, tmp_path / "slow.py", output]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(
        command, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, **quiet
    ) as run:
        while not list(output.glob("[0-9].txt")):
            assert run.poll() is None
            time.sleep(0.01)
        run.send_signal(signal.SIGKILL)
    done = {int(path.stem) for path in output.glob("[0-9].txt")}
    assert 0 < len(done) < BLOCKS

    resumed = Squares(str(output)).run(workers=1)

    assert not done & set(resumed.made)
    assert contents(output) == WHOLE


def test_another_run_is_refused_while_one_works(tmp_path):
    with pytest.raises(UsageError, match="is held by another run"):
        _Reentrant(str(tmp_path)).run(workers=1)


@dataclass(frozen=True)
class _Reentrant(Squares):
    """Starts the same stage again from within a block."""

    def make(self, task, context):
        Squares(self.url).run(workers=1)
        return task


def test_blocks_that_fail_are_told_of_and_the_others_are_made(tmp_path):
    run = _Unlucky(str(tmp_path)).run(workers=1)

    assert run.failed == {4: "no luck"}
    assert (len(run.made), run.left, run.done) == (BLOCKS - 1, 0, BLOCKS - 1)


@dataclass(frozen=True)
class _Unlucky(Squares):
    def make_all(self, tasks, context):
        for task in tasks:
            yield FailedBlock(task, "no luck") if task == 4 else self.make(task, context)


def test_what_was_not_tried_after_an_error_that_is_survived_has_failed(tmp_path):
    run = _Cut(str(tmp_path)).run(workers=1)

    assert set(run.failed) == set(range(2, BLOCKS))
    assert all("the network" in reason for reason in run.failed.values())


@dataclass(frozen=True)
class _Cut(Squares):
    survives = (SourceError,)

    def make(self, task, context):
        if task == 2:
            msg = "the network is gone"
            raise SourceError(msg)
        return super().make(task, context)
