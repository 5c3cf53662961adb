"""Parts of a stage are cut by block numbers, and know the run that they belong to."""

from __future__ import annotations

import pytest

from biomedica_dataset.engine.launch import Launch, Part
from biomedica_dataset.errors import UsageError

ARRAY = ("ID", "MIN", "STEP", "COUNT")


def array(*values, **more):
    names = [f"SLURM_ARRAY_TASK_{name}" for name in ARRAY]
    return {**dict(zip(names, map(str, values), strict=True)), "SLURM_ARRAY_JOB_ID": "77", **more}


def typed(environment, *, part=None, run_id=None, **options):
    return Launch.of(environment, part=part, run_id=run_id, **options)


@pytest.mark.parametrize("of", [1, 2, 3, 7])
def test_every_block_has_one_part_of_a_cut(of):
    parts = [Part(number, of) for number in range(1, of + 1)]

    assert all(sum(part.takes(block) for part in parts) == 1 for block in range(100))


@pytest.mark.parametrize("text", ["0/3", "4/3", "1/0"])
def test_a_part_outside_its_range_is_refused(text):
    with pytest.raises(UsageError, match=r"there is no part .* numbered from 1 to N"):
        Part.parse(text)


@pytest.mark.parametrize("text", ["1", "1/2/3", "a/b", "-1/3", "1 / 3", "١/٣", ""])
def test_an_invalid_part_is_refused(text):
    with pytest.raises(UsageError, match="expected I/N, such as 1/600"):
        Part.parse(text)


def test_a_slurm_array_says_which_part_of_which_run():
    launch = typed(array(7, 1, 1, 600))

    assert (launch.part, launch.run_id) == (Part(7, 600), "slurm-77")


def test_what_is_typed_counts_more_than_the_array():
    launch = typed(array(7, 1, 1, 600), part="1/2", run_id="mine")

    assert (launch.part, launch.run_id) == (Part(1, 2), "mine")
    assert typed(array(7, 1, 1, 600), part="1/2").run_id == "slurm-77"


@pytest.mark.parametrize("values", [(5, 1, 1, 3), (5, 0, 10, 5), (0, 1, 1, 3)])
def test_an_array_that_is_not_evenly_spaced_is_refused(values):
    with pytest.raises(UsageError, match="submit --array=1-N, or give --part"):
        typed(array(*values))


def test_outside_of_an_array_a_launcher_works_alone():
    assert typed({"SLURM_JOB_ID": "9"}) == Launch()


def test_a_part_without_a_run_is_refused():
    with pytest.raises(UsageError, match="give all parts the same --run-id NAME"):
        typed({}, part="1/2")


def test_an_engine_that_there_is_not_is_refused():
    with pytest.raises(UsageError, match="choose processes or ray"):
        Launch(engine="spark")
