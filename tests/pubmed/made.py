"""Made-up records of PubMed, in the structure of real ones; every text of a record names its PMID."""

from __future__ import annotations

import gzip
import hashlib
import json
from typing import TYPE_CHECKING

from biomedica_dataset.archive.layout import articles_name
from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.archive.selection import Selection
from biomedica_dataset.io.folders import Folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE PubmedArticleSet PUBLIC '
    '"-//NLM//DTD PubMedArticle, 1st January 2025//EN" '
    '"https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">\n<PubmedArticleSet>\n'
)
TAIL = "\n</PubmedArticleSet>"


def article(
    pmid: int,
    *,
    terms: int = 2,
    pmcid: int | None = None,
    doi: str | None = None,
    version: int = 1,
    note: str = "",
) -> str:
    """Return a record; its descriptors are called ``term i of PMID note``."""
    headings = "".join(
        f'<MeshHeading><DescriptorName UI="D{i:06d}" MajorTopicYN="N">term {i} of {pmid}{note}'
        f'</DescriptorName><QualifierName UI="Q{i:06d}" MajorTopicYN="Y">part of {pmid}'
        "</QualifierName></MeshHeading>"
        for i in range(terms)
    )
    mesh = f"<MeshHeadingList>{headings}</MeshHeadingList>" if terms else ""
    ids = "".join(
        f'<ArticleId IdType="{kind}">{value}</ArticleId>'
        for kind, value in (
            ("pubmed", pmid),
            ("pmc", f"PMC{pmcid}" if pmcid else None),
            ("doi", doi),
        )
        if value
    )
    return f"""<PubmedArticle>
<MedlineCitation Status="MEDLINE" Owner="NLM"><PMID Version="{version}">{pmid}</PMID>
<Article PubModel="Print"><ArticleTitle>Title of {pmid}</ArticleTitle><Abstract>
<AbstractText Label="AIM" NlmCategory="OBJECTIVE">Why {pmid}: 10<sup>6</sup> &amp; more.</AbstractText>
<AbstractText Label="RESULTS" NlmCategory="RESULTS">What of {pmid}.</AbstractText>
<CopyrightInformation>Copyright of {pmid}</CopyrightInformation></Abstract>
<AuthorList CompleteYN="Y"><Author ValidYN="Y"><LastName>Writer{pmid}</LastName></Author></AuthorList>
<PublicationTypeList><PublicationType UI="D016428">Journal Article</PublicationType>
</PublicationTypeList></Article>{mesh}<KeywordList Owner="NOTNLM"><Keyword MajorTopicYN="N">word of {pmid}
</Keyword></KeywordList></MedlineCitation><PubmedData><PublicationStatus>ppublish</PublicationStatus>
<ArticleIdList>{ids}</ArticleIdList><ReferenceList><Reference><Citation>Cited by {pmid}</Citation>
<ArticleIdList><ArticleId IdType="pubmed">{pmid + 1}</ArticleId><ArticleId IdType="pmc">PMC{pmid + 2}
</ArticleId><ArticleId IdType="doi">10.1/{pmid + 1}</ArticleId></ArticleIdList></Reference></ReferenceList>
</PubmedData></PubmedArticle>"""


def book(pmid: int) -> str:
    """Return a record of a chapter."""
    return f"""<PubmedBookArticle><BookDocument><PMID Version="1">{pmid}</PMID><ArticleIdList>
<ArticleId IdType="bookaccession">NBK{pmid}</ArticleId></ArticleIdList><Book><BookTitle>Book</BookTitle>
<AuthorList Type="editors"><Author><LastName>Editor</LastName></Author></AuthorList></Book>
<ArticleTitle>Chapter {pmid}</ArticleTitle><AuthorList Type="authors"><Author><LastName>A</LastName>
</Author></AuthorList><PublicationType UI="D016454">Review</PublicationType>
<Abstract><AbstractText>About {pmid}.</AbstractText></Abstract></BookDocument><PubmedBookData>
<PublicationStatus>ppublish</PublicationStatus><ArticleIdList><ArticleId IdType="pubmed">{pmid}</ArticleId>
</ArticleIdList></PubmedBookData></PubmedBookArticle>"""


def deleted(*pmids: int) -> str:
    """Return the list of records that were taken back."""
    named = "".join(f'<PMID Version="1">{pmid}</PMID>\n' for pmid in pmids)
    return f"<DeleteCitation>\n{named}</DeleteCitation>"


def document(*records: str) -> bytes:
    """Return a document of records."""
    return (HEAD + "\n".join(records) + TAIL).encode()


def write_bulk(folder: Path, number: int, *records: str, year: int = 26) -> Path:
    """Write a file of the baseline with its MD5."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"pubmed{year}n{number:04d}.xml.gz"
    data = gzip.compress(document(*records), mtime=0)
    path.write_bytes(data)
    line = f"MD5({path.name})= {hashlib.md5(data).hexdigest()}\n"
    path.with_name(f"{path.name}.md5").write_text(line)
    return path


def write_archive(
    folder: Path, articles: Sequence[tuple[int, int | None, str | None]], width: int = 1000
) -> Path:
    """Write an archive of articles given as (PMCID, PMID, DOI), which holds their metadata and nothing else."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from biomedica_dataset.archive.layout import articles_schema

    opened = Folder(folder)
    Archive.create(opened, "made", Selection(), width)
    blocks: dict[int, list[dict[str, object]]] = {}
    for pmcid, pmid, doi in sorted(articles):
        metadata = json.dumps({"pmcid": f"PMC{pmcid}", "version": 1, "pmid": pmid, "doi": doi})
        row = {
            "pmcid": pmcid,
            "version": 1,
            "etag": "",
            "status": "kept",
            "metadata": metadata.encode(),
        }
        blocks.setdefault(pmcid // width, []).append(row)
    for block, rows in blocks.items():
        path = folder / articles_name(block)
        path.parent.mkdir(exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows, schema=articles_schema()), path)
    return folder


def names(pmid: int, terms: int = 2, note: str = "") -> list[str]:
    """Return the descriptors that `article` gives a PMID."""
    return [f"term {i} of {pmid}{note}" for i in range(terms)]


def pmids_in(texts: Iterable[str]) -> set[int]:
    """Return the PMIDs that texts of made records name."""
    return {int(text.split(" of ")[1].split()[0]) for text in texts}
