"""PubMed records of a few articles: EFetch with 200 PMIDs per call, matched by id."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from biomedica_dataset.pubmed.responses import AnswerError, NothingFoundError, check_xml

from .parse_citations import CitationError, parse_citations
from .parts import CODE, PartMaker, read_header
from .split_records import ROOT, SplitError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biomedica_dataset.engine.progress import Ticker
    from biomedica_dataset.io.folders import Folder
    from biomedica_dataset.pubmed.client import Ncbi

    from .article_ids import ArticleIds
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


def fetch_parts(client: Ncbi, ids: ArticleIds, output: Folder, day: str, tick: Ticker) -> list[str]:
    """Write parts with the records of all PMIDs, and return their names.

    Parts of the same day are kept.
    """
    pmids = np.unique(ids.pmids[ids.pmids != 0]).tolist()
    step = PMIDS_A_CALL * _CALLS_A_PART
    names = []
    for start in range(0, len(pmids), step):
        asked = pmids[start : start + step]
        digest = hashlib.sha256(repr(asked).encode()).hexdigest()
        fingerprint = {"day": day, "pmids": digest, "code": CODE}
        names.append(f"efetch-{digest[:16]}.parquet")
        header = read_header(output, names[-1])
        if header is None or header["made_of"] != fingerprint:
            maker = PartMaker(ids.filter())
            for first in range(0, len(asked), PMIDS_A_CALL):
                call = asked[first : first + PMIDS_A_CALL]
                citations = fetch_citations(client, call)
                maker.counts += _counts(call, citations)
                maker.add_citations(citations)
                tick(len(call), 0, 0)
            maker.write(output, names[-1], fingerprint)
        else:
            tick(len(asked), 0, 0)
    return names


def _counts(asked: Sequence[int], citations: Sequence[Citation]) -> Counter[str]:
    """Count the records received, missing and unrequested."""
    came = {citation.pmid for citation in citations if citation.kind != "deleted"}
    return Counter(
        seen=len(citations),
        kept=len(citations),
        missing=len(set(asked) - came),
        unasked=len(came - set(asked)),
    )
