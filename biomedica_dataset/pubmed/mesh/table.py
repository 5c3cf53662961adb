"""The MeSH table: one row per article of an archive, with its PubMed record.

::

    MESH/
      mesh.parquet      the table in order of PMCID; format, source, date and counts in metadata
      .parts/           its parts, only for the next run
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from biomedica_dataset.errors import UsageError
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.io.rules import Count  # noqa: TC001 - for pydantic
from biomedica_dataset.io.tables import CheckedFile, read_table
from biomedica_dataset.io.typed import typed, versioned

from .table_schema import table_columns

if TYPE_CHECKING:
    from .article_ids import Numbers

MESH = "mesh.parquet"
HEADER = b"biomedica_mesh"
FORMAT_VERSION = 1
_AGAIN = "Remove it and run `biomedica mesh` again."


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleTerms:
    """The PubMed record of one article; fields are ``None`` without a record.

    Parameters
    ----------
    pmid
        PMID of the record.
    matched_by
        The id shared by record and article: ``pmid``, ``pmcid`` or ``doi``.
    status
        ``mesh``, or why there are no terms: ``no_mesh``, ``book``, ``no_pmid``, ``deleted``,
        ``ambiguous``, ``not_found``.
    mesh
        Headings: ``name``, ``ui`` and ``is_major`` of the descriptor, and ``qualifiers`` with the
        same fields.
    publication_types
        Types: ``name`` and ``ui``.
    abstract
        Sections: ``label``, ``category``, ``text``.
    """

    pmcid: int
    pmid: int | None
    matched_by: str | None
    status: str
    mesh: list[dict[str, Any]] | None
    publication_types: list[dict[str, Any]] | None
    abstract: list[dict[str, Any]] | None
    keywords: list[str] | None

    @property
    def names(self) -> list[str] | None:
        """Unique names of the descriptors, in PubMed's order."""
        if self.mesh is None:
            return None
        return list(dict.fromkeys(heading["name"] for heading in self.mesh))

    @property
    def abstract_text(self) -> str | None:
        """The abstract as one text, each section after its label."""
        if self.abstract is None:
            return None
        parts = ((part["label"], part["text"]) for part in self.abstract)
        return " ".join(f"{label}: {text}" if label else text for label, text in parts)


@dataclass(frozen=True, slots=True)
class _Header:
    """What the table says of itself."""

    source: str
    date: str
    wanted: str
    articles: dict[str, Count]
    matched: dict[str, Count]
    records: dict[str, Count]


class MeshTable:
    """An existing MeSH table.

    Parameters
    ----------
    folder
        Its folder.
    header
        Its metadata.
    file
        The table, whose columns are there.
    """

    def __init__(self, folder: Folder, header: dict[str, Any], file: CheckedFile) -> None:
        self._folder, self._file = folder, file
        self.url = folder.url
        self.header = header

    @classmethod
    def open(cls, url: str | os.PathLike[str]) -> MeshTable:
        """Open the table of a folder.

        Raises
        ------
        UsageError
            The folder holds no table, or one of another format version.
        ArchiveError
            The table cannot be read.
        """
        folder = Folder(url)
        if not folder.exists(MESH):
            msg = f"{folder.url} holds no {MESH}; create it with `biomedica mesh`"
            raise UsageError(msg)
        with folder.reading(MESH, _AGAIN) as file:
            metadata = pq.read_metadata(file)
            version, header = versioned((metadata.metadata or {})[HEADER], "format_version")
            if version == FORMAT_VERSION:
                typed(_Header, json.dumps(header))
                return cls(folder, header, CheckedFile(metadata, file.seek(0, 2), table_columns()))
        msg = f"{folder.url} has MeSH format {version}; this package reads {FORMAT_VERSION}"
        raise UsageError(msg)

    def articles(self, first: int, end: int) -> dict[int, ArticleTerms]:
        """Return the records of the articles with ``first <= PMCID < end``, by PMCID."""
        own = (pc.field("pmcid") >= first) & (pc.field("pmcid") < end)
        return self._read(own, self._groups(first, end))

    def of_pmids(self, pmids: Collection[int]) -> dict[int, ArticleTerms]:
        """Return the records with one of the PMIDs, by PMCID."""
        own = pc.field("pmid").isin(pa.array(list(pmids), pa.int64()))
        return self._read(own, range(self._file.metadata.num_row_groups if pmids else 0))

    def digest(self, first: int, end: int) -> str:
        """Return the digest of the result of `articles`."""
        pmcids, digests = self._digests
        start, stop = np.searchsorted(pmcids, [first, end])
        whole = hashlib.sha256(pmcids[start:stop].tobytes())
        whole.update(digests[start:stop].tobytes())
        return whole.hexdigest()

    def _read(self, own: pc.Expression, groups: Iterable[int]) -> dict[int, ArticleTerms]:
        with self._folder.reading(MESH, _AGAIN) as file:
            tables = [self._file.read(file, group).filter(own) for group in groups]
        rows = (row for table in tables for row in table.drop_columns(["digest"]).to_pylist())
        return {row["pmcid"]: ArticleTerms(**row) for row in rows}

    def _groups(self, first: int, end: int) -> Iterator[int]:
        """Yield the row groups that may have a PMCID of a range."""
        for group in range(self._file.metadata.num_row_groups):
            known = self._file.metadata.row_group(group).column(0).statistics
            if known is None or not known.has_min_max or (known.min < end and known.max >= first):
                yield group

    @cached_property
    def _digests(self) -> tuple[Numbers, Any]:
        """PMCIDs and the digests of their rows, 16 bytes per article; zero without a record."""
        with self._folder.reading(MESH, _AGAIN) as file:
            table = read_table(file, table_columns(), ["pmcid", "digest"])
        digests = [value or b"\0" * 8 for value in table["digest"].to_pylist()]
        return table["pmcid"].to_numpy(), np.frombuffer(b"".join(digests), dtype=np.uint64)
