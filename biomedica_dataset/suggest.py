"""Refuses unknown names and numbers, and suggests the name that was probably meant."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from difflib import get_close_matches

from .errors import UsageError


def nearest(name: str, names: Collection[str]) -> str:
    """Return a hint with the nearest known name, or with a few known names.

    Examples
    --------
    >>> nearest("captoin", ["caption", "key"])
    "did you mean 'caption'?"
    """
    by_lower = {known.lower(): known for known in names}
    found = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.5)
    if found:
        return f"did you mean {by_lower[found[0]]!r}?"
    some = sorted(names)[:20]
    return f"choose from {', '.join(some)}{' ...' if len(names) > len(some) else ''}"


def one_of(name: str, value: str, known: Sequence[str]) -> None:
    """Refuse a value that is not among the known ones.

    Raises
    ------
    UsageError
        It is not.

    Examples
    --------
    >>> one_of("on_error", "raise", ["raise", "skip"])
    """
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
