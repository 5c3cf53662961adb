"""Two launchers that begin one output in the same moment: both know it, whoever is first."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.engine.launch import Launch
from biomedica_dataset.errors import RunEndedError, TakenOverError, UsageError
from biomedica_dataset.extraction.extract import extract
from biomedica_dataset.io.folders import RUN, Folder

ARTICLE = "PMC99000777"
FEW = 2


@pytest.fixture(params=["disk", "s3"])
def place(request, tmp_path):
    """Where outputs go: a folder, or a bucket of a server of ours."""
    return str(tmp_path) if request.param == "disk" else request.getfixturevalue("s3")


@pytest.mark.parametrize("times", [FEW, pytest.param(15, marks=pytest.mark.slow)])
def test_members_of_a_run_that_begin_together_both_end_well(place, sample_bucket, times):
    for number in range(times):
        output = f"{place}/shared-{number}"
        ends = _both(sample_bucket, output, Launch(run_id="together"))

        assert {type(end) for end in ends} <= {type(None), RunEndedError}, ends
        assert Archive.open(output).blocks() == [99000]
        assert not Folder(output).exists(RUN)


@pytest.mark.parametrize("times", [FEW, pytest.param(30, marks=pytest.mark.slow)])
def test_of_strangers_that_begin_together_one_is_told_of_the_other(place, sample_bucket, times):
    for number in range(times):
        output = f"{place}/own-{number}"
        ends = _both(sample_bucket, output, Launch())

        # moto looks whether an object is there, and writes it, in two steps and in threads, so that
        # both may get the lock; then the first is told that the other took it over.
        told = "held by another|taken over" if place[:2] == "s3" else "held by another"
        assert all(end is None or re.search(told, str(end)) for end in ends), ends
        assert None in ends
        assert Archive.open(output).blocks() == [99000]


def _both(bucket, output, launch):
    """Return with what two launchers end that begin in the same moment."""
    barrier = threading.Barrier(2)

    def begin(_number):
        barrier.wait()
        try:
            extract(bucket, output, pmcids=[ARTICLE], workers=1, launch=launch)
        except (UsageError, TakenOverError) as error:
            return error
        return None

    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(begin, range(2)))
