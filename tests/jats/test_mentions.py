"""Which paragraphs cite which figures."""

from __future__ import annotations

import time

import pytest

from .documents import cited, fig, figures


def x(rid: str, text: str = "Fig", kind: str = "fig") -> str:
    return f'<xref ref-type="{kind}" rid="{rid}">{text}</xref>'


def test_a_figure_has_the_clean_paragraphs_that_cite_it_in_document_order():
    body = (
        f"<p>One {x('F1', 'Fig. 1')}.</p><sec><p>Two.</p><p>Three<sub>3</sub> {x('F1')}.</p></sec>"
    )

    assert cited(body) == {"F1": ["One Fig. 1.", "Three₃ Fig."]}


def test_a_paragraph_that_cites_twice_is_given_once():
    assert cited(f"<p>{x('F1')} and {x('F1')}</p>") == {"F1": ["Fig and Fig"]}


def test_every_graphic_of_a_figure_has_its_context():
    body = f'<p>See {x("F1")}.</p>{fig(1, """<graphic xlink:href="g0"/>""")}'

    assert [f.context for f in figures(body)] == [("See Fig.",), ("See Fig.",)]


@pytest.mark.parametrize(
    ("inner", "ids"),
    [
        pytest.param(x("F1 F3"), {"F1", "F3"}, id="several ids in one rid"),
        pytest.param(x("F1  F9"), {"F1"}, id="one of them dangling"),
        pytest.param(x("F2", "2B"), {"F2"}, id="a panel inside"),
        pytest.param(f"{x('F2', 'Fig. 2')}A, B", {"F2"}, id="a panel after it"),
        pytest.param(f"a{x('F2', '')}", {"F2"}, id="no text"),
        pytest.param(x("F2", "<bold>Fig. 2</bold>"), {"F2"}, id="formatted inside"),
        pytest.param(f"<bold><italic>{x('F2')}</italic></bold>", {"F2"}, id="formatted around"),
        pytest.param(x("F2", kind="other"), {"F2"}, id="type other"),
        pytest.param(x("F2", kind="supplementary-material"), {"F2"}, id="type supplement"),
        pytest.param('<xref rid="F2">2</xref>', {"F2"}, id="no type"),
        pytest.param(x("F2", kind="bibr"), set(), id="to the bibliography"),
        pytest.param("<xref ref-type='fig'>Fig</xref>", set(), id="no rid"),
        pytest.param(x("F1", "Figs 1–3"), {"F1", "F2", "F3"}, id="range inside"),
        pytest.param(x("F1", "Figs 1A-3B"), {"F1", "F2", "F3"}, id="range of panels inside"),
        pytest.param(x("F2", "Figures 2 to 4"), {"F2", "F3", "F4"}, id="range by a word"),
        pytest.param(x("F1", "Fig. 1A–C"), {"F1"}, id="range of letters"),
        pytest.param(x("F1", "Figs 1–300"), {"F1"}, id="no range is that long"),
        pytest.param(f"{x('F1', '1')}–{x('F3', '3')}", {"F1", "F2", "F3"}, id="range between"),
        pytest.param(f"{x('F1')}A–{x('F3')}C", {"F1", "F2", "F3"}, id="between panels"),
        pytest.param(f"{x('F1')} to {x('F3')}", {"F1", "F2", "F3"}, id="between by a word"),
        pytest.param(f"{x('F1')}) – ({x('F3')}", {"F1", "F2", "F3"}, id="between brackets"),
        pytest.param(f"{x('F1')}, {x('F3')}", {"F1", "F3"}, id="a list is no range"),
        pytest.param(f"{x('F1')} and {x('F3')}", {"F1", "F3"}, id="and is no range"),
        pytest.param(f"{x('F1')}–{x('S1', kind='bibr')}", {"F1"}, id="a dash to something else"),
        pytest.param(f"{x('F1')}–", {"F1"}, id="a dash to nothing"),
        pytest.param(f"{x('F1')}–<italic>a</italic>{x('F3')}", {"F1", "F3"}, id="a word between"),
        pytest.param(f"{x('F1', 'Figs 1')}–3", {"F1", "F2", "F3"}, id="to plain text"),
        pytest.param(f"{x('F1', 'Fig. 1')}A–3C.", {"F1", "F2", "F3"}, id="panels, to plain text"),
        pytest.param(f"Figures {x('F1', '1')} to 3", {"F1", "F2", "F3"}, id="to plain by a word"),
        pytest.param(f"Figs. 1–{x('F3', '3')}", {"F1", "F2", "F3"}, id="from plain text"),
        pytest.param(f"Figs 1, 2–{x('F4', '4')}", {"F2", "F3", "F4"}, id="from plain in a list"),
        pytest.param(
            f"<bold>{x('F1', 'Figs 1')}</bold>–<bold>{x('F3', '3')}</bold>",
            {"F1", "F2", "F3"},
            id="in bold",
        ),
        pytest.param(
            f"<italic>{x('F1', 'Figs 1')}–3</italic>", {"F1", "F2", "F3"}, id="plain in italic"
        ),
        pytest.param(
            f"{x('F1', 'Figs 1')}<bold>–</bold><italic>3</italic>",
            {"F1", "F2", "F3"},
            id="each in marks",
        ),
        pytest.param(f"{x('F1', 'Figure 1')} – 3 cells", {"F1"}, id="a dash to a number of cells"),
        pytest.param(f"{x('F1', 'Fig. 1')}–2.5 mm", {"F1"}, id="a dash to a measure"),
        pytest.param(f"days 1–{x('F3', '3')}", {"F3"}, id="a number of something else"),
        pytest.param(f"{x('F3', 'Figs 3')}–1", {"F3"}, id="the wrong way round"),
    ],
)
def test_a_reference_reaches_all_figures_that_it_names(inner: str, ids: set[str]):
    body = f"<p>{inner}</p><p>Elsewhere {x('F4')}.</p>"

    assert {name for name, texts in cited(body).items() if texts != ["Elsewhere Fig."]} == ids


def test_a_range_of_supplementary_figures_stays_among_them():
    body = f"<p>{x('S1', 'Figs S1–S3')}</p>" + "".join(
        f'<fig id="S{n}"><label>Fig. S{n}</label><caption><p>c</p></caption>'
        f'<graphic xlink:href="s{n}"/></fig>{fig(n)}'
        for n in (1, 2, 3)
    )

    assert [f.figure_id for f in figures(body) if f.context] == ["S1", "S2", "S3"]


def test_a_dash_between_a_figure_and_a_table_is_no_range():
    table = (
        '<table-wrap id="T3"><label>Table 3</label><caption><p>c</p></caption>'
        '<graphic xlink:href="t"/></table-wrap>'
    )
    body = f"<p>{x('F1')}–{x('T3')}</p>{fig(1)}{fig(2)}{table}"

    assert [f.figure_id for f in figures(body) if f.context] == ["F1", "T3"]


def test_a_figure_with_several_numbers_is_reached_by_a_range():
    body = (
        f"<p>{x('F9', 'Figs 9–10')} a</p><p>{x('F1', '1')}–{x('F9', '9')} b</p>"
        + fig(1)
        + fig(5, label="Figures 3–7")
        + fig(9)
    )

    assert [f.context for f in figures(body)] == [("1–9 b",), ("1–9 b",), ("Figs 9–10 a", "1–9 b")]


def test_the_ids_of_group_graphic_and_alternatives_reach_the_figure():
    body = (
        f"<p>a {x('G')}</p><p>b {x('A')}</p><p>c {x('I')}</p>"
        '<fig-group id="G"><caption><p>c</p></caption><fig id="F1"><alternatives id="A">'
        '<graphic id="I" xlink:href="g1"/></alternatives></fig></fig-group>'
    )

    assert [f.context for f in figures(body)] == [("a Fig", "b Fig", "c Fig")]


def test_a_range_reaches_the_figures_of_a_group_by_its_number():
    body = (
        f"<p>{x('F1', '1')}–{x('F3', '3')}</p>{fig(1)}{fig(3)}<fig-group><label>Figure 2</label>"
        '<caption><p>c</p></caption><fig id="a"><label>(a)</label><graphic xlink:href="a"/></fig>'
        "</fig-group>"
    )

    assert {f.figure_id: f.context for f in figures(body)}["a"] == ("1–3",)


@pytest.mark.parametrize(
    "place",
    [
        *(
            "<sec><title>{}</title></sec>",
            "<table-wrap><table><tr><td>{}</td></tr></table></table-wrap>",
        ),
        "<table-wrap><table><tr><td><p>{}</p></td></tr></table></table-wrap>",
        "<fig><caption><p>{}</p></caption></fig>",
        "<table-wrap><table-wrap-foot><fn><p>{}</p></fn></table-wrap-foot></table-wrap>",
        "<p>a</p><fig-group><caption><title>{}</title></caption></fig-group>",
    ],
)
def test_headings_tables_and_captions_are_no_context(place: str):
    assert cited(place.format(x("F1"))) == {}


@pytest.mark.parametrize(
    "place",
    [
        *("<p>{}</p>", "<list><list-item><p>{}</p></list-item></list>"),
        *("<boxed-text><p>{}</p></boxed-text>", "<p>x<fn><p>{}</p></fn></p>"),
        "<disp-quote><p>{}</p></disp-quote>",
    ],
)
def test_lists_boxes_and_notes_are_context(place: str):
    assert cited(place.format(f"a {x('F1')}")) == {"F1": ["a Fig"]}


def test_a_float_inside_a_citing_paragraph_is_not_in_its_text():
    (figure,) = figures(f"<p>a {x('F1')} {fig(1)} b</p>")

    assert figure.context == ("a Fig b",)


def test_sub_articles_cite_and_translations_do_not():
    def sub(kind: str) -> str:
        return (
            f'<sub-article article-type="{kind}"><body><p>{kind} {x("F1")}</p></body></sub-article>'
        )

    (figure,) = figures(fig(1), rest=sub("reply") + sub("translation"))

    assert figure.context == ("reply Fig",)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        pytest.param("as Fig. 1 shows", {"F1"}, id="one"),
        pytest.param("(Figure 2B)", {"F2"}, id="a panel"),
        pytest.param("Figs. 1-3", {"F1", "F2", "F3"}, id="a range"),
        pytest.param("FIGURES 1, 3 and 4", {"F1", "F3", "F4"}, id="a list"),
        pytest.param("Figures 1A and 2", {"F1", "F2"}, id="a list with panels"),
        pytest.param("Fig. 12", set(), id="another number"),
        pytest.param("Fig. S1", set(), id="another series"),
        pytest.param("Table 1", set(), id="another word"),
        pytest.param("in 1 of 3 figures", set(), id="a number alone"),
        pytest.param("Supplemental Fig. 1", set(), id="supplemental"),
        pytest.param("Suppl. Figures 1 and 2", set(), id="abbreviated"),
        pytest.param("Supporting Information, Figure 1", set(), id="supporting information"),
        pytest.param("Extended Data Figs 1–3", set(), id="extended data"),
        pytest.param("Appendix Fig. 1", set(), id="an appendix"),
        pytest.param("see online Figure 2", set(), id="online"),
        pytest.param("S1 Fig and S2 Fig", set(), id="a letter first"),
        pytest.param("Figure supplémentaire 1", set(), id="behind the word"),
        pytest.param("Zusatzmaterial Fig. 1", set(), id="another language"),
        pytest.param("Figure 1 of Roe et al.", set(), id="of somebody"),
        pytest.param("Fig. 2 in Roe and Poe (2001)", set(), id="in a year"),
        pytest.param("Figure 1 in [12]", set(), id="in a reference"),
        pytest.param("5 µm, Figure 1 in [12]", set(), id="in a reference, beyond ASCII"),
        pytest.param("Fig. 3 of ref. 4", set(), id="of a reference"),
        pytest.param("(Roe et al. 2001, Fig. 2)", set(), id="behind a reference"),
        pytest.param("[12, Figure 1]", set(), id="in the brackets of a reference"),
        pytest.param("Roe's Figure 1", set(), id="somebody's"),
        pytest.param("Figura 2 de Roe y col.", set(), id="of somebody, in another language"),
        pytest.param("ED Fig. 1, SI Fig. 2 and ESI Fig. 3", set(), id="short for other series"),
        pytest.param("Figure 1 in the Supplement", set(), id="a supplement behind"),
        pytest.param("Fig. 2 (supplementary)", set(), id="a supplement in brackets"),
        pytest.param("Figura 3 del anexo", set(), id="an appendix behind"),
        pytest.param("Figure 2 of the Online Appendix", set(), id="an online appendix behind"),
        pytest.param("Fig. 1 in supplemented medium", {"F1"}, id="no supplement behind"),
        pytest.param("Supplementary Table 1 and Figure 2", {"F2"}, id="the other is supplementary"),
        pytest.param("(Roe 2001; Figure 2)", {"F2"}, id="a reference beside it"),
        pytest.param("Figure 1 of this paper", {"F1"}, id="of this paper"),
        pytest.param("Figure 3 in Table 1", {"F3"}, id="in a table"),
    ],
)
def test_an_article_without_a_link_is_searched_for_labels(text: str, ids: set[str]):
    assert set(cited(f"<p>{text}</p>")) == ids


def test_labels_are_found_in_the_language_of_the_article():
    found = figures(
        f"<p>véase la Figura 2</p>{fig(1, label='Figura 1')}{fig(2, label='Figura 2.')}"
    )

    assert [f.context for f in found] == [(), ("véase la Figura 2",)]


@pytest.mark.parametrize(
    "text", ["Fig. S2", "S2 Fig", "Supplementary Figure 2", "Suppl. Fig. S2", "Figs S1–S3"]
)
@pytest.mark.parametrize("label", ["Figure S2", "S2 Fig.", "Supplementary Fig. 2"])
def test_supplementary_figures_are_found_by_any_of_their_names(text: str, label: str):
    found = figures(f"<p>see {text}.</p>{fig(2)}{fig(3, label=label)}")

    assert [f.context for f in found] == [(), (f"see {text}.",)]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (f"{x('F1', 'Fig. 1')}A, C–E show it", ["ACDE"]),
        (f"({x('F1', 'Figs 1A')}, {x('F2', '2B')})", ["A"]),
        (f"Old. {x('F1', 'Fig. 1b')} is. New in {x('F1', '(Figure 1c and d)')}.", ["B", "CD"]),
        (f"{x('F1', 'Figure 1')} and Fig. 1(a–c), Supplementary Fig. 1d", ["ABC"]),
        (f"{x('F1', 'Fig. 1')}A, E. coli and Fig. 1 A mouse", ["A"]),
        (f"{x('F1', 'Fig. 1')}, like Fig. 1B of Roe et al.", []),
        (f"{x('F1', 'Fig. 1')} has panels", []),
        (f"({x('F1', 'Fig. 1')}, A–C and E, and {x('F2', 'Fig. 2')}, F)", ["ABCE"]),
        (f"({x('F1', 'Fig. 1')} a, b; {x('F2', 'Fig. 2')})", ["AB"]),
        (f"{x('F1', 'Figures 1(a)')} and (c), a line", ["AC"]),
        (f"{x('F1', 'Figs 1(a)')}–{x('F1', '1(c)')}, {x('F1', '1E')}-{x('F1', '1F')}", ["ABCEF"]),
        (f"({x('F1', 'Fig. 1Ai,Aii')}); panels B and C of {x('F1', 'Fig. 1')}", ["ABC"]),
        (f"({x('F1', 'Fig. 1')}, panel B)", ["B"]),
        (
            f"({x('F1', 'Fig. 1A′')}, B′), {x('F1', 'Fig. 1')}: c, d, {x('F1', 'Fig. 1-e')}",
            ["ABCDE"],
        ),
        (
            f"({x('F1', 'Fig. 1A')} vs. {x('F1', '1B')}) but part (d) of {x('F1', 'Fig. 1')}",
            ["ABD"],
        ),
        (f"{x('F1', 'Fig. 1A')}, left and {x('F1', '1C through 1E')}, right", ["ACDE"]),
        (f"{x('F1', 'Fig. 1Ai–v')}, {x('F1', 'Fig. 1Bi,ii')}, Fig. 1Ci-1Ciii, D", ["ABCD"]),
        (
            f"{x('F1', 'Fig. 1 h,i')}. Then {x('F1', 'Fig. 1')} or 24 h, {x('F1', '1A or 1B')}",
            ["HI"],
        ),
        (f"{x('F1', 'Fig. 1A')}, B. Then {x('F1', 'Fig. 1C')}, E. coli", ["AB", "C"]),
        (f"As J. Smith, {x('F1', 'Fig. 1A')} shows S. Aureus", ["A"]),
        (f"{x('F1', 'Fig. 1')}, A control; Figs 1, S2; Fig. 1 T and B cells", []),
    ],
)
def test_sentences_that_name_panels_are_kept(text: str, named: list[str]):
    found = figures(f"<p>Cells grow.</p><p>Cells. {text}</p>{fig(1)}{fig(2)}")

    assert ["".join(part.letters) for part in found[0].panel_contexts] == named
    for part in found[0].panel_contexts:
        sentence = found[0].context[part.paragraph][part.start : part.end]
        assert "1" in sentence
        assert "Cells. " not in sentence


def test_an_article_with_a_link_is_not_searched():
    assert cited(f"<p>{x('F1')}</p><p>Figure 2</p>") == {"F1": ["Fig"]}


def test_notes_at_the_end_are_context():
    notes = f"<back><fn-group><fn><p>a {x('F1')}</p></fn></fn-group></back>"
    (figure,) = figures(fig(1), rest=notes)

    assert figure.context == ("a Fig",)


def test_figures_without_a_label_have_no_range():
    one, two = (f'<fig id="F{n}"><caption><p>c</p></caption></fig>' for n in (1, 2))

    assert [f.context for f in figures(f"<p>{x('F1')}–{x('F2')}</p>{one}{two}")] == [
        ("Fig–Fig",)
    ] * 2


def test_a_range_reaches_a_figure_by_any_of_its_numbers():
    body = f"<p>{x('F1', 'Figs 5–6')}</p>{fig(1)}{fig(3, label='Figures 3–7')}"

    assert [f.context for f in figures(body)] == [("Figs 5–6",)] * 2


def test_a_long_gap_between_two_links_is_looked_at_quickly():
    gap = " " * 100_000
    body = f"<p>{x('F1')}{gap}- a a{x('F3')}</p><p>{x('F2', f'Fig 1{gap}a')}</p>"
    started = time.process_time()

    assert set(cited(body)) == {"F1", "F2", "F3"}
    assert time.process_time() - started < 3
