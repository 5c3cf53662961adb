"""Articles chosen by a query: searched once, stored in the archive, previewed before a fetch."""

from __future__ import annotations

import datetime
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lxml import etree

from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.engine.report import Shown
from biomedica_dataset.errors import UsageError
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.licenses import CODES, OTHER
from biomedica_dataset.pubmed.responses import AnswerError, check_xml

from .esearch import ask_page, between, search, term_of

if TYPE_CHECKING:
    from biomedica_dataset.pubmed.client import Ncbi

_FIRST_YEAR = 2000  # PMC started in February 2000
_TITLES = 5


def choose(
    output: str | os.PathLike[str], query: str, licenses: Collection[str] | None, client: Ncbi
) -> tuple[tuple[int, ...], dict[str, Any]]:
    """Return the PMCIDs that a query finds, and what the archive stores of the query.

    An archive started with the same query keeps the articles found then.

    Raises
    ------
    UsageError
        The archive was started with another selection, or its query did not cover the requested
        licences.
    SourceError
        NCBI does not respond.
    """
    archive = Archive.find(Folder(output))
    if archive is None:
        found = search(client, query, licenses)
        return found.pmcids, found.as_json()
    stored: dict[str, Any] | None = getattr(archive.selection, "query", None)
    if stored is None or stored["query"] != query or archive.selection.pmcids is None:
        asked = f"the query {stored['query']!r}" if stored else str(archive.selection)
        msg = f"{output} was made with {asked}, not with {query!r}; choose another output folder"
        raise UsageError(msg)
    covered = stored["licenses"]
    if covered is not None and (licenses is None or not set(licenses) <= set(covered)):
        msg = f"{output} only covers {', '.join(covered)}; choose another output folder"
        raise UsageError(msg)
    return archive.selection.pmcids, stored


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Overview(Shown):
    """A preview of the articles that a query finds.

    Parameters
    ----------
    years, licenses
        Articles by year of release in PMC, and by licence, without zeros.
    titles
        Titles of a few articles, by PMCID.
    """

    query: str
    count: int
    translation: str | None
    years: dict[int, int]
    licenses: dict[str, int]
    titles: dict[int, str]

    def __str__(self) -> str:
        lines = [
            f"{self.query!r} finds {self.count:,} articles",
            f"understood as: {self.translation or 'unknown'}",
            "by year of release: " + ", ".join(f"{y}: {n:,}" for y, n in self.years.items()),
            "by licence: " + ", ".join(f"{c}: {n:,}" for c, n in self.licenses.items()),
            *(f"  PMC{pmcid}  {title}" for pmcid, title in self.titles.items()),
        ]
        return "\n".join(lines)


def overview(
    client: Ncbi, stored: dict[str, Any], licenses: Collection[str] | None, pmcids: Sequence[int]
) -> Overview:
    """Return counts and a few titles of the articles found, with about 40 small requests.

    Parameters
    ----------
    stored, pmcids
        As `choose` returns them.
    """
    query, term = stored["query"], term_of(stored["query"], licenses)
    last = datetime.datetime.now(datetime.UTC).year
    years = {}
    for year in range(_FIRST_YEAR, last + 1):
        within = between(datetime.date(year, 1, 1), datetime.date(year, 12, 31))
        years[year] = ask_page(client, f"{term} AND {within}", listed=False).count
    named = [c for c in (*CODES, OTHER) if licenses is None or c in licenses]
    by_license = {c: ask_page(client, term_of(query, [c]), listed=False).count for c in named}
    return Overview(
        query=query,
        count=stored["count"],
        translation=stored["translation"],
        years={year: n for year, n in years.items() if n},
        licenses={code: n for code, n in by_license.items() if n},
        titles=titles(client, pmcids[-_TITLES:]),
    )


def titles(client: Ncbi, pmcids: Sequence[int]) -> dict[int, str]:
    """Return the titles of articles by PMCID, without articles unknown to PMC."""

    def read(body: bytes) -> dict[int, str]:
        check_xml(body, "eSummaryResult")
        try:
            root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
        except etree.XMLSyntaxError as error:
            msg = f"the response of ESummary cannot be read: {error}"
            raise AnswerError(msg, is_passing=True) from error
        pairs = [(s.findtext("Id"), s.findtext("Item[@Name='Title']")) for s in root.iter("DocSum")]
        return {int(i): title for i, title in pairs if i and title and i.isdigit()}

    if not pmcids:
        return {}
    parameters = {"db": "pmc", "id": ",".join(map(str, pmcids)), "retmode": "xml"}
    found = client.ask("esummary", parameters, read)
    return {pmcid: found[pmcid] for pmcid in pmcids if pmcid in found}
