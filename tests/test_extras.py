"""A part that needs an extra says how to get it."""

from __future__ import annotations

import json

import pytest

from biomedica_dataset.errors import UsageError
from biomedica_dataset.extras import require


def test_a_module_that_is_there_is_returned():
    assert require("json", "any") is json


def test_one_that_is_not_there_gives_the_line_that_installs_it():
    with pytest.raises(UsageError, match=r"pip install 'biomedica-dataset\[embed\]'") as refused:
        require("a_library_that_nobody_wrote", "embed")

    assert "a_library_that_nobody_wrote" in str(refused.value)
