"""PubMed records of a few articles: EFetch with 200 PMIDs per call, matched by id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from biomedica_dataset.pubmed.responses import AnswerError, NothingFoundError, check_xml

from .parse_citations import CitationError, parse_citations
from .parts import PartMaker
from .split_records import ROOT, SplitError

if TYPE_CHECKING:
    from biomedica_dataset.engine.progress import Ticker
    from biomedica_dataset.pubmed.client import Ncbi

    from .article_ids import Filter
    from .citation import Citation

PMIDS_A_CALL = 200
"""Maximum number of ids that NCBI allows in one request."""

_CALLS_A_PART = 10


def fetch_citations(client: Ncbi, pmids: Sequence[int]) -> list[Citation]:
    """Return the records of up to 200 PMIDs, in any order; some may be missing or unrequested.

    Raises
    ------
    SourceError
        NCBI gives no usable response.
    """

    def read(body: bytes) -> list[Citation]:
        try:
            return parse_citations(check_xml(body, ROOT))
        except NothingFoundError:
            return []
        except (SplitError, CitationError) as error:
            raise AnswerError(str(error), is_passing=True) from error

    ids = ",".join(map(str, pmids))
    return client.ask("efetch", {"db": "pubmed", "id": ids, "retmode": "xml"}, read)


def split_pmids(pmids: Sequence[int]) -> list[Sequence[int]]:
    """Cut PMIDs into those of a part each."""
    step = PMIDS_A_CALL * _CALLS_A_PART
    return [pmids[start : start + step] for start in range(0, len(pmids), step)]


def fetch_part(client: Ncbi, pmids: Sequence[int], ids: Filter, tick: Ticker) -> PartMaker:
    """Return the records of some PMIDs."""
    maker = PartMaker(ids)
    for first in range(0, len(pmids), PMIDS_A_CALL):
        call = pmids[first : first + PMIDS_A_CALL]
        citations = fetch_citations(client, call)
        came = {citation.pmid for citation in citations if citation.kind != "deleted"}
        maker.counts += Counter(
            seen=len(citations),
            kept=len(citations),
            missing=len(set(call) - came),
            unasked=len(came - set(call)),
        )
        maker.add_citations(citations)
        tick(len(call), 0, 0)
    return maker
