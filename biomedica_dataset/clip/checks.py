"""Checks that configurations and tasks share; a refusal says what is allowed and what came."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from biomedica_dataset.errors import UsageError
from biomedica_dataset.suggest import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence


def one_of(name: str, value: str, known: Sequence[str]) -> None:
    """Refuse a value that is not among the known ones."""
    if value not in known:
        allowed = ", ".join(known)
        hint = nearest(str(value), known)
        hint = f"; {hint}" if hint.startswith("did you mean") else ""  # or the allowed once more
        msg = f"{name} must be one of {allowed}, not {value!r}{hint}"
        raise UsageError(msg)


def at_least(least: int, name: str, value: float) -> None:
    """Refuse a number that is too small or not finite."""
    if not least <= value < math.inf:
        msg = f"{name} must be {least} or more, not {value}"
        raise UsageError(msg)
