"""How much one document may ask for: each bound is many times what the largest real ones hold."""

from __future__ import annotations

from biomedica_dataset.errors import JatsTooLargeError

MAX_MARKS = 1_500_000
"""Characters ``<``, ``=`` and ``&``: tags, attributes and references each take memory."""

MAX_FIGURES = 10_000
"""Figures, kept or dropped."""

MAX_CITATIONS = 200_000
"""Times that a paragraph names a figure, in whatever way."""

MAX_CLAIMS = 2_000_000
"""Copyright lines on figures times names of authors and holders."""

MAX_CAPTIONS = 2**24
"""Characters in the captions of its figures, where those of a group repeat the caption of it."""

MAX_TEXT = 2**26
"""Characters in the rows of an article, where each row repeats its caption and metadata."""

MAX_PARAGRAPHS = 16
"""Paragraphs around a citation, one in the other."""


def check_limit(number: int, limit: int, what: str) -> None:
    """Check one number of a document.

    Raises
    ------
    JatsTooLargeError
        It is above its limit.
    """
    if number > limit:
        msg = f"the XML has more than {limit:,} {what}"
        raise JatsTooLargeError(msg)
