"""Reads made files of PubMed's baseline: all records wanted, and 5 %; against lxml's iterparse alone.

Run: python benchmarks/pubmed.py [--citations 30000] [--repeats 3]
"""

# ruff: noqa: E501 - XML as it is

from __future__ import annotations

import argparse
import gzip
import hashlib
import itertools
import random
import resource
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from options import check


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--citations", type=int, default=30_000)
    parser.add_argument("--repeats", type=int, default=3)
    return parser


if __name__ == "__main__":
    check(arguments())


from lxml import etree

from biomedica_dataset.io.folders import Folder
from biomedica_dataset.pubmed.mesh.article_ids import ArticleIds
from biomedica_dataset.pubmed.mesh.baseline import Bulk, make_part, part_name
from biomedica_dataset.pubmed.mesh.parts import read_header

if TYPE_CHECKING:
    from collections.abc import Callable

WORDS = [
    f"{a}{b}"
    for a in ("cyto", "neuro", "derma", "cardio", "immuno")
    for b in ("logy", "genic", "pathy", "tropic")
]
# MeSH has some 31,000 descriptors and 76 qualifiers; as all words do, few of them come very often.
DESCRIPTORS = [(i, f"{WORDS[i % 20]} {WORDS[i // 20 % 20]} {i}") for i in range(31_000)]
WEIGHTS = list(itertools.accumulate(1 / (rank + 1) for rank in range(31_000)))
QUALIFIERS = [f"{WORDS[i % 20]} {i}" for i in range(76)]
QUALIFIED = list(itertools.accumulate(1 / (rank + 1) for rank in range(76)))
BASELINE_CITATIONS = 40_000_000  # 1,334 files of 30,000


def text(rng: random.Random, words: int) -> str:
    return " ".join(rng.choices(WORDS, k=words))


def citation(rng: random.Random, pmid: int) -> str:
    """Return a record of the structure and about the size of a real one with references."""
    authors = "".join(
        f'<Author ValidYN="Y"><LastName>{text(rng, 1)}</LastName><ForeName>A B</ForeName><Initials>AB'
        f"</Initials><AffiliationInfo><Affiliation>{text(rng, 12)}.</Affiliation></AffiliationInfo></Author>"
        for _ in range(rng.randint(1, 9))
    )
    parts = "".join(
        f'<AbstractText Label="{label}" NlmCategory="{label}">{text(rng, 35)}{power}.</AbstractText>'
        for label, power in zip(
            ("BACKGROUND", "METHODS", "RESULTS", "CONCLUSIONS"),
            ("", "", " 10<sup>6</sup>", ""),
            strict=True,
        )
    )
    chosen = rng.choices(DESCRIPTORS, cum_weights=WEIGHTS, k=rng.randint(6, 18))
    headings = "".join(
        f'<MeshHeading><DescriptorName UI="D{number:06d}" MajorTopicYN="N">{name}</DescriptorName>'
        + "".join(
            f'<QualifierName UI="Q{i:06d}" MajorTopicYN="N">{QUALIFIERS[i]}</QualifierName>'
            for i in sorted(
                set(rng.choices(range(76), cum_weights=QUALIFIED, k=rng.choice((0, 0, 1, 2))))
            )
        )
        + "</MeshHeading>"
        for number, name in dict(chosen).items()
    )
    keywords = "".join(f'<Keyword MajorTopicYN="N">{text(rng, 2)}</Keyword>' for _ in range(4))
    references = "".join(
        f"<Reference><Citation>{text(rng, 14)}. 2001;1:2-3.</Citation><ArticleIdList>"
        f'<ArticleId IdType="pubmed">{rng.randrange(10**7)}</ArticleId></ArticleIdList></Reference>'
        for _ in range(rng.randint(0, 20))
    )
    return f"""<PubmedArticle>
<MedlineCitation Status="MEDLINE" Owner="NLM" IndexingMethod="Automated"><PMID Version="1">{pmid}</PMID>
<DateCompleted><Year>2018</Year><Month>05</Month><Day>24</Day></DateCompleted><Article PubModel="Print"><Journal>
<ISSN IssnType="Print">1234-5678</ISSN><JournalIssue CitedMedium="Internet"><Volume>1</Volume><PubDate><Year>2018</Year>
</PubDate></JournalIssue><Title>{text(rng, 4)}</Title></Journal><ArticleTitle>{text(rng, 14)}.</ArticleTitle>
<Abstract>{parts}</Abstract><AuthorList CompleteYN="Y">{authors}</AuthorList><Language>eng</Language>
<PublicationTypeList><PublicationType UI="D016428">Journal Article</PublicationType></PublicationTypeList></Article>
<MeshHeadingList>{headings}</MeshHeadingList><KeywordList Owner="NOTNLM">{keywords}</KeywordList></MedlineCitation>
<PubmedData><History><PubMedPubDate PubStatus="pubmed"><Year>2018</Year><Month>5</Month><Day>1</Day></PubMedPubDate>
</History><PublicationStatus>ppublish</PublicationStatus><ArticleIdList><ArticleId IdType="pubmed">{pmid}</ArticleId>
<ArticleId IdType="pmc">PMC{pmid + 5}</ArticleId><ArticleId IdType="doi">10.1000/{pmid}</ArticleId></ArticleIdList>
<ReferenceList>{references}</ReferenceList></PubmedData></PubmedArticle>
"""


def write_file(folder: Path, count: int) -> int:
    """Write the file and its MD5; return the bytes of the XML."""
    rng = random.Random(0)
    body = "".join(citation(rng, pmid) for pmid in range(1, count + 1))
    data = f'<?xml version="1.0" encoding="utf-8"?>\n<PubmedArticleSet>\n{body}</PubmedArticleSet>\n'.encode()
    zipped = gzip.compress(data, 6, mtime=0)
    path = folder / "pubmed26n0001.xml.gz"
    path.write_bytes(zipped)
    md5 = hashlib.md5(zipped).hexdigest()
    path.with_name(f"{path.name}.md5").write_text(f"MD5({path.name})= {md5}\n")
    return len(data)


def iterparse(path: Path) -> int:
    """Parse all and keep nothing."""
    seen = 0
    with gzip.open(path) as file:
        for _event, element in etree.iterparse(file, tag="PubmedArticle"):
            seen += 1
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
    return seen


def ours(folder: Path, output: Path, wanted: ArticleIds) -> dict[str, int]:
    """Make the part of the file: parsed, laid in columns, written."""
    bulk, target = Bulk(str(folder)), Folder(output)
    file = bulk.files()[0]
    target.remove(f".parts/{part_name(file)}")
    make_part(bulk, file, bulk.md5(file), wanted.filter()).write(target, part_name(file), {})
    header = read_header(target, part_name(file))
    return header["counts"] if header else {}


def cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    options = arguments().parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder, output = Path(scratch, "bulk"), Path(scratch, "mesh")
        folder.mkdir()
        size = write_file(folder, options.citations)
        pmids = range(1, options.citations + 1)
        every = ArticleIds.of([(pmid + 5, pmid, None) for pmid in pmids])
        some = ArticleIds.of([(pmid + 5, pmid, None) for pmid in pmids[::20]])
        runs: dict[str, list[float]] = {"iterparse": [], "all": [], "5 %": []}
        for _ in range(options.repeats):
            runs["iterparse"].append(cpu(lambda: iterparse(folder / "pubmed26n0001.xml.gz")))
            runs["5 %"].append(cpu(lambda: ours(folder, output, some)))
            runs["all"].append(cpu(lambda: ours(folder, output, every)))
        base = statistics.median(runs["iterparse"])
        print(f"{options.citations:,} citations, {size / 1e6:.0f} MB of XML")
        for name, seconds in runs.items():
            middle = statistics.median(seconds)
            whole = middle / options.citations * BASELINE_CITATIONS / 3600
            print(
                f"{name:>10}: {middle:6.2f} s of CPU, {middle / base:4.2f} x iterparse; whole baseline {whole:4.1f} core-hours"
            )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"      peak: {peak:,.0f} MB with the made file in memory")


if __name__ == "__main__":
    main()
