"""A reduced number of the ways that `state_machine` goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from .state_machine import check

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _found_by_other_processes(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)


@pytest.mark.slow
def test_updates_and_kills_in_any_order_end_as_the_model_says():
    check(examples=5, rules=5)
