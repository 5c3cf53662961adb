"""PubMed's records of a few articles: EFetch, 200 PMIDs a call, read by what they say."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from biomedica_dataset.pubmed.responses import AnswerError, NothingFoundError, check_xml

from .parse_citations import CitationError, parse_citations
from .parts import CODE, PartMaker, read_header
from .split_records import ROOT, CutError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biomedica_dataset.engine.progress import Ticker
    from biomedica_dataset.io.folders import Folder
    from biomedica_dataset.pubmed.client import Ncbi

    from .article_ids import Wanted
    from .citation import Citation

PMIDS_A_CALL = 200
"""Ids that NCBI asks to send at most in one request."""

_CALLS_A_PART = 10


def fetch_citations(client: Ncbi, pmids: Sequence[int]) -> list[Citation]:
    """Return what PubMed has of at most 200 PMIDs: in any order, some missing, some not asked for.

    Raises
    ------
    SourceError
        NCBI gives no usable answer.
    """

    def read(body: bytes) -> list[Citation]:
        try:
            return parse_citations(check_xml(body, ROOT))
        except NothingFoundError:
            return []
        except (CutError, CitationError) as error:
            raise AnswerError(str(error), is_passing=True) from error

    ids = ",".join(map(str, pmids))
    return client.ask("efetch", {"db": "pubmed", "id": ids, "retmode": "xml"}, read)


def fetch_parts(client: Ncbi, wanted: Wanted, output: Folder, day: str, tick: Ticker) -> list[str]:
    """Write parts with the records of all wanted PMIDs, and return their names.

    Those that are there already of the same day are left.
    """
    pmids = np.unique(wanted.pmids[wanted.pmids != 0]).tolist()
    step = PMIDS_A_CALL * _CALLS_A_PART
    names = []
    for start in range(0, len(pmids), step):
        asked = pmids[start : start + step]
        digest = hashlib.sha256(repr(asked).encode()).hexdigest()
        made_of = {"day": day, "pmids": digest, "code": CODE}
        names.append(f"efetch-{digest[:16]}.parquet")
        header = read_header(output, names[-1])
        if header is None or header["made_of"] != made_of:
            maker = PartMaker(wanted.filter())
            for first in range(0, len(asked), PMIDS_A_CALL):
                call = asked[first : first + PMIDS_A_CALL]
                citations = fetch_citations(client, call)
                maker.counts += _counts(call, citations)
                maker.add_citations(citations)
                tick(len(call), 0, 0)
            maker.write(output, names[-1], made_of)
        else:
            tick(len(asked), 0, 0)
    return names


def _counts(asked: Sequence[int], citations: Sequence[Citation]) -> Counter[str]:
    """Return how many records came, and how many PMIDs have none or came unasked."""
    came = {citation.pmid for citation in citations if citation.kind != "deleted"}
    return Counter(
        seen=len(citations),
        kept=len(citations),
        missing=len(set(asked) - came),
        unasked=len(came - set(asked)),
    )
