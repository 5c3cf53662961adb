"""How article versions changed between two runs, by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from biomedica_dataset.errors import ArticleError
from biomedica_dataset.pmc.metadata import parse_metadata

if TYPE_CHECKING:
    from biomedica_dataset.archive.entries import LedgerRow

KINDS = (
    "new article",
    "new version",
    "superseded",
    "removed from PMC",
    "retracted",
    "licence changed",
    "content changed",
    "read again",
)
"""The first that applies is the kind of a change. ``read again`` means that PMC did not change the
version: other licences or images were selected, it was retried, or a higher version disappeared."""

_REASONS = {"superseded": "superseded", "manuscript": "superseded", "retracted": "retracted"}


def changes_of(old: Iterable[LedgerRow], new: Iterable[LedgerRow]) -> Counter[str]:
    """Return how many article versions differ between two states of a ledger, by kind.

    Parameters
    ----------
    old, new
        Rows of the same articles; their documents are ignored.
    """
    before = {(row.pmcid, row.version): row for row in old}
    after = {(row.pmcid, row.version): row for row in new}
    articles = {pmcid for pmcid, _version in before}
    counts = Counter({"removed from PMC": len(before.keys() - after.keys())})
    for version, row in after.items():
        if version in before:
            counts.update(_kind(before[version], row))
        else:
            counts["new version" if row.pmcid in articles else "new article"] += 1
    return +counts


def _kind(old: LedgerRow, new: LedgerRow) -> list[str]:
    for reason, kind in _REASONS.items():
        if new.reason == reason != old.reason:
            return [kind]
    if new.etag != old.etag:
        changed = old.metadata and new.metadata and _license(old) != _license(new)
        return ["licence changed" if changed else "content changed"]
    same = (old.status, old.reason, old.images) == (new.status, new.reason, new.images)
    return [] if same else ["read again"]


def _license(row: LedgerRow) -> str | None:
    try:
        return parse_metadata(row.metadata or b"", row.name).license_code
    except ArticleError:
        return None
