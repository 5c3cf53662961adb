"""What the front of a document says about the article."""

from __future__ import annotations

import datetime
from itertools import pairwise

import pytest

from .documents import fig, read


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        pytest.param('<article-id pub-id-type="pmcid">PMC123</article-id>', "PMC123", id="new"),
        pytest.param('<article-id pub-id-type="pmcid">123</article-id>', "PMC123", id="digits"),
        pytest.param('<article-id pub-id-type="pmc">123</article-id>', "PMC123", id="old"),
        pytest.param('<article-id pub-id-type="pmcaid">pmc123</article-id>', "PMC123", id="pmcaid"),
        pytest.param('<article-id pub-id-type="pmcid">x</article-id>', None, id="no number"),
        pytest.param('<article-id pub-id-type="pmcid-ver">PMC1.2</article-id>', None, id="version"),
        pytest.param("", None, id="none"),
    ],
)
def test_the_pmcid_is_read_in_all_its_forms(ids: str, expected: str | None):
    assert read(meta=ids).pmcid == expected


def test_pmid_and_doi_are_read():
    article = read(
        meta='<article-id pub-id-type="pmid"> 17 </article-id>'
        '<article-id pub-id-type="doi">10.1/x</article-id>'
    )

    assert (article.pmid, article.doi) == (17, "10.1/x")


@pytest.mark.parametrize("text", ["", "x17", "١٧", "9" * 30, "-1"])
def test_a_pmid_that_is_no_number_is_none(text: str):
    assert read(meta=f'<article-id pub-id-type="pmid">{text}</article-id>').pmid is None


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        pytest.param("On <italic>TP53</italic> in CO<sub>2</sub>", "On TP53 in CO₂", id="marks"),
        pytest.param('A<xref ref-type="fn" rid="n">*</xref> title', "A title", id="footnote link"),
        pytest.param("<fn><p>no</p></fn>A title<fn><p>no</p></fn>", "A title", id="footnote"),
        pytest.param('A<xref ref-type="bibr" rid="b">1</xref>', "A[1]", id="citation"),
        pytest.param(" ", None, id="empty"),
    ],
)
def test_the_title_is_clean_text_without_footnote_marks(title: str, expected: str | None):
    meta = f"<title-group><article-title>{title}</article-title></title-group>"

    assert read(meta=meta).title == expected


@pytest.mark.parametrize(
    ("journal", "expected"),
    [
        pytest.param(
            "<journal-title-group><journal-title>J. &amp; Co</journal-title></journal-title-group>",
            "J. & Co",
            id="new",
        ),
        pytest.param("<journal-title>J</journal-title>", "J", id="old"),
        pytest.param(
            '<journal-id journal-id-type="pmc">x</journal-id>'
            '<journal-id journal-id-type="nlm-ta">J Ab</journal-id>',
            "J Ab",
            id="abbreviation",
        ),
        pytest.param("", None, id="none"),
    ],
)
def test_the_journal_is_named_in_full_if_it_is(journal: str, expected: str | None):
    from biomedica_dataset.jats.reader import read_article

    xml = f"<article><front><journal-meta>{journal}</journal-meta></front></article>"

    assert read_article(xml.encode()).journal == expected


def dated(year: str = "", month: str = "", day: str = "", kind: str = "epub") -> str:
    return (
        f'<pub-date pub-type="{kind}"><day>{day}</day><month>{month}</month><year>{year}</year>'
        "</pub-date>"
    )


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        pytest.param(dated("2011", "3", "4"), "2011-03-04", id="day"),
        pytest.param(dated("2011", "03"), "2011-03", id="month"),
        pytest.param(dated("2011"), "2011", id="year"),
        pytest.param(dated("2011", "March", "4"), "2011-03-04", id="named month"),
        pytest.param(dated(" 2011\n", "Sept"), "2011-09", id="short month"),
        pytest.param(dated("2011", "13", "4"), "2011", id="no such month"),
        pytest.param(dated("2011", "2", "30"), "2011-02", id="no such day"),
        pytest.param(dated("2011", "2", "9" * 18), "2011-02", id="a day out of all bounds"),
        pytest.param(dated("20111", "2"), None, id="no such year"),
        pytest.param(dated("MMXI"), None, id="a year in letters"),
        pytest.param("<pub-date/>", None, id="an empty date"),
        pytest.param('<pub-date iso-8601-date="2011-03-04"/>', "2011-03-04", id="attribute"),
        pytest.param('<pub-date iso-8601-date="2011-13-99"/>', "2011", id="attribute that lies"),
        pytest.param(
            '<pub-date date-type="pub" publication-format="print"><year>2011</year></pub-date>',
            "2011",
            id="new attributes",
        ),
        pytest.param(
            dated("2012", kind="ppub") + dated("2011", "5"), "2011-05", id="electronic before print"
        ),
        pytest.param(
            dated("2011", kind="collection") + dated("2011", "5", kind="collection"),
            "2011-05",
            id="the more precise of one kind",
        ),
        pytest.param(dated("2013", kind="pmc-release"), None, id="a date of PMC"),
        pytest.param(dated("2013", kind="nihms-submitted"), None, id="a date of a manuscript"),
        pytest.param(dated("2013", kind="unheard-of"), "2013", id="any other kind"),
        pytest.param("", None, id="none"),
    ],
)
def test_the_date_is_as_precise_as_the_source(dates: str, expected: str | None):
    assert read(meta=dates).date == expected


@pytest.mark.parametrize("number", range(1, 13))
def test_every_month_has_a_name(number: int):
    name = datetime.date(2011, number, 1).strftime("%B")

    assert read(meta=dated("2011", name)).date == f"2011-{number:02d}"


KINDS = (
    *("epub", "pub", "publication", "epub-ppub", "ppub", "collection", "epreprint"),
    *("original-publication", "any-other"),
)


@pytest.mark.parametrize(("first", "second"), list(pairwise(KINDS)))
def test_of_two_kinds_of_date_the_one_believed_more_counts(first: str, second: str):
    assert read(meta=dated("2012", kind=second) + dated("2011", kind=first)).date == "2011"


@pytest.mark.parametrize(
    ("abstract", "expected"),
    [
        pytest.param("<abstract><p>a</p><p>b</p></abstract>", "a b", id="plain"),
        pytest.param(
            "<abstract><title>Abstract</title><sec><title>Aims:</title><p>a</p></sec>"
            "<sec><title>Results</title><p>b</p><sec><title>More.</title><p>c</p></sec></sec></abstract>",
            "Aims: a Results: b More: c",
            id="structured",
        ),
        pytest.param("<abstract><sec><p>a</p></sec></abstract>", "a", id="a section unnamed"),
        pytest.param(
            '<abstract abstract-type="graphical"><p>no</p></abstract><abstract><p>a</p></abstract>',
            "a",
            id="not the graphical one",
        ),
        pytest.param(
            '<abstract abstract-type="teaser"><p>no</p></abstract>', None, id="not the teaser"
        ),
        pytest.param("<trans-abstract><p>no</p></trans-abstract>", None, id="not the translated"),
        pytest.param(f"<abstract>{fig()}<p>a{fig()}b</p></abstract>", "a b", id="not its figures"),
        pytest.param(
            "<abstract><object-id>10.1/x</object-id><p>a</p></abstract>", "a", id="not its id"
        ),
        pytest.param("<abstract/><abstract><p>a</p></abstract>", "a", id="not the empty one"),
        pytest.param("", None, id="none"),
    ],
)
def test_the_abstract_is_the_main_one_with_its_headings(abstract: str, expected: str | None):
    assert read(meta=abstract).abstract == expected


KEYWORDS = (
    '<kwd-group xml:lang="pt"><kwd>célula</kwd></kwd-group>'
    '<kwd-group xml:lang="EN"><kwd>cell</kwd><kwd>CO<sub>2</sub></kwd><kwd>cell</kwd><kwd/>'
    "</kwd-group>"
)


@pytest.mark.parametrize(
    ("groups", "language", "expected"),
    [
        pytest.param(KEYWORDS, "en", ("cell", "CO₂"), id="own language, each once"),
        pytest.param(KEYWORDS, "pt-BR", ("célula",), id="a variety of it"),
        pytest.param(KEYWORDS, "", ("célula", "cell", "CO₂"), id="no language"),
        pytest.param(KEYWORDS, "fr", ("célula", "cell", "CO₂"), id="none in it"),
        pytest.param(
            "<kwd-group><compound-kwd><compound-kwd-part>a</compound-kwd-part></compound-kwd>"
            "</kwd-group>",
            "en",
            ("a",),
            id="compound",
        ),
        pytest.param(
            '<kwd-group kwd-group-type="abbreviations"><kwd>no</kwd></kwd-group>',
            "en",
            (),
            id="abbreviations",
        ),
    ],
)
def test_keywords_are_those_of_the_articles_language(
    groups: str, language: str, expected: tuple[str, ...]
):
    assert read(meta=groups, attributes=f'xml:lang="{language}"').keywords == expected


def test_subjects_are_read_at_every_depth():
    meta = (
        "<article-categories><subj-group><subject>Biology</subject><subj-group>"
        "<subject>Cell</subject><subject>Biology</subject></subj-group></subj-group>"
        "</article-categories>"
    )

    assert read(meta=meta).subjects == ("Biology", "Cell")


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [('xml:lang="EN"', "en"), ('xml:lang="pt-BR"', "pt-br"), ('xml:lang=""', None), ("", None)],
)
def test_the_language_is_lower_case(attributes: str, expected: str | None):
    assert read(attributes=attributes).language == expected


def test_the_type_is_kept_as_it_is():
    assert read(attributes='article-type="case-report"').type == "case-report"


def test_what_is_missing_is_none_or_empty():
    article = read()

    assert [
        *(article.pmcid, article.pmid, article.doi, article.title, article.journal, article.date),
        *(article.abstract, article.type, article.language, article.reference_count, article.text),
    ] == [None] * 11
    assert (article.keywords, article.subjects, article.figures, article.references) == ((),) * 4


def test_a_sub_article_gives_no_metadata():
    sub = (
        '<sub-article><front-stub><article-id pub-id-type="doi">10.1/no</article-id><title-group>'
        "<article-title>no</article-title></title-group></front-stub></sub-article>"
    )
    article = read(rest=sub)

    assert (article.doi, article.title) == (None, None)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("3 March 2011", "2011-03-03"),
        ("March 3rd, 2011", "2011-03-03"),
        ("Sept 2011", "2011-09"),
        ("3 de diciembre de 2011", "2011-12-03"),
        ("3. März 2011", "2011-03-03"),
        ("1er août 2011", "2011-08-01"),
        ("30 giugno 2011", "2011-06-30"),
        ("2011-03-04", "2011-03-04"),
        ("2011/3/4", "2011-03-04"),
        ("04.03.2011", "2011-03-04"),
        ("25/12/2011", "2011-12-25"),
        ("12/25/2011", "2011-12-25"),
        ("02/03/2011", "2011"),
        ("2011年3月4日", "2011-03-04"),
        ("2011-03", "2011-03"),
        ("Winter 2011", "2011"),
        ("31 February 2011", "2011-02"),
        ("<day>3</day> <month>May</month> <year>2011</year>", "2011-05-03"),
        ("in press", None),
        ("", None),
    ],
)
def test_a_date_in_words_is_read(written: str, expected: str | None):
    meta = f'<pub-date pub-type="epub"><string-date>{written}</string-date></pub-date>'

    assert read(meta=meta).date == expected


def test_elements_of_a_date_count_before_its_words():
    inner = "<year>2011</year><string-date>3 March 2012</string-date>"

    assert read(meta=f"<pub-date>{inner}</pub-date>").date == "2011"
