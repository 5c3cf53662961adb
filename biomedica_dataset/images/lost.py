"""What is done about images that cannot be decoded, and which they were."""

from __future__ import annotations

from typing import Literal

from biomedica_dataset.errors import ArticleError

OnError = Literal["raise", "skip", "none"]
"""Raise an error that names the key, skip the row, or give ``None`` in place of the image."""

ON_ERROR: tuple[OnError, ...] = ("raise", "skip", "none")
_SHOWN = 5


def lost_error(key: str, problem: str) -> ArticleError:
    """Return the error of an image that cannot be decoded."""
    return ArticleError(
        f"the image of {key} cannot be decoded: {problem}; to go on without it, set on_error to "
        "'skip'"
    )


class LostImages:
    """Counts images that could not be decoded.

    Parameters
    ----------
    outcome
        What became of them, for the message.

    Examples
    --------
    >>> lost = LostImages("skipped")
    >>> lost.add("PMC1_g1")
    >>> print(lost)
    1 images could not be decoded and were skipped: PMC1_g1
    """

    def __init__(self, outcome: str) -> None:
        self._outcome, self._keys, self.count = outcome, list[str](), 0

    def add(self, key: str) -> None:
        """Count the image of a key."""
        self.count += 1
        if len(self._keys) < _SHOWN:
            self._keys.append(key)

    def __str__(self) -> str:
        """Return what is said of them at the end."""
        some = ", ".join([*self._keys, *(["..."] if self.count > _SHOWN else [])])
        return f"{self.count:,} images could not be decoded and were {self._outcome}: {some}"
