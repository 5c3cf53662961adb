"""Suggests the name that was probably meant."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


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
