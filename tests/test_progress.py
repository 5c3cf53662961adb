"""Progress counts across processes, and shows a line now and then."""

from __future__ import annotations

import os
import signal
import time
from multiprocessing import active_children, get_context, parent_process

import pytest

from biomedica_dataset.engine import progress as module
from biomedica_dataset.engine.pool import run_tasks
from biomedica_dataset.engine.progress import Progress
from biomedica_dataset.errors import BiomedicaError, WorkerDiedError

_progress = None


def start(counters):
    global _progress  # noqa: PLW0603 - as a worker keeps what it needs
    _progress = Progress(counters=counters)


def double(number):
    _progress.tick(1, 2, 3)
    if number < 0:
        time.sleep(0.05)
        if parent_process() is not None:
            os.kill(os.getpid(), signal.SIGKILL)
    if number == 13:
        msg = "unlucky"
        raise BiomedicaError(msg)
    return 2 * number


def run(tasks, workers, progress=None):
    progress = progress or Progress()
    progress.start(len(tasks), "tasks")
    results = run_tasks(double, tasks, workers=workers, start=start, args=(), progress=progress)
    return dict(results), list(progress.counters)


@pytest.mark.parametrize("workers", [1, 2, None])
def test_tasks_are_done_and_counted_in_any_process(workers):
    results, counters = run([1, 2, 3, 4], workers)

    assert results == {1: 2, 2: 4, 3: 6, 4: 8}
    assert counters == [4, 8, 12]


def test_no_tasks_are_no_work():
    assert run([], 4) == ({}, [0, 0, 0])


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_a_task_comes_back_as_it_is(workers):
    with pytest.raises(BiomedicaError, match="unlucky"):
        run([1, 13, 2, 3], workers)


def test_a_killed_worker_is_reported():
    with pytest.raises(WorkerDiedError, match=r"ran out of memory: .* fewer workers"):
        run(range(-2000, 0), 2)


def process_number(_task):
    time.sleep(0.05)
    return os.getpid()


def test_other_processes_share_long_work():
    progress = Progress()
    progress.start(2000, "tasks")
    seen = set()
    for _task, number in run_tasks(
        process_number, range(2000), workers=2, start=start, args=(), progress=progress
    ):
        seen.add(number)
        if len(seen) > 1:
            break
    assert len(seen) == 2
    assert os.getpid() in seen


def start_late(counters):
    if parent_process() is not None:
        time.sleep(3600)
    start(counters)


def test_work_does_not_wait_for_other_processes():
    progress = Progress()
    progress.start(20, "tasks")
    results = run_tasks(
        process_number, range(20), workers=2, start=start_late, args=(), progress=progress
    )
    assert {number for _task, number in results} == {os.getpid()}


def test_little_work_starts_no_other_process():
    before = active_children()
    results, _counters = run([1, 2, 3, 4], 2)
    assert results == {1: 2, 2: 4, 3: 6, 4: 8}
    assert active_children() == before


def test_a_caller_may_stop_early():
    progress = Progress()
    progress.start(4, "tasks")
    results = run_tasks(double, [1, 2, 3, 4], workers=2, start=start, args=(), progress=progress)
    assert next(results)[0] in {1, 2, 3, 4}
    results.close()


def test_without_a_terminal_there_is_a_line_now_and_then(capsys, monkeypatch):
    monkeypatch.setattr(module, "_LINE_EVERY", 0.0)
    progress = Progress(quiet=False)
    progress.start(1000, "articles")
    progress.tick(500, 2000, 10**9)
    progress._show()

    line = capsys.readouterr().err
    assert line.startswith("500 of 1,000 articles, 2,000 figures, ")
    assert line.endswith(" s left\n")
    assert " MB/s, " in line


def test_quiet_progress_shows_nothing(capsys):
    run([1, 2], 1)

    assert capsys.readouterr().err == ""


def hold(shared):
    shared.get_lock().acquire()
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_was_killed_while_it_counted_stops_no_other():
    progress = Progress()
    process = get_context("spawn").Process(target=hold, args=(progress.counters,))
    process.start()
    process.join()

    progress.tick(1, 2, 3)

    assert progress.counters.get_obj()[:] == [1, 2, 3]
