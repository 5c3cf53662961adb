"""A reduced number of `begin`: six launchers, each a process of its own."""

from __future__ import annotations

import pytest

from .begin import HOW
from .test_kills import said

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("where", ["disk", "s3"])
def test_six_that_begin_at_once_leave_one_result(where):
    stages = ["extract", "serialize", "mesh"] if where == "disk" else ["extract"]
    found = said("begin", "--times", 2, "--where", where, "--stages", *stages)

    for stage in stages:
        for how in HOW:
            assert f"{stage}, {where}, {how}: 2 times, 0 came out other" in found
