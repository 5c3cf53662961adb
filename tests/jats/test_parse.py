"""Bytes to a tree: encodings, entities, roots, and what is refused."""

from __future__ import annotations

import codecs
import time

import pytest

from biomedica_dataset.errors import JatsError
from biomedica_dataset.jats.reader import read_article

TITLE = (
    "<front><article-meta><title-group><article-title>{}</article-title></title-group>"
    "</article-meta></front>"
)
DOCTYPE = '<!DOCTYPE article PUBLIC "-//NLM//DTD JATS v1.1//EN" "JATS-archivearticle1.dtd">'


def title_of(xml: bytes) -> str | None:
    return read_article(xml, full_text=True).title


def article(title: str, attributes: str = "") -> str:
    return f"<article{attributes}>{TITLE.format(title)}</article>"


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        pytest.param(article("Größe").encode(), "Größe", id="UTF-8"),
        pytest.param(codecs.BOM_UTF8 + article("Größe").encode(), "Größe", id="byte order mark"),
        pytest.param(
            b'<?xml version="1.0" encoding="ISO-8859-1"?>' + article("Größe").encode("latin-1"),
            "Größe",
            id="Latin 1",
        ),
        pytest.param(
            b'<?xml version="1.0" encoding="US-ASCII"?>' + article("Gr&#246;&#xDF;e").encode(),
            "Größe",
            id="ASCII",
        ),
        *(
            pytest.param(
                f'<?xml version="1.0" encoding="{name}"?>{article("&beta;-Größe")}'.encode(name),
                "β-Größe",
                id=name,
            )
            for name in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")
        ),
        pytest.param(article("a\r\nb").encode(), "a b", id="CRLF"),
    ],
)
def test_every_encoding_is_read(xml: bytes, expected: str):
    assert title_of(xml) == expected


@pytest.mark.parametrize("doctype", ["", DOCTYPE], ids=["without DOCTYPE", "with DOCTYPE"])
@pytest.mark.parametrize(
    ("entity", "expected"),
    [
        *(("minus", "−"), ("alpha", "α"), ("lsqb", "["), ("agr", "α"), ("Agr", "Α")),
        *(("b.OHgr", "Ω"), ("ldquo", "“"), ("NotEqualTilde", "≂̸"), ("nosuch", "\ufffd")),
    ],
)
def test_iso_entities_are_resolved_without_their_dtd(doctype: str, entity: str, expected: str):
    xml = f"{doctype}{article(f'a&{entity};b &amp; &lt;')}".encode()

    assert title_of(xml) == f"a{expected}b & <"


def test_all_greek_letters_of_iso_are_known():
    names = (
        "agr bgr ggr dgr egr zgr eegr thgr igr kgr lgr mgr "
        "ngr xgr ogr pgr rgr sfgr sgr tgr ugr phgr khgr psgr ohgr"
    )
    xml = article("".join(f"&{name};" for name in names.split()))

    assert title_of(xml.encode()) == "αβγδεζηθικλμνξοπρςστυφχψω"


@pytest.mark.parametrize("doctype", ["", DOCTYPE], ids=["without DOCTYPE", "with DOCTYPE"])
@pytest.mark.parametrize("name", ["a_b", "a-b", "é", "x" * 99, "x" * 32 + "alpha"])
def test_names_that_no_iso_set_has_are_replaced_too(doctype: str, name: str):
    assert title_of(f"{doctype}{article(f'a&{name};b')}".encode()) == "a\ufffdb"


def test_entities_in_attributes_are_resolved_too():
    xml = f'{DOCTYPE}{article("t", """ article-type="a&ndash;b" """)}'.encode()

    assert read_article(xml).type == "a–b"


def test_what_looks_like_an_entity_in_cdata_stays():
    assert title_of(article("&alpha; <![CDATA[&alpha;]]>").encode()) == "α &alpha;"


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        pytest.param(
            f"<pmc-articleset>{article('A')}{article('B')}</pmc-articleset>", "A", id="set"
        ),
        pytest.param(article("A", ' xmlns="http://dtd.nlm.nih.gov/2.0/xsd"'), "A", id="namespace"),
        pytest.param(
            f'<OAI xmlns="http://oai"><r>{article("A", """ xmlns="http://jats" """)}</r></OAI>',
            "A",
            id="namespace inside another",
        ),
        pytest.param(f"<?a b?><!-- c -->{article('A<?d e?>B')}", "AB", id="instructions"),
        pytest.param("<article/>", None, id="nothing in it"),
        pytest.param("<article><front/><body/></article>", None, id="no article-meta"),
    ],
)
def test_the_article_is_found_under_other_roots(xml: str, expected: str | None):
    assert title_of(xml.encode()) == expected


@pytest.mark.parametrize(
    "declaration",
    [
        pytest.param('<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">', id="nested"),
        pytest.param('<!ENTITY a SYSTEM "file:///etc/passwd">', id="external"),
        pytest.param('<!ENTITY % a "b">', id="parameter"),
    ],
)
@pytest.mark.parametrize(
    "use", ["", "<p>&a;</p>", '<p id="&a;"/>'], ids=["unused", "text", "attribute"]
)
def test_entities_of_its_own_are_refused(declaration: str, use: str):
    xml = f"<!DOCTYPE article [{declaration}]><article>{use}</article>".encode()

    with pytest.raises(JatsError):
        read_article(xml)


def test_a_billion_laughs_are_refused_at_once():
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 20))
    for use in ("<p>&l19;</p>", '<p id="&l19;"/>'):
        xml = f'<!DOCTYPE article [<!ENTITY l0 "ha">{levels}]><article>{use}</article>'.encode()
        started = time.process_time()

        with pytest.raises(JatsError):
            read_article(xml)
        assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "xml",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"   ", id="spaces"),
        pytest.param(b"PDF-1.4 no XML", id="no XML"),
        pytest.param(b"<html><body/></html>", id="another root"),
        pytest.param(b"<article><p></article>", id="not closed"),
        pytest.param(b"<article>\x00</article>", id="NUL"),
        pytest.param(b"<article>\x02</article>", id="control character"),
        pytest.param(b"<article>&#0;&#2;</article>", id="control character by number"),
        pytest.param(b"<article>\xff\xfe\xfa</article>", id="not UTF-8"),
        pytest.param(b'<?xml version="1.0" encoding="no-such"?><article/>', id="unknown encoding"),
        *(
            pytest.param(
                f'<?xml version="1.0" encoding="{name}"?><article/>'.encode(), id=f"{name} declared"
            )
            for name in ("UTF-7", "JAVA", "C99", "HZ", "EBCDIC-CP-US")
        ),
        pytest.param('<?xml version="1.0"?><article/>'.encode("cp037"), id="EBCDIC"),
        pytest.param(b"<!DOCTYPE a [<!ATTLIST p b CDATA 'c'>]><article/>", id="own attributes"),
        pytest.param(b"\xff\xfe<\x00\x00\xd8", id="broken UTF-16"),
        pytest.param(b"\x00\x00\x00<\x00\x11\x00\x00", id="broken UTF-32"),
        pytest.param(b"<mml:article/>", id="undeclared prefix"),
        pytest.param(b'<article xmlns="x"><a:b:c xmlns:a="y"/></article>', id="name with colons"),
        pytest.param(b"<article>" + b"<sec>" * 5000 + b"</sec>" * 5000 + b"</article>", id="depth"),
        pytest.param(b'<article id="' + b"a" * 11_000_000 + b'"/>', id="huge attribute"),
        pytest.param(b"<article>&unclosed</article>", id="unclosed entity"),
        pytest.param(b"<article>&a;" + b"<![CDATA[" * 50_000, id="unclosed CDATA"),
    ],
)
def test_what_cannot_be_read_is_a_jats_error(xml: bytes):
    started = time.process_time()

    with pytest.raises(JatsError) as error:
        read_article(xml, full_text=True)
    assert str(error.value)
    assert time.process_time() - started < 5


def test_the_error_says_where_the_xml_breaks():
    with pytest.raises(JatsError, match=r"not well-formed.*line 2"):
        read_article(b"<article>\n<p></article>")


def test_an_entity_that_is_resolved_does_not_hide_another_fault():
    with pytest.raises(JatsError, match=r"not well-formed.*mismatch"):
        read_article(b"<article>&alpha;<p></article>")


def test_the_error_names_the_root_that_came():
    with pytest.raises(JatsError, match="the root element is 'html'; 'article' was expected"):
        read_article(b"<html/>")


@pytest.mark.parametrize(
    "tag",
    [
        "sec",
        "p",
        "sup",
        "sub",
        "italic",
        "xref",
        "inline-formula",
        "alternatives",
        "fig",
        "boxed-text",
        "sub-article",
        "list",
        "mfrac",
        "msup",
        "msqrt",
    ],
)
def test_the_deepest_nesting_that_parses_is_read(tag: str):
    inner = f"<{tag}>a" * 240 + f"</{tag}>" * 240
    places = (
        f"<body><p>{inner}</p></body>",
        f"<body>{inner}</body>",
        f"<body><p><math>{inner}</math></p></body>",
        inner,
        f"<body><fig><caption>{inner}</caption><graphic href='g'/></fig></body>",
    )
    for place in places:
        article = read_article(f"<article>{place}</article>".encode(), full_text=True)

        assert article.title is None
