"""The ids of an archive's articles, to find their PubMed records by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from biomedica_dataset.archive.ledger import Archive

    from .split_records import Ids

Numbers = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class ArticleIds:
    """The ids of articles, in order of PMCID.

    Parameters
    ----------
    pmcids, pmids, dois
        Arrays of shape (n,), DOIs by `doi_number`; 0 for an article without the id.
    """

    pmcids: Numbers
    pmids: Numbers
    dois: Numbers

    @classmethod
    def of(cls, articles: Iterable[tuple[int, int | None, str | None]]) -> ArticleIds:
        """Return the ids of articles given as (PMCID, PMID, DOI)."""
        rows = {pmcid: (pmcid, pmid or 0, doi_number(doi)) for pmcid, pmid, doi in articles}
        table = np.array(sorted(rows.values()), dtype=np.int64).reshape(-1, 3)
        return cls(table[:, 0].copy(), table[:, 1].copy(), table[:, 2].copy())

    def __len__(self) -> int:
        return len(self.pmcids)

    def digest(self) -> str:
        """Return the digest of all ids."""
        whole = hashlib.sha256()
        for ids in (self.pmcids, self.pmids, self.dois):
            whole.update(ids.tobytes())
        return whole.hexdigest()

    def filter(self) -> Filter:
        """Return each kind of id sorted, to look records up by."""
        return Filter(*(np.unique(ids[ids != 0]) for ids in (self.pmids, self.pmcids, self.dois)))


@dataclass(frozen=True, slots=True)
class Filter:
    """The ids to keep records of, each array sorted."""

    pmids: Numbers
    pmcids: Numbers
    dois: Numbers

    def wants(self, ids: Sequence[Ids]) -> NDArray[np.bool_]:
        """Return whether each record has any of the ids."""
        pmids = np.array([one.pmid for one in ids], dtype=np.int64)
        pmcids = np.array([one.pmcid for one in ids], dtype=np.int64)
        wanted = is_in(pmids, self.pmids) | is_in(pmcids, self.pmcids)
        rest = np.flatnonzero(~wanted).tolist()
        dois = np.array([doi_number(ids[i].doi) for i in rest], dtype=np.int64)
        wanted[rest] = is_in(dois, self.dois)
        return wanted


def is_in(values: Numbers, known: Numbers) -> NDArray[np.bool_]:
    """Return whether a sorted array contains each value."""
    if not len(known):
        return np.zeros(len(values), dtype=np.bool_)
    found: NDArray[np.bool_] = known[np.searchsorted(known[:-1], values)] == values
    return found


def doi_number(doi: str | bytes | None) -> int:
    """Return 63 bits of a digest of a DOI in lower case, or 0 without a DOI.

    The chance that any two of the 40 million DOIs of PubMed collide is one in ten thousand.

    Examples
    --------
    >>> doi_number("10.1000/ABC") == doi_number(b"10.1000/abc")
    True
    """
    if not doi:
        return 0
    data = doi if isinstance(doi, bytes) else doi.encode()
    digest = hashlib.blake2b(data.strip().lower(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1 or 1


def read_article_ids(archive: Archive) -> ArticleIds:
    """Return the ids of an archive's articles, from PMC's metadata."""
    import pyarrow.parquet as pq

    from biomedica_dataset.archive.layout import AGAIN, articles_name

    found: list[tuple[int, int | None, str | None]] = []
    for block in archive.blocks():
        name = articles_name(block)
        with archive.folder.reading(name, AGAIN) as file:
            columns = ["pmcid", "status", "metadata"]
            table = pq.read_table(file, columns=columns, filters=[("status", "=", "kept")])
        pmcids, stored = (table[name].to_pylist() for name in columns[::2])
        found += [(pmcid, *_ids(one)) for pmcid, one in zip(pmcids, stored, strict=True)]
    return ArticleIds.of(found)


def _ids(metadata: bytes | None) -> tuple[int | None, str | None]:
    """Return PMID and DOI; none for damaged metadata, which `serialize` reports."""
    try:
        stored = json.loads(metadata or b"{}")
        pmid, doi = stored.get("pmid"), stored.get("doi")
    except (ValueError, AttributeError, RecursionError):
        return None, None
    number = int(pmid) if str(pmid or "").isdecimal() else None
    return number, doi if isinstance(doi, str) else None
