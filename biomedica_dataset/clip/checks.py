"""Checks that configurations and tasks share; a refusal says what is allowed and what came."""

from __future__ import annotations

import math

from biomedica_dataset.errors import UsageError


def at_least(least: int, name: str, value: float) -> None:
    """Refuse a number that is too small or not finite."""
    if not least <= value < math.inf:
        msg = f"{name} must be {least} or more, not {value}"
        raise UsageError(msg)
