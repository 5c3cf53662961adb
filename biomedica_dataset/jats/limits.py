"""Limits on one document: each is many times the value of the largest real ones."""

from __future__ import annotations

from biomedica_dataset.errors import JatsTooLargeError

MAX_MARKS = 1_500_000
"""Characters ``<``, ``=`` and ``&``: tags, attributes and references take memory."""

MAX_FIGURES = 10_000
"""Figures, kept or dropped."""

MAX_CITATIONS = 200_000
"""Citations of figures in paragraphs, of any kind."""

MAX_CLAIMS = 2_000_000
"""Copyright lines on figures times names of authors and holders."""

MAX_PHRASES = 5_000
"""Phrases on figures that may credit someone."""

MAX_CAPTIONS = 2**24
"""Characters in the captions of figures; figures of a group repeat its caption."""

MAX_CAPTION = 50_000
"""Characters of a caption that is searched for panels; a longer one names none."""

MAX_TEXT = 2**26
"""Characters in the rows of an article; each row repeats its caption and metadata."""

MAX_ITEMS = 100_000
"""Items of lists; each may be given a label."""

MAX_CELLS = 20_000
"""Cells of a table that becomes HTML; a larger one is left out."""

MAX_SPAN = 1000
"""Columns or rows that a cell may cover; another span counts as one."""

MAX_PARAGRAPHS = 16
"""Nested paragraphs around a citation."""


def check_limit(number: int, limit: int, what: str) -> None:
    """Check a number against its limit.

    Raises
    ------
    JatsTooLargeError
        The number exceeds the limit.
    """
    if number > limit:
        msg = f"the XML has more than {limit:,} {what}"
        raise JatsTooLargeError(msg)
