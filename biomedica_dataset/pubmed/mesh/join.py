"""Joins PubMed records to articles: by PMID, PMCID or DOI, never by position."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .article_ids import ArticleIds, Numbers, is_in

if TYPE_CHECKING:
    from numpy.typing import NDArray


MATCHES = ("pmid", "pmcid", "doi")
NO_ROW = -1


@dataclass(frozen=True, slots=True)
class Records:
    """The ids of PubMed records in the order of their source; 0 for a missing id.

    Parameters
    ----------
    is_deleted
        Whether the row withdraws a record.
    """

    pmids: Numbers
    versions: Numbers
    pmcids: Numbers
    dois: Numbers
    is_deleted: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Joined:
    """The record of each article.

    Parameters
    ----------
    rows
        The row of its record, or `NO_ROW`.
    matched_by
        Index into `MATCHES`, for articles with a record.
    reasons
        Why an article has no record, by article: ``no_pmid``, ``deleted``, ``ambiguous``,
        ``not_found``.
    repeated
        Rows that a later row of the same record replaced.
    """

    rows: Numbers
    matched_by: Numbers
    reasons: dict[int, str]
    repeated: int

    def counts(self) -> Counter[str]:
        """Count articles by the id that matched, or by the reason for no match."""
        by_id = Counter(MATCHES[i] for i in self.matched_by[self.rows != NO_ROW])
        return by_id + Counter(self.reasons.values())


def join(articles: ArticleIds, records: Records) -> Joined:
    """Return the row of each article's record.

    For a PMID, the last row of the highest version counts, unless it was withdrawn. A match by
    PMCID or DOI counts only if no other record has that id and the record has no other PMCID.
    """
    current, deleted, repeated = _current(records)
    rows = np.full(len(articles), NO_ROW, dtype=np.int64)
    matched_by = np.zeros(len(articles), dtype=np.int64)
    ambiguous = np.zeros(len(articles), dtype=np.bool_)
    for kind, name in enumerate(("pmids", "pmcids", "dois")):
        own, theirs = getattr(articles, name), getattr(records, name)
        left = np.flatnonzero((rows == NO_ROW) & (own != 0) & ~ambiguous)
        found, is_twice = _lookup(own[left], theirs, current)
        if kind:
            named = np.append(records.pmcids, 0)[found]  # 0 for NO_ROW
            found[(named != 0) & (named != articles.pmcids[left])] = NO_ROW
        rows[left], matched_by[left] = found, kind
        ambiguous[left] = is_twice
    reasons = {
        int(i): _reason(int(articles.pmids[i]), deleted, is_ambiguous=bool(ambiguous[i]))
        for i in np.flatnonzero(rows == NO_ROW)
    }
    return Joined(rows, matched_by, reasons, repeated)


def _current(records: Records) -> tuple[Numbers, Numbers, int]:
    """Return the rows that count, the withdrawn PMIDs, sorted, and how many rows were replaced."""
    count = len(records.pmids)
    order = np.lexsort((np.arange(count), records.versions, records.pmids))
    pmids, versions = records.pmids[order], records.versions[order]
    is_last = np.ones(count, dtype=np.bool_)
    is_last[:-1] = (pmids[1:] != pmids[:-1]) | (versions[1:] != versions[:-1])
    last = order[is_last]
    alive = last[~records.is_deleted[last]]
    is_highest = np.ones(len(alive), dtype=np.bool_)
    is_highest[:-1] = records.pmids[alive][1:] != records.pmids[alive][:-1]
    current = alive[is_highest]
    gone = np.setdiff1d(records.pmids[records.is_deleted], records.pmids[current])
    return current, gone, int(np.count_nonzero(~records.is_deleted)) - len(current)


def _lookup(ids: Numbers, theirs: Numbers, current: Numbers) -> tuple[Numbers, NDArray[np.bool_]]:
    """Return the only row with each id, and whether several rows have it."""
    known = current[theirs[current] != 0]
    known = known[np.argsort(theirs[known], kind="stable")]
    values = theirs[known]
    first, end = np.searchsorted(values, ids, "left"), np.searchsorted(values, ids, "right")
    found = np.full(len(ids), NO_ROW, dtype=np.int64)
    is_one = end - first == 1
    found[is_one] = known[first[is_one]]
    return found, end - first > 1


def _reason(pmid: int, deleted: Numbers, *, is_ambiguous: bool) -> str:
    if is_ambiguous:
        return "ambiguous"
    if not pmid:
        return "no_pmid"
    return "deleted" if is_in(np.array([pmid]), deleted)[0] else "not_found"
