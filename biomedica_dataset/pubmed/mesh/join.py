"""Which record of PubMed belongs to an article: by PMID, PMCID or DOI, never by position."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .article_ids import is_in

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .article_ids import Numbers, Wanted

MATCHES = ("pmid", "pmcid", "doi")
NO_ROW = -1


@dataclass(frozen=True, slots=True)
class Records:
    """Records of PubMed in the order of their source, the ids of each; 0 where it has none.

    Parameters
    ----------
    is_deleted
        Whether the row takes a record back.
    """

    pmids: Numbers
    versions: Numbers
    pmcids: Numbers
    dois: Numbers
    is_deleted: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Joined:
    """What became of each article.

    Parameters
    ----------
    rows
        The row of its record, `NO_ROW` where it has none.
    matched_by
        Index into `MATCHES`, of articles with a record.
    reasons
        Why an article has none: ``no_pmid``, ``deleted``, ``ambiguous``, ``not_found``; by article.
    repeated
        Rows that a later row of the same record replaced.
    """

    rows: Numbers
    matched_by: Numbers
    reasons: dict[int, str]
    repeated: int

    def counts(self) -> Counter[str]:
        """Return how many articles were matched by which id, or why not."""
        by_id = Counter(MATCHES[i] for i in self.matched_by[self.rows != NO_ROW])
        return by_id + Counter(self.reasons.values())


def join(wanted: Wanted, records: Records) -> Joined:
    """Return for each article the row of its record.

    Of a PMID the last row of its highest version counts, unless it was taken back. A record found
    by PMCID or DOI serves only where it is the only one with that id, and names no other PMCID.
    """
    current, deleted, repeated = _current(records)
    rows = np.full(len(wanted), NO_ROW, dtype=np.int64)
    matched_by = np.zeros(len(wanted), dtype=np.int64)
    ambiguous = np.zeros(len(wanted), dtype=np.bool_)
    ids = (
        (wanted.pmids, records.pmids),
        (wanted.pmcids, records.pmcids),
        (wanted.dois, records.dois),
    )
    for kind, (own, theirs) in enumerate(ids):
        left = np.flatnonzero((rows == NO_ROW) & (own != 0) & ~ambiguous)
        found, is_twice = _lookup(own[left], theirs, current)
        if kind:
            named = np.append(records.pmcids, 0)[found]  # that of no row is 0
            found[(named != 0) & (named != wanted.pmcids[left])] = NO_ROW
        rows[left], matched_by[left] = found, kind
        ambiguous[left] = is_twice
    reasons = {
        int(i): _reason(int(wanted.pmids[i]), deleted, is_ambiguous=bool(ambiguous[i]))
        for i in np.flatnonzero(rows == NO_ROW)
    }
    return Joined(rows, matched_by, reasons, repeated)


def _current(records: Records) -> tuple[Numbers, Numbers, int]:
    """Return the rows that count, the PMIDs taken back, sorted, and how many were replaced."""
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
    """Return for each id the one row that has it, and whether several have it."""
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
