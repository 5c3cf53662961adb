"""An output belongs to one run at a time; who died on this machine is in nobody's way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from biomedica_dataset.engine.launch import Launch
from biomedica_dataset.engine.lock import acquire
from biomedica_dataset.errors import ArchiveError, RunEndedError, TakenOverError, UsageError
from biomedica_dataset.io.folders import RUN, Folder

HOLDER = """
import sys, time
from biomedica_dataset.engine.lock import acquire
from biomedica_dataset.engine.launch import Launch
from biomedica_dataset.io.folders import Folder
run_id = sys.argv[2] if len(sys.argv) > 2 else None
with acquire(Folder(sys.argv[1]), Launch(run_id=run_id)) as lock:
    print(lock.run, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other():
    """Begin a run in another process, which holds an output until it is killed or told to end."""
    begun = []

    def begin(*arguments):
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(HOLDER), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        begun.append(process)
        process.run = process.stdout.readline().strip()
        return process

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


@pytest.fixture(params=["here", "in a store"])
def folder(request, tmp_path):
    """An output on this machine, and one elsewhere, of which only puts and gets are known."""
    if request.param == "here":
        yield Folder(tmp_path / "out")
        return
    elsewhere = Folder(f"memory://{tmp_path.name}")
    yield elsewhere
    if elsewhere.filesystem.exists(elsewhere.root):
        elsewhere.filesystem.rm(elsewhere.root, recursive=True)


def test_a_run_leaves_nothing_behind(folder):
    with acquire(folder, Launch()) as lock:
        assert folder.exists(RUN)
        assert folder.is_empty()
        lock.check()

    assert not folder.exists(RUN)
    assert folder.is_empty()


def test_a_second_launcher_is_refused_and_told_how_to_take_over(folder):
    with acquire(folder, Launch()) as lock:
        with pytest.raises(UsageError) as refused, acquire(folder, Launch()):
            pass
        lock.check()

    told = str(refused.value)
    for what in (folder.url, lock.run, os.uname().nodename, str(os.getpid()), "--take-over"):
        assert what in told
    assert "since 2" in told
    assert "--run-id" not in told


def test_members_of_a_run_join_it_and_none_ends_it_for_the_others(folder):
    with acquire(folder, Launch(run_id="night")) as first:
        with acquire(folder, Launch(run_id="night")) as second:
            second.check()
        first.check()
        with pytest.raises(UsageError, match="--run-id night"), acquire(folder, Launch()):
            pass
    assert (first.is_first, second.is_first) == (True, False)
    assert folder.exists(RUN)

    with acquire(folder, Launch(run_id="night")) as third:
        third.release()
        with pytest.raises(RunEndedError, match=r"night .* has ended") as ended:
            first.check()
        assert ended.value.exit_code == 0  # it is all done: no reason to fail
        with acquire(folder, Launch()), pytest.raises(TakenOverError):
            first.check()
        with pytest.raises(RunEndedError):  # nor are files of a newer run replaced when it is over
            first.check()
    assert not folder.exists(RUN)


def test_who_was_taken_over_notices(folder):
    with acquire(folder, Launch()) as old:
        with acquire(folder, Launch(take_over=True)) as new:
            new.check()
            with pytest.raises(TakenOverError, match=f"{old.run}, by {new.run} on"):
                old.check()
        with pytest.raises(TakenOverError, match="another that has ended"):
            old.check()


def test_to_take_over_what_nobody_holds_is_to_begin(folder):
    with acquire(folder, Launch(take_over=True)) as lock:
        lock.check()


def test_a_mistake_ends_a_run_of_parts_that_has_just_begun(folder):
    with pytest.raises(UsageError, match="mistake"), acquire(folder, Launch(run_id="night")):
        raise UsageError("mistake")

    assert not folder.exists(RUN)


def test_who_lives_on_this_machine_is_not_taken_for_dead(tmp_path, other):
    process = other(tmp_path)
    os.kill(process.pid, signal.SIGSTOP)
    with pytest.raises(UsageError, match=process.run), acquire(Folder(tmp_path), Launch()):
        pass
    os.kill(process.pid, signal.SIGCONT)


def test_who_was_killed_on_this_machine_is_in_nobodys_way(tmp_path, other):
    process = other(tmp_path)
    process.kill()
    process.communicate()
    assert (tmp_path / RUN).exists()

    with acquire(Folder(tmp_path), Launch()) as lock:
        lock.check()
        assert lock.run != process.run
    assert not list(tmp_path.iterdir())


def test_a_killed_member_of_a_shared_run_leaves_it_to_the_others(tmp_path, other):
    other(tmp_path, "night").kill()

    with pytest.raises(UsageError, match="night"), acquire(Folder(tmp_path), Launch()):
        pass
    with acquire(Folder(tmp_path), Launch(run_id="night")) as lock:
        assert not lock.is_first


def test_of_who_died_on_another_machine_nothing_is_known(tmp_path, other):
    process = other(tmp_path)
    process.kill()
    process.communicate()
    told = json.loads((tmp_path / RUN).read_text())
    (tmp_path / RUN).write_text(json.dumps({**told, "host": "elsewhere"}))

    with pytest.raises(UsageError, match="host elsewhere"), acquire(Folder(tmp_path), Launch()):
        pass
    with acquire(Folder(tmp_path), Launch(take_over=True)) as lock:
        lock.check()


@pytest.mark.slow
def test_of_many_launchers_at_once_one_begins(tmp_path):
    code = """
    import sys, time
    from biomedica_dataset.errors import UsageError
    from biomedica_dataset.engine.lock import acquire
    from biomedica_dataset.engine.launch import Launch
    from biomedica_dataset.io.folders import Folder
    folder = Folder(sys.argv[1])
    while time.monotonic() < float(sys.argv[2]):
        pass
    try:
        with acquire(folder, Launch()):
            time.sleep(3)
            print("mine")
    except UsageError:
        print("theirs")
    """
    import time

    at = str(time.monotonic() + 4)
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "out"), at]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    many = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(4)
    ]
    assert sorted(process.communicate()[0].strip() for process in many) == ["mine", *["theirs"] * 3]


def test_an_unreadable_lock_is_reported(tmp_path):
    (tmp_path / RUN).write_text("{")

    with pytest.raises(ArchiveError, match="Remove it if no run is active"):
        acquire(Folder(tmp_path), Launch()).__enter__()


def test_launchers_that_take_over_at_the_same_time_meet_no_error(tmp_path):
    launches = [Launch(run_id=f"run {number}", take_over=True) for number in range(4)]

    def hold_often(launch):
        for _ in range(100):
            with acquire(Folder(tmp_path), launch) as lock:
                lock.release()

    with ThreadPoolExecutor(len(launches)) as threads:
        list(threads.map(hold_often, launches))

    assert not list(tmp_path.iterdir())
