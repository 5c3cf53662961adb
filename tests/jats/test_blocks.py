"""An article as blocks in reading order."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biomedica_dataset.errors import JatsError
from biomedica_dataset.jats.limits import MAX_CELLS
from biomedica_dataset.jats.reader import read_article

from .documents import document, fig, permissions

if TYPE_CHECKING:
    from pathlib import Path

    from biomedica_dataset.jats.records import Block

GRAPHIC = '<graphic xlink:href="g9"/>'
SPANNING = '<td colspan="2" rowspan="3">a</td>'
ROWS = "<tr><td>a</td><td>b</td></tr>"


def blocks(body: str = "", **parts: str) -> tuple[Block, ...]:
    return read_article(document(body, **parts), blocks=True).blocks or ()


def short(body: str = "", **parts: str) -> list[tuple[str, str | None]]:
    return [(block.kind, block.text) for block in blocks(body, **parts)]


def cite(number: int) -> str:
    return f'<xref ref-type="fig" rid="F{number}">Figure {number}</xref>'


def table(rows: str = f"<tbody>{ROWS}</tbody>", inner: str = "", caption: str = "Ages.") -> str:
    return (
        f'<table-wrap id="T1"><label>Table 1</label><caption><p>{caption}</p></caption>'
        f"<table>{rows}</table>{inner}</table-wrap>"
    )


def only_html(rows: str) -> str | None:
    (block,) = blocks(table(rows))
    return block.html


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param("<title>T</title>", ("heading", "T"), id="heading"),
        pytest.param("<p>a</p>", ("text", "a"), id="paragraph"),
        pytest.param("<list><list-item><p>a</p></list-item></list>", ("list", "a"), id="list"),
        pytest.param(
            "<disp-formula><tex-math>$x^2$</tex-math></disp-formula>",
            ("formula", "$x^2$"),
            id="formula",
        ),
        pytest.param("<preformat>a</preformat>", ("text", "a"), id="historical text"),
    ],
)
def test_an_element_of_the_body_is_a_block_of_its_kind(body: str, expected: tuple[str, str]):
    assert short(body) == [expected]


def test_a_heading_has_the_level_of_its_section():
    inner = "<sec><title>B</title><p>x</p></sec>"
    found = blocks(f"<sec><label>1</label><title>A</title>{inner}</sec><sec><title>C</title></sec>")

    assert [(block.text, block.level) for block in found] == [
        ("1 A", 1),
        ("B", 2),
        ("x", None),
        ("C", 1),
    ]


@pytest.mark.parametrize(
    ("body", "rest", "expected"),
    [
        pytest.param(
            f"<p>a {cite(1)}</p><p>b {cite(1)}</p>",
            f"<floats-group>{fig()}</floats-group>",
            "text figure text",
            id="after the paragraph that cites it first",
        ),
        pytest.param(
            f"{fig()}<p>a</p><p>b {cite(1)}</p>", "", "text text figure", id="not where it stands"
        ),
        pytest.param(f"<p>a</p>{fig()}<p>b</p>", "", "text figure text", id="where it stands"),
        pytest.param(f"<p>a{fig()}c</p><p>b</p>", "", "text figure text", id="in a paragraph"),
        pytest.param(
            f"<sec><title>A</title>{fig()}</sec><p>b</p>",
            "",
            "heading figure text",
            id="in a section",
        ),
        pytest.param(
            "<p>a</p>", f"<floats-group>{fig()}</floats-group>", "text figure", id="at the end"
        ),
    ],
)
def test_a_figure_stands_where_it_is_cited_or_where_it_is(body: str, rest: str, expected: str):
    assert " ".join(kind for kind, _ in short(body, rest=rest)) == expected


def test_a_graphical_abstract_stands_first():
    assert [kind for kind, _ in short("<p>a</p>", meta=f"<abstract>{fig()}</abstract>")] == [
        "figure",
        "text",
    ]


def test_a_figure_says_whether_it_is_cited_and_what_its_number_is():
    found = blocks(f"<p>a {cite(2)}</p>{fig(1)}{fig(2)}")

    assert [(b.figure, b.is_cited) for b in found if b.kind == "figure"] == [(1, True), (0, False)]


def test_a_table_with_two_graphics_has_its_rows_once():
    assert [block.kind for block in blocks(table(inner=GRAPHIC + GRAPHIC.replace("9", "8")))] == [
        "table",
        "figure",
    ]


def test_a_table_without_a_graphic_stands_where_it_is_cited():
    body = f'{table()}<p>a</p><p>b <xref ref-type="table" rid="T1">Table 1</xref></p><p>c</p>'
    found = blocks(body)

    assert [block.kind for block in found] == ["text", "text", "table", "text"]
    assert (found[2].text, found[2].html) == (
        "Table 1. Ages.",
        "<table><tr><td>a</td><td>b</td></tr></table>",
    )
    assert read_article(document(body)).figures == read_article(document(body), blocks=True).figures


def test_a_table_with_a_graphic_is_one_block_of_that_figure():
    (block,) = blocks(table(inner=GRAPHIC))

    assert (block.kind, block.figure) == ("table", 0)
    assert block.html == "<table><tr><td>a</td><td>b</td></tr></table>"


def test_a_table_keeps_the_rights_that_it_states():
    credit = "Reproduced with permission from Elsevier."
    (block,) = blocks(table(caption=f"Ages. {credit}"))
    (own,) = blocks(
        table(
            inner=permissions(
                '<license xlink:href="http://creativecommons.org/licenses/by-nc/4.0/"/>'
            )
        )
    )

    assert block.credit == credit
    assert own.own_license is not None
    assert own.own_license.code == "CC BY-NC"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param("<thead><tr><td>a</td></tr></thead>", "<th>a</th>", id="head"),
        pytest.param('<tr><th scope="row">a</th></tr>', "<th>a</th>", id="header cell"),
        pytest.param(f"<tr>{SPANNING}</tr>", SPANNING, id="spans"),
        pytest.param('<tr><td colspan="1" rowspan="x">a</td></tr>', "<td>a</td>", id="no span"),
        pytest.param('<tr><td colspan="99999">a</td></tr>', "<td>a</td>", id="a wild span"),
        pytest.param("<tr><td/></tr>", "<td></td>", id="empty"),
        pytest.param(
            "<tr><td>&lt;b&gt; &amp; <italic>c</italic></td></tr>",
            "<td>&lt;b&gt; &amp; c</td>",
            id="escaped",
        ),
        pytest.param(f"<tr><td>x<table>{ROWS}</table></td></tr>", "<td>x a b</td>", id="nested"),
    ],
)
def test_a_table_has_cells_spans_and_headers_alone(rows: str, expected: str):
    assert only_html(rows) == f"<table><tr>{expected}</tr></table>"


@pytest.mark.parametrize(
    ("rows", "reason"),
    [("", "no_rows"), (f"<tr>{'<td/>' * (MAX_CELLS + 1)}</tr>", "table_too_large")],
)
def test_a_table_without_rows_or_with_too_many_cells_says_so(rows: str, reason: str):
    (block,) = blocks(table(rows))

    assert (block.html, block.dropped) == (None, reason)


def test_tables_of_a_translation_are_not_those_of_the_article():
    translation = f'<sub-article article-type="translation"><body>{table()}</body></sub-article>'

    assert blocks("<p>a</p>", rest=translation) == blocks("<p>a</p>")


def words(text: str | None) -> list[str]:
    return (text or "").split()


def check(xml: bytes) -> None:
    article = read_article(xml, full_text=True, blocks=True)
    running = [b for b in article.blocks or () if b.figure is None]
    floating = [b.figure for b in article.blocks or () if b.figure is not None]

    assert words(" ".join(b.text or "" for b in running)) == words(article.text)
    assert sorted(floating) == list(range(len(floating)))
    assert len(floating) >= len(article.figures)
    for block in article.blocks or ():
        assert not re.findall(
            r"<(?!/?(?:table|tr|td|th)\b)|<\w+ (?!colspan|rowspan)", block.html or ""
        )


@pytest.mark.slow
def test_blocks_of_real_articles_have_their_text_and_each_figure_once(real: Path):
    read = 0
    for path in [*(real / "jats").iterdir(), *(real / "articles").rglob("*.*ml")]:
        try:
            read_article(path.read_bytes())
        except JatsError:
            continue
        check(path.read_bytes())
        read += 1

    assert read == 258


PARTS = st.recursive(
    st.sampled_from(["<p>a</p>", fig(), table(), f"<p>b {cite(1)}</p>", "<title>T</title>",
                     f"<p>c{fig(2)} d</p>", "<label>1</label>"]),
    lambda inner: st.lists(inner, max_size=4).map(lambda parts: f"<sec>{''.join(parts)}</sec>"),
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(PARTS, max_size=6).map("".join))
def test_blocks_of_any_body_have_its_text_and_each_figure_once(body: str):
    check(document(body))
