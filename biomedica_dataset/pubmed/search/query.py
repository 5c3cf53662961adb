"""Articles chosen by a question: asked once, kept by the archive, shown before a fetch."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lxml import etree

from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.errors import UsageError
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.licenses import CODES
from biomedica_dataset.pubmed.responses import AnswerError, check_xml

from .esearch import OTHER, ask_page, between, search, term_of

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Sequence

    from biomedica_dataset.pubmed.client import Ncbi

_FIRST_YEAR = 2000  # PMC began in February of it
_TITLES = 5


def choose(
    output: str | os.PathLike[str], query: str, licenses: Collection[str] | None, client: Ncbi
) -> tuple[tuple[int, ...], dict[str, Any]]:
    """Return the PMCIDs that a question finds, and what the archive keeps of the question.

    An archive that was begun with the same question keeps what was found then.

    Raises
    ------
    UsageError
        The archive was begun with another selection, or its question left out licences that are
        asked for.
    SourceError
        NCBI gives no answer.
    """
    archive = Archive.find(Folder(output))
    if archive is None:
        found = search(client, query, licenses)
        return found.pmcids, found.as_json()
    stored: dict[str, Any] | None = getattr(archive.selection, "query", None)
    if stored is None or stored["query"] != query or archive.selection.pmcids is None:
        asked = f"the question {stored['query']!r}" if stored else str(archive.selection)
        msg = f"{output} was made of {asked}; this run asks {query!r}. Name another output folder."
        raise UsageError(msg)
    covered = stored["licenses"]
    if covered is not None and (licenses is None or not set(licenses) <= set(covered)):
        msg = f"{output} was made of a question for {', '.join(covered)} only; name another folder"
        raise UsageError(msg)
    return archive.selection.pmcids, stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What a question finds, before anything is fetched.

    Parameters
    ----------
    years, licenses
        Articles by year of release in PMC, and by licence; those of none left out.
    titles
        Of a few, by PMCID.
    """

    query: str
    count: int
    translation: str | None
    years: dict[int, int]
    licenses: dict[str, int]
    titles: dict[int, str]

    def __str__(self) -> str:
        """Return the overview in words."""
        return "\n".join(
            [
                f"{self.query!r} finds {self.count:,} articles",
                f"understood as: {self.translation or 'unknown'}",
                "by year of release: " + ", ".join(f"{y}: {n:,}" for y, n in self.years.items()),
                "by licence: " + ", ".join(f"{c}: {n:,}" for c, n in self.licenses.items()),
                *(f"  PMC{pmcid}  {title}" for pmcid, title in self.titles.items()),
            ]
        )


def overview(
    client: Ncbi, question: dict[str, Any], licenses: Collection[str] | None, pmcids: Sequence[int]
) -> Overview:
    """Return counts and a few titles of what a question found, by some 40 small requests.

    Parameters
    ----------
    question, pmcids
        As `choose` returns them.
    """
    query, term = question["query"], term_of(question["query"], licenses)
    last = datetime.datetime.now(datetime.UTC).year
    years = {
        year: ask_page(
            client,
            f"{term} AND {between(datetime.date(year, 1, 1), datetime.date(year, 12, 31))}",
            listed=False,
        ).count
        for year in range(_FIRST_YEAR, last + 1)
    }
    named = [c for c in (*CODES, OTHER) if licenses is None or c in licenses]
    by_license = {c: ask_page(client, term_of(query, [c]), listed=False).count for c in named}
    return Overview(
        query=query,
        count=question["count"],
        translation=question["translation"],
        years={year: n for year, n in years.items() if n},
        licenses={code: n for code, n in by_license.items() if n},
        titles=titles(client, pmcids[-_TITLES:]),
    )


def titles(client: Ncbi, pmcids: Sequence[int]) -> dict[int, str]:
    """Return the titles of some articles of PMC, by PMCID, those that it does not know left out."""

    def read(body: bytes) -> dict[int, str]:
        check_xml(body, "eSummaryResult")
        try:
            root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
        except etree.XMLSyntaxError as error:
            msg = f"the answer of ESummary cannot be read: {error}"
            raise AnswerError(msg, is_passing=True) from error
        pairs = [(s.findtext("Id"), s.findtext("Item[@Name='Title']")) for s in root.iter("DocSum")]
        return {int(i): title for i, title in pairs if i and title and i.isdigit()}

    if not pmcids:
        return {}
    parameters = {"db": "pmc", "id": ",".join(map(str, pmcids)), "retmode": "xml"}
    found = client.ask("esummary", parameters, read)
    return {pmcid: found[pmcid] for pmcid in pmcids if pmcid in found}
