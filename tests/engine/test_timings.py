"""Times of stages are added up over threads and processes that share them."""

from __future__ import annotations

import multiprocessing
import pickle
import time
from concurrent.futures import ThreadPoolExecutor

from biomedica_dataset.engine.timings import Timings, measured

_PAUSE = 0.02


def pause(timings):
    with measured(timings, "decoding"):
        time.sleep(_PAUSE)


def test_the_seconds_of_all_threads_are_added_up():
    timings = Timings()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(pause, [timings] * 40))
    assert timings.times == {"decoding": 40}
    assert timings.seconds["decoding"] >= 40 * _PAUSE


def test_a_process_that_is_started_with_them_adds_to_them():
    timings = Timings()
    pause(timings)
    process = multiprocessing.get_context("spawn").Process(target=pause, args=(timings,))
    process.start()
    process.join()
    assert timings.times == {"decoding": 2}
    assert timings.seconds["decoding"] >= 2 * _PAUSE


def test_a_copy_that_is_sent_later_begins_anew():
    timings = Timings()
    pause(timings)
    assert pickle.loads(pickle.dumps(timings)).times == {}


def test_a_stage_that_fails_is_measured_too():
    timings = Timings()
    try:
        with timings.measured("network"):
            raise OSError
    except OSError:
        assert timings.times == {"network": 1}


def test_nothing_is_measured_without_them():
    with measured(None, "network"):
        pass


def test_the_text_has_a_line_for_each_stage_that_ran():
    timings = Timings()
    pause(timings)
    title, line = str(timings).splitlines()
    assert title.split() == ["stage", "seconds", "times", "ms", "each"]
    assert line.startswith("decoding ")
    assert line.split()[2] == "1"
