"""The articles of an archive that want their record of PubMed, as sorted arrays."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from biomedica_dataset.archive.ledger import Archive

    from .split_records import Ids

    Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Articles by their ids, in order of PMCID.

    Parameters
    ----------
    pmcids, pmids, dois
        Arrays of shape (n,): numbers, and DOIs by `doi_number`; 0 where an article has none.
    """

    pmcids: Numbers
    pmids: Numbers
    dois: Numbers

    @classmethod
    def of(cls, articles: Iterable[tuple[int, int | None, str | None]]) -> Wanted:
        """Return the articles given as (PMCID, PMID, DOI)."""
        rows = sorted(
            {pmcid: (pmcid, pmid or 0, doi_number(doi)) for pmcid, pmid, doi in articles}.values()
        )
        table = np.array(rows, dtype=np.int64).reshape(-1, 3)
        return cls(table[:, 0].copy(), table[:, 1].copy(), table[:, 2].copy())

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.pmcids)

    def digest(self) -> str:
        """Return the digest of all their ids."""
        whole = hashlib.sha256()
        for ids in (self.pmcids, self.pmids, self.dois):
            whole.update(ids.tobytes())
        return whole.hexdigest()

    def filter(self) -> Filter:
        """Return the ids alone, each kind sorted, to look records up by."""
        return Filter(*(np.unique(ids[ids != 0]) for ids in (self.pmids, self.pmcids, self.dois)))


@dataclass(frozen=True, slots=True)
class Filter:
    """Ids that are wanted, each array sorted."""

    pmids: Numbers
    pmcids: Numbers
    dois: Numbers

    def wants(self, ids: Sequence[Ids]) -> NDArray[np.bool_]:
        """Return for each record whether any of its ids is wanted."""
        pmids = np.array([one.pmid for one in ids], dtype=np.int64)
        pmcids = np.array([one.pmcid for one in ids], dtype=np.int64)
        wanted = is_in(pmids, self.pmids) | is_in(pmcids, self.pmcids)
        rest = np.flatnonzero(~wanted).tolist()
        dois = np.array([doi_number(ids[i].doi) for i in rest], dtype=np.int64)
        wanted[rest] = is_in(dois, self.dois)
        return wanted


def is_in(values: Numbers, known: Numbers) -> NDArray[np.bool_]:
    """Return for each value whether a sorted array has it."""
    if not len(known):
        return np.zeros(len(values), dtype=np.bool_)
    found: NDArray[np.bool_] = known[np.searchsorted(known[:-1], values)] == values
    return found


def doi_number(doi: str | bytes | None) -> int:
    """Return 63 bits of a digest of a DOI in lower case, 0 where there is none.

    Two of the 40 million DOIs of PubMed have the same number with a chance of one in ten thousand.

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


def wanted_of(archive: Archive) -> Wanted:
    """Return the articles that an archive holds, with the ids that PMC's metadata gives them."""
    import pyarrow.parquet as pq

    from biomedica_dataset.archive.layout import AGAIN, articles_name

    found: list[tuple[int, int | None, str | None]] = []
    for block in archive.blocks():
        name = articles_name(block)
        with archive.folder.reading(name, AGAIN) as file:
            columns = ["pmcid", "status", "metadata"]
            table = pq.read_table(file, columns=columns, filters=[("status", "=", "kept")])
        for pmcid, metadata in zip(
            *(table[name].to_pylist() for name in columns[::2]), strict=True
        ):
            found.append((pmcid, *_ids(metadata)))
    return Wanted.of(found)


def _ids(metadata: bytes | None) -> tuple[int | None, str | None]:
    """Return PMID and DOI; of metadata that is broken, which `serialize` will tell of, none."""
    try:
        stored = json.loads(metadata or b"{}")
        pmid, doi = stored.get("pmid"), stored.get("doi")
    except (ValueError, AttributeError, RecursionError):
        return None, None
    number = int(pmid) if str(pmid or "").isdecimal() else None
    return number, doi if isinstance(doi, str) else None
