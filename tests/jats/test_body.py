"""The running text and the reference list."""

from __future__ import annotations

import pytest

from biomedica_dataset.jats.reader import read_article
from biomedica_dataset.jats.records import Reference

from .documents import document, fig, read


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param("<p>a</p><p>b</p>", "a\nb", id="no section"),
        pytest.param(
            "<sec><label>1</label><title>T</title><p>a</p><sec><title>U</title><p>b</p></sec></sec>",
            "1 T\na\nU\nb",
            id="sections",
        ),
        pytest.param(f"<p>a{fig()}b</p>{fig(2)}<p>c</p>", "a b\nc", id="floats left out"),
        pytest.param("<boxed-text><p>a</p></boxed-text><p>b</p>", "a\nb", id="a box of its own"),
        pytest.param("<p>a<boxed-text><p>no</p></boxed-text></p>", "a", id="a box in a paragraph"),
        pytest.param("<list><list-item><p>a</p></list-item></list>", "a", id="a list"),
        pytest.param("<preformat>a\nb</preformat>", "a b", id="historical text"),
        pytest.param("<p>10<sup>6</sup></p>", "10⁶", id="text rules"),
        pytest.param("<p/><sec/>", None, id="nothing"),
    ],
)
def test_the_text_has_a_heading_or_paragraph_a_line(body: str, expected: str | None):
    assert read(body).text == expected


def test_text_and_references_are_read_only_if_asked_for():
    article = read_article(document("<p>a</p>", rest="<back><ref-list><ref/></ref-list></back>"))

    assert (article.text, article.references, article.reference_count) == (None, None, 1)


def test_the_text_of_a_sub_article_is_not_that_of_the_article():
    assert read("<p>a</p>", rest="<sub-article><body><p>no</p></body></sub-article>").text == "a"


NAME = "<name><surname>Roe</surname><given-names>J</given-names></name>"
ELEMENTS = f"<element-citation>{NAME}<article-title>On cells</article-title></element-citation>"
MIXED = "<mixed-citation>Roe J. <italic>On cells</italic>. J Ab 3<bold>:</bold>4.</mixed-citation>"


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        pytest.param(f"<label>1.</label>{MIXED}", "Roe J. On cells. J Ab 3:4.", id="mixed"),
        pytest.param(ELEMENTS, "Roe J On cells", id="elements"),
        pytest.param(
            ELEMENTS.replace("element-", "mixed-"), "Roe J On cells", id="mixed without a comma"
        ),
        pytest.param(
            f"<mixed-citation>{NAME}, {NAME} 2007</mixed-citation>", "Roe J, Roe J 2007", id="names"
        ),
        pytest.param(ELEMENTS + MIXED, "Roe J. On cells. J Ab 3:4.", id="both: the printed one"),
        pytest.param(
            f"<citation-alternatives>{MIXED}{ELEMENTS}</citation-alternatives>",
            "Roe J. On cells. J Ab 3:4.",
            id="alternatives",
        ),
        pytest.param(
            "<label>1</label><citation>Roe J, <source>J Ab</source></citation><note>no</note>",
            "Roe J, J Ab",
            id="old",
        ),
        pytest.param(
            f"<citation-alternatives>{ELEMENTS}{ELEMENTS}</citation-alternatives>",
            "Roe J On cells",
            id="alternatives without a printed one",
        ),
        pytest.param(ELEMENTS + ELEMENTS, "Roe J On cells Roe J On cells", id="two of elements"),
        *(
            pytest.param(
                f"<element-citation><{tag}><a>Roe</a><b>J</b></{tag}></element-citation>",
                "Roe J",
                id=tag,
            )
            for tag in ("person-group", "name", "string-name", "name-alternatives", "collab")
        ),
        *(
            pytest.param(f"<mixed-citation>On {inner}.</mixed-citation>", f"On {text}.", id=inner)
            for inner, text in (
                *(("x<sup>n</sup>", "x^{n}"), ("x<sub>n</sub>", "x_{n}")),
                ("<inline-formula><tex-math>$x$</tex-math></inline-formula>", "$x$"),
                ("a<fn><p>no</p></fn>b", "a b"),
            )
        ),
        pytest.param("<nlm-citation>Roe J.</nlm-citation>", "Roe J.", id="NLM"),
        pytest.param(
            MIXED + MIXED.replace("3", "5"),
            "Roe J. On cells. J Ab 3:4. Roe J. On cells. J Ab 5:4.",
            id="two works",
        ),
        pytest.param(
            "<mixed-citation>H<sub>2</sub>O at 10<sup>6</sup>.</mixed-citation>",
            "H₂O at 10⁶.",
            id="scripts",
        ),
        pytest.param(
            f"<element-citation>{NAME}<article-title>H<sub>2</sub>O in <italic>E. coli</italic>s"
            '</article-title><pub-id pub-id-type="pmid">17</pub-id></element-citation>',
            "Roe J H₂O in E. colis",
            id="inline marks in elements, ids given apart",
        ),
        pytest.param("<note><p>no</p></note>", None, id="a note"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_a_reference_is_its_printed_text(ref: str, expected: str | None):
    article = read(rest=f"<back><ref-list><ref>{ref}</ref></ref-list></back>")

    assert [r.citation for r in article.references or ()] == [expected]


@pytest.mark.parametrize(
    ("ids", "pmid", "doi"),
    [
        pytest.param(
            '<pub-id pub-id-type="pmid">17</pub-id><pub-id pub-id-type="doi">10.1234/x</pub-id>',
            17,
            "10.1234/x",
            id="ids",
        ),
        pytest.param(
            '<ext-link ext-link-type="doi" xlink:href="10.1234/x">CrossRef</ext-link>',
            None,
            "10.1234/x",
            id="link",
        ),
        pytest.param(
            '<ext-link ext-link-type="uri" xlink:href="https://doi.org/10.1234/x">a</ext-link>',
            None,
            "10.1234/x",
            id="address",
        ),
        pytest.param(
            '<pub-id pub-id-type="doi">https://doi.org/10.1234/x.</pub-id>',
            None,
            "10.1234/x",
            id="stop",
        ),
        pytest.param(
            '<pub-id pub-id-type="doi">10.1234/x</pub-id>'
            '<pub-id pub-id-type="doi">10.1234/y</pub-id>'
            '<pub-id pub-id-type="pmid">17</pub-id><pub-id pub-id-type="pmid">18</pub-id>',
            17,
            "10.1234/x",
            id="the first of two",
        ),
        pytest.param('<pub-id pub-id-type="pmid">PMID: 17</pub-id>', 17, None, id="words"),
        pytest.param('<pub-id pub-id-type="doi">none</pub-id>', None, None, id="no DOI"),
        pytest.param('<pub-id pub-id-type="pii">10.1234/x</pub-id>', None, None, id="another id"),
        pytest.param('<pub-id pub-id-type="pmid"/>', None, None, id="an empty id"),
        pytest.param('<pub-id pub-id-type="pmid">none</pub-id>', None, None, id="no PMID"),
    ],
)
def test_the_ids_of_a_reference_are_read(ids: str, pmid: int | None, doi: str | None):
    ref = f"<ref><mixed-citation>Roe. {ids}</mixed-citation></ref>"
    article = read(rest=f"<back><ref-list>{ref}</ref-list></back>")

    (found,) = article.references or ()
    assert isinstance(found, Reference)
    assert (found.pmid, found.doi) == (pmid, doi)


def test_ids_do_not_stick_to_the_citation():
    citation = '<mixed-citation>Roe J 3:4.<pub-id pub-id-type="pmid">17</pub-id></mixed-citation>'
    article = read(rest=f"<back><ref-list><ref>{citation}</ref></ref-list></back>")

    assert [r.citation for r in article.references or ()] == ["Roe J 3:4. 17"]


def test_references_of_sub_articles_are_not_counted():
    back = "<back><ref-list><ref/></ref-list></back>"

    assert read(rest=f"{back}<sub-article>{back}</sub-article>").reference_count == 1


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ("<i>Cell Res.</i><b>7</b>, 1", "Cell Res. 7, 1"),
        ("<italic>Blood</italic><bold>7</bold>:9", "Blood 7:9"),
        ("In <source>Blood</source><volume>7</volume><fpage>9</fpage>", "In Blood 7 9"),
        ("In <source><italic>Blood</italic></source><bold>7</bold>", "In Blood 7"),
        ("A <person-group>Roe J</person-group><year>2007</year>", "A Roe J 2007"),
        ("<bold>7</bold><italic>Suppl</italic> 2", "7 Suppl 2"),
        ("H<sub>2</sub>O at 10<sup>6</sup>", "H₂O at 10⁶"),
        ("<italic>Na</italic><sup>22</sup> in <bold>10</bold><sup>5</sup>", "Na²² in 10⁵"),
        ("In <italic>E. co</italic><bold>li</bold>", "In E. coli"),
        ("In <italic>miR</italic><italic>21</italic>", "In miR21"),
        ("<italic>p</italic>53 and <italic>Blood</italic>,<bold>7</bold>", "p53 and Blood,7"),
    ],
)
def test_nothing_runs_into_a_number_where_two_elements_meet(inner: str, expected: str):
    ref = f"<ref><mixed-citation>{inner}</mixed-citation></ref>"
    article = read(rest=f"<back><ref-list>{ref}</ref-list></back>")

    assert [r.citation for r in article.references or ()] == [expected]
