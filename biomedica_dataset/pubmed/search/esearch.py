"""Finds open-access articles of PMC by a query: ESearch, split by release date if necessary."""

from __future__ import annotations

import datetime
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lxml import etree

from biomedica_dataset.errors import SourceError, UsageError
from biomedica_dataset.licenses import CODES, OTHER
from biomedica_dataset.pubmed.responses import AnswerError, check_xml

if TYPE_CHECKING:
    from biomedica_dataset.pubmed.client import Ncbi

LONGEST_LIST = 9_999
"""Maximum number of ids that NCBI lists for one search."""

_OPEN = "open_access[filter]"
_FIRST_DAY = datetime.date(1900, 1, 1)
_AHEAD = datetime.timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """The result of a search.

    Parameters
    ----------
    pmcids
        PMCIDs found, sorted.
    query, translation
        The query as given, and as NCBI translated it with the filters.
    licenses
        Licence codes searched for, sorted; ``None`` for any.
    count
        Number of articles found.
    date
        Day of the search, ISO 8601.
    not_found
        Phrases of the query that NCBI does not know.
    """

    pmcids: tuple[int, ...]
    query: str
    translation: str | None
    licenses: tuple[str, ...] | None
    count: int
    date: str
    not_found: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return what an archive stores besides the ids."""
        return {
            "query": self.query,
            "translation": self.translation,
            "licenses": None if self.licenses is None else list(self.licenses),
            "count": self.count,
            "date": self.date,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One response of ESearch."""

    count: int
    ids: tuple[int, ...]
    translation: str | None
    not_found: tuple[str, ...]


def license_filter(licenses: Collection[str] | None) -> str:
    """Return PMC's search filters for licence codes, including open access.

    The names are those in the bucket's README.

    Examples
    --------
    >>> license_filter(["CC0", "CC BY-NC"])
    'open_access[filter] AND (cc0_license[filter] OR cc_by-nc_license[filter])'
    """
    if licenses is None:
        return _OPEN
    inside = OTHER not in licenses
    codes = [code.lower().replace(" ", "_") for code in CODES if (code in licenses) == inside]
    named = [f"{code}_license[filter]" for code in codes]
    if not named and inside:
        msg = f"licenses is empty; choose from {', '.join((*CODES, OTHER))}"
        raise UsageError(msg)
    # PMC has no filter for articles without a known licence: exclude all known ones instead.
    return f"{_OPEN} {'AND' if inside else 'NOT'} ({' OR '.join(named)})" if named else _OPEN


def search(client: Ncbi, query: str, licenses: Collection[str] | None = None) -> SearchResult:
    """Return the open-access articles of PMC that match a query.

    Parameters
    ----------
    query
        In PMC's search syntax.
    licenses
        Codes as `licenses.parse_licenses` returns them; ``None`` for any.

    Raises
    ------
    UsageError
        The query is empty, finds nothing, or finds more articles of one day than NCBI lists.
    SourceError
        NCBI does not respond, or its responses are inconsistent.
    """
    term = term_of(query, licenses)
    today = datetime.datetime.now(datetime.UTC).date()
    whole = ask_page(client, term)
    if not whole.count:
        unknown = f"; NCBI does not know {', '.join(whole.not_found)}" if whole.not_found else ""
        msg = f"{query!r} finds no open-access articles with the requested licences{unknown}"
        raise UsageError(msg)
    found = set(whole.ids)
    if whole.count > LONGEST_LIST:
        found = _by_date(client, term, _FIRST_DAY, today + _AHEAD)
        _check_complete(client, term, whole.count, len(found))
    return SearchResult(
        pmcids=tuple(sorted(found)),
        query=query,
        translation=whole.translation,
        licenses=None if licenses is None else tuple(sorted(licenses)),
        count=len(found),
        date=today.isoformat(),
        not_found=whole.not_found,
    )


def term_of(query: str, licenses: Collection[str] | None) -> str:
    """Return the query with its filters.

    Raises
    ------
    UsageError
        The query is empty or has unbalanced brackets, which would swallow the filters.
    """
    text = " ".join(query.split())
    depth = 0
    for letter in text:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth < 0:
            break
    if not text or depth:
        msg = f"the query {query!r} is empty or has unbalanced brackets"
        raise UsageError(msg)
    return f"({text}) AND {license_filter(licenses)}"


def _by_date(client: Ncbi, term: str, first: datetime.date, last: datetime.date) -> set[int]:
    """Return the articles released in a period, halving it until NCBI lists each half."""
    page = ask_page(client, f"{term} AND {between(first, last)}")
    if page.count <= LONGEST_LIST:
        return set(page.ids)
    if first == last:
        msg = (
            f"{page.count:,} matching articles were released on {first}, but NCBI lists at most "
            f"{LONGEST_LIST:,}; narrow the query, or extract all articles without a query"
        )
        raise UsageError(msg)
    middle = first + (last - first) // 2
    after = middle + datetime.timedelta(days=1)
    return _by_date(client, term, first, middle) | _by_date(client, term, after, last)


def between(first: datetime.date, last: datetime.date) -> str:
    """Return the search term for articles released in a period, both days included."""
    return f"{first:%Y/%m/%d}:{last:%Y/%m/%d}[pmcrdat]"


def _check_complete(client: Ncbi, term: str, before: int, found: int) -> None:
    """Check the number of ids against the total count, which may have grown meanwhile."""
    if found == before:
        return
    after = ask_page(client, term, listed=False).count
    if not min(before, after) <= found <= max(before, after):
        msg = (
            f"NCBI counts {after:,} articles, but lists {found:,} by release date; "
            "run the same command again"
        )
        raise SourceError(msg)


def ask_page(client: Ncbi, term: str, *, listed: bool = True) -> Page:
    """Return the count of a term and, if requested, its ids."""

    def read(body: bytes) -> Page:
        page = parse_page(body)
        if listed and len(page.ids) != min(page.count, LONGEST_LIST):
            msg = f"NCBI counted {page.count:,} articles but listed {len(page.ids):,}"
            raise AnswerError(msg, is_passing=True)
        return page

    most = str(LONGEST_LIST if listed else 0)
    asked = {"db": "pmc", "term": term, "retmax": most, "retmode": "xml"}
    return client.ask("esearch", asked, read)


def parse_page(body: bytes) -> Page:
    """Parse a response of ESearch.

    Raises
    ------
    AnswerError
        It is not a valid response.
    """
    check_xml(body, "eSearchResult")
    try:
        root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
        ids = tuple(int(node.text or "") for node in root.iterfind("IdList/Id"))
        count = int(root.findtext("Count") or "")
    except (etree.XMLSyntaxError, ValueError) as error:
        msg = f"the response of ESearch cannot be read: {error}"
        raise AnswerError(msg, is_passing=True) from error
    if len(set(ids)) != len(ids):
        msg = "the response of ESearch repeats ids"
        raise AnswerError(msg, is_passing=True)
    paths = ("ErrorList/PhraseNotFound", "ErrorList/FieldNotFound")
    unknown = [node for path in paths for node in root.iterfind(path)]
    return Page(
        count=count,
        ids=ids,
        translation=root.findtext("QueryTranslation") or None,
        not_found=tuple(node.text or "" for node in unknown),
    )
