"""What a source did not give whole: counted from the ledgers, and whether it spoils an archive."""

from __future__ import annotations

from collections.abc import Mapping

from biomedica_dataset.archive.entries import FAILED

_OF_THE_ARTICLE = {"unavailable: no XML", "corrupt: XML not readable", "corrupt: reader failed"}
_FEW = 10
_MAX_SHARE = 0.1


def lost(counts: Mapping[str, int]) -> int:
    """Return how many articles or figures a source did not give whole, which a retry may change.

    Parameters
    ----------
    counts
        By status and reason.

    Examples
    --------
    >>> lost({"kept": 3, "unavailable: XML 403": 2, "corrupt: XML not readable": 1})
    2
    """
    return sum(
        n for word, n in counts.items() if word.startswith(FAILED) and word not in _OF_THE_ARTICLE
    )


def is_spoilt(*groups: Mapping[str, int]) -> bool:
    """Whether so much came otherwise than the source itself says that it was struck, not read.

    What does not exist (404) does not count: the source says so. Neither does one article alone.

    Parameters
    ----------
    groups
        Counts of articles and of figures, by status and reason.

    Examples
    --------
    >>> is_spoilt({"kept": 2, "corrupt: metadata": 22}), is_spoilt({"kept": 9, "corrupt: MD5": 1})
    (True, False)
    """
    struck = sum(lost({w: n for w, n in one.items() if not w.endswith("404")}) for one in groups)
    seen = struck + sum(one.get("kept", 0) for one in groups)
    return struck > _MAX_SHARE * seen and (struck >= _FEW or struck > max(1, seen / 2))
