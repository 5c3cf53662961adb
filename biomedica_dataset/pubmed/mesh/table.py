"""The MeSH table: one row per article of an archive, with its PubMed record.

::

    MESH/
      mesh.parquet      the table in order of PMCID; format, source, date and counts in metadata
      .parts/           its parts, only for the next run
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq

from biomedica_dataset.errors import UsageError
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.io.rules import Count  # noqa: TC001 - for pydantic
from biomedica_dataset.io.tables import CheckedFile, Column
from biomedica_dataset.io.typed import typed, versioned

from .table_schema import PAYLOAD, table_schema

if TYPE_CHECKING:
    import os
    from collections.abc import Collection

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
    """

    def __init__(self, folder: Folder, header: dict[str, Any]) -> None:
        self._folder = folder
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
                schema = ((one.name, one.type) for one in table_schema())
                columns = {name: Column(type=kind) for name, kind in schema}
                CheckedFile(metadata, file.seek(0, 2), columns)
                return cls(folder, header)
        msg = f"{folder.url} has MeSH format {version}; this package reads {FORMAT_VERSION}"
        raise UsageError(msg)

    def articles(self, first: int, end: int) -> dict[int, ArticleTerms]:
        """Return the records of the articles with ``first <= PMCID < end``, by PMCID."""
        return self._read([("pmcid", ">=", first), ("pmcid", "<", end)])

    def of_pmids(self, pmids: Collection[int]) -> dict[int, ArticleTerms]:
        """Return the records with one of the PMIDs, by PMCID."""
        return self._read([("pmid", "in", set(pmids))]) if pmids else {}

    def digest(self, first: int, end: int) -> str:
        """Return the digest of the result of `articles`."""
        pmcids, digests = self._digests
        start, stop = np.searchsorted(pmcids, [first, end])
        whole = hashlib.sha256(pmcids[start:stop].tobytes())
        whole.update(digests[start:stop].tobytes())
        return whole.hexdigest()

    @cached_property
    def _digests(self) -> tuple[Numbers, Any]:
        """PMCIDs and the digests of their rows, 16 bytes per article; zero without a record."""
        with self._folder.reading(MESH, _AGAIN) as file:
            table = pq.read_table(file, columns=["pmcid", "digest"])
        digests = [value or b"\0" * 8 for value in table["digest"].to_pylist()]
        return table["pmcid"].to_numpy(), np.frombuffer(b"".join(digests), dtype=np.uint64)

    def _read(self, filters: list[tuple[str, str, Any]]) -> dict[int, ArticleTerms]:
        columns = ["pmcid", "pmid", "matched_by", "status", *PAYLOAD[:-1]]
        with self._folder.reading(MESH, _AGAIN) as file:
            table = pq.read_table(file, columns=columns, filters=filters)
        return {row["pmcid"]: ArticleTerms(**row) for row in table.to_pylist()}
