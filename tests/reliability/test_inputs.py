"""Mutants of real files through the code that reads them: a reduced number of `fuzz`."""

from __future__ import annotations

import pytest

from .fuzz import MEGABYTES, fuzz_apart


@pytest.mark.parametrize(("kind", "times"), [("xml", 300), ("picture", 300), ("json", 1000)])
def test_no_mutant_of_a_real_file_stops_the_reader_or_loses_a_figure(real, kind, times):
    found = fuzz_apart(real, kind, times)

    assert found.faults == []
    assert found.inputs == times
    assert len(found.outcomes) > 1
    assert found.megabytes < MEGABYTES
