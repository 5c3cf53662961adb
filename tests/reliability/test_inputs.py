"""Mutants of real files through the code that reads them: a reduced number of `fuzz`, `crowds`."""

from __future__ import annotations

from itertools import islice

import pytest

from .crowds import crowds, faults, names_of
from .fuzz import MEGABYTES, files_of, fuzz_apart


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "times"), [("xml", 300), ("picture", 300), ("json", 1000)])
def test_no_mutant_of_a_real_file_stops_the_reader_or_loses_a_figure(real, kind, times):
    found = fuzz_apart(real, kind, times)

    assert found.faults == []
    assert found.inputs == times
    assert len(found.outcomes) > 1
    assert found.megabytes < MEGABYTES


@pytest.mark.slow
def test_no_element_that_crowds_a_document_takes_long_or_loses_a_figure(real):
    documents = list(islice(crowds(names_of(files_of(real, "xml"))), 0, None, 211))

    assert len(documents) > 100
    assert faults(documents) == []
