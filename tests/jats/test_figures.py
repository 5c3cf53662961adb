"""Which graphics are pairs, and what is said of each."""

from __future__ import annotations

import pytest

from biomedica_dataset.jats.reader import read_article

from .documents import NAMESPACES, fig, figures

GRAPHIC = '<graphic xlink:href="g1"/>'
CAPTION = "<caption><title>Cells.</title><p>Two of them.</p></caption>"
FIG = f'<fig id="F1"><label>Figure 1.</label>{CAPTION}{GRAPHIC}</fig>'


@pytest.mark.parametrize(
    "place",
    [
        *("{}", "<sec>{}</sec>", "<p>text {} text</p>", "<boxed-text>{}</boxed-text>"),
        *("<list><list-item><p>{}</p></list-item></list>", "<disp-quote><p>{}</p></disp-quote>"),
        *("<fig-group>{}</fig-group>", "<supplementary-material>{}</supplementary-material>"),
        "<table-wrap><table><tr><td>{}</td></tr></table></table-wrap>",
    ],
)
def test_a_figure_is_found_wherever_it_stands_in_the_body(place: str):
    (figure,) = figures(place.format(FIG))

    assert (figure.caption, figure.label, figure.hrefs) == (
        "Cells. Two of them.",
        "Figure 1",
        ("g1",),
    )
    assert figure.dropped is None


@pytest.mark.parametrize(
    "place",
    [
        *("<floats-group>{}</floats-group>", "<floats-wrap>{}</floats-wrap>"),
        *("<back><app-group><app>{}</app></app-group></back>", "<back><sec>{}</sec></back>"),
        *("<back><fn-group><fn><p>{}</p></fn></fn-group></back>",),
    ],
)
def test_a_figure_is_found_behind_the_body(place: str):
    (figure,) = figures(rest=place.format(FIG))

    assert (figure.figure_id, figure.caption, figure.kind) == (
        "F1",
        "Cells. Two of them.",
        "figure",
    )


def test_figures_stand_in_document_order_with_their_own_captions():
    found = figures(fig(1, caption="A") + f"<p>x{fig(2, caption='B')}</p>" + fig(3, caption="C"))

    assert [(f.figure_id, f.caption) for f in found] == [("F1", "A"), ("F2", "B"), ("F3", "C")]


def test_a_figure_inside_a_figure_keeps_its_own_graphic_and_caption():
    inner = '<fig id="S1"><label>Figure 1—figure supplement 1.</label><caption><p>b</p></caption>'
    found = figures(fig(1, f'{inner}<graphic xlink:href="s1"/></fig>', caption="a"))

    assert [(f.figure_id, f.caption, f.hrefs, f.kind) for f in found] == [
        ("F1", "a", ("g1",), "figure"),
        ("S1", "b", ("s1",), "supplementary"),
    ]


def test_a_figure_without_a_caption_inside_a_figure_takes_that_of_the_outer():
    found = figures(f'<fig id="F1">{CAPTION}<fig id="a"><label>(a)</label>{GRAPHIC}</fig></fig>')

    assert [(f.figure_id, f.label, f.caption, f.dropped) for f in found] == [
        ("a", "(a)", "Cells. Two of them.", None)
    ]


def test_a_figure_around_one_with_its_own_caption_is_counted_too():
    found = figures(f'<fig id="F1">{CAPTION}<fig id="a">{CAPTION}{GRAPHIC}</fig></fig>')

    assert [(f.figure_id, f.dropped) for f in found] == [("F1", "no_graphic"), ("a", None)]


@pytest.mark.parametrize("around", ["{}", "<sec>{}</sec>", "<unknown><p>{}</p></unknown>"])
def test_a_figure_counts_wherever_it_stands_in_the_article(around: str):
    figure = f'<fig id="F1">{CAPTION}{GRAPHIC}</fig>'
    article = f"<article {NAMESPACES}><body/>{around.format(figure)}</article>"

    assert [f.dropped for f in read_article(article.encode()).figures] == [None]


def test_a_figure_takes_the_caption_of_its_graphic_but_not_that_of_its_box():
    inside = f'<fig id="F1"><graphic xlink:href="g1">{CAPTION}</graphic></fig>'
    around = f'<boxed-text>{CAPTION}<fig id="F2">{GRAPHIC}</fig></boxed-text>'

    assert [(f.figure_id, f.caption, f.dropped) for f in figures(inside + around)] == [
        ("F1", "Cells. Two of them.", None),
        ("F2", None, "no_caption"),
    ]


@pytest.mark.parametrize(
    ("inner", "label"),
    [
        pytest.param("<p><label>no</label>{}</p>", None, id="of a paragraph"),
        pytest.param("<boxed-text><label>Box 1</label>{}</boxed-text>", "Box 1", id="of a box"),
    ],
)
def test_a_graphic_with_its_own_caption_takes_the_label_of_what_owns_it(
    inner: str, label: str | None
):
    (figure,) = figures(inner.format(f'<graphic xlink:href="g1">{CAPTION}</graphic>'))

    assert (figure.caption, figure.label) == ("Cells. Two of them.", label)


def test_a_table_of_a_supplement_does_not_take_its_label():
    table = f"<table-wrap>{CAPTION}{GRAPHIC}</table-wrap>"
    (figure,) = figures(
        f"<supplementary-material><label>S1</label>{table}</supplementary-material>"
    )

    assert figure.label is None


def test_figures_of_a_group_take_its_caption_where_they_have_none():
    found = figures(
        f'<fig-group id="G"><label>Figure 1</label>{CAPTION}'
        f'<fig id="a"><label>(a)</label><graphic xlink:href="a"/></fig>{fig(2, caption="own")}'
        "</fig-group>"
    )

    assert [(f.figure_id, f.label, f.caption) for f in found] == [
        ("a", "Figure 1 (a)", "Cells. Two of them."),
        ("F2", "Figure 2", "Cells. Two of them. own"),
    ]


def test_graphics_of_a_group_beside_empty_figures_are_pairs_of_the_group():
    found = figures(f'<fig-group id="G">{CAPTION}<fig id="a"/>{GRAPHIC}</fig-group>')

    assert sorted((f.figure_id or "", f.hrefs, f.dropped) for f in found) == [
        ("G", ("g1",), None),
        ("a", (), "no_graphic"),
    ]


def test_graphics_of_a_group_take_the_caption_of_the_empty_figure_beside_them():
    figs = "".join(
        f"<fig><label>{word} 1</label><caption><p>{caption}</p></caption></fig>"
        for word, caption in (("Figura", "Uma célula."), ("Figure", "A cell."))
    )
    found = figures(f'<p><xref rid="G"/>a</p><fig-group id="G">{figs}{GRAPHIC}</fig-group>')

    assert [(f.label, f.caption, f.context) for f in found if not f.dropped] == [
        ("Figura 1", "Uma célula.", ("a",))
    ]


def test_every_graphic_of_a_figure_is_a_figure():
    found = figures(f'<fig id="F1">{CAPTION}{GRAPHIC}<p><graphic xlink:href="g2"/></p></fig>')

    assert [f.hrefs for f in found] == [("g1",), ("g2",)]


def test_the_alternatives_of_one_graphic_are_one_figure():
    (figure,) = figures(
        f'<fig id="F1">{CAPTION}<alternatives><graphic xlink:href="g1.tif"/>'
        '<graphic xlink:href=" g1.png "/><graphic/><graphic xlink:href="g1.tif"/>'
        "</alternatives></fig>"
    )

    assert figure.hrefs == ("g1.tif", "g1.png")


@pytest.mark.parametrize(
    ("inner", "reason"),
    [
        pytest.param(f"<label>Figure 1</label>{GRAPHIC}", "no_caption", id="no caption"),
        pytest.param(f"<caption/>{GRAPHIC}", "no_caption", id="empty caption"),
        pytest.param(
            f"<caption><p>Click here for additional data file.</p></caption>{GRAPHIC}",
            "no_caption",
            id="what PMC puts under every file",
        ),
        pytest.param(CAPTION, "no_graphic", id="no graphic"),
        pytest.param(f'{CAPTION}<media xlink:href="v.mp4"/>', "no_graphic", id="a video"),
        pytest.param(f"{CAPTION}<graphic/>", "no_href", id="no name"),
        pytest.param(f'{CAPTION}<graphic xlink:href=" "/>', "no_href", id="an empty name"),
    ],
)
def test_what_is_no_pair_is_returned_with_its_reason(inner: str, reason: str):
    (figure,) = figures(f'<fig id="F1">{inner}</fig>')

    assert figure.dropped == reason


def test_a_graphic_given_twice_is_dropped_once():
    found = figures(f'<fig id="F1">{CAPTION}{GRAPHIC}{GRAPHIC}</fig>')

    assert [f.dropped for f in found] == [None, "repeated_graphic"]


@pytest.mark.parametrize(
    "inner",
    [
        f"<inline-formula>{GRAPHIC}</inline-formula>",
        f"<disp-formula>{GRAPHIC}</disp-formula>",
        f"<p>{GRAPHIC}</p>",
        f"<bio>{GRAPHIC}</bio>",
        f"<boxed-text><p>{GRAPHIC}</p></boxed-text>",
        f"<table-wrap>{CAPTION}<table><tr><td>{GRAPHIC}</td></tr></table></table-wrap>",
        f"<table-wrap>{CAPTION}<table><tr><th>{GRAPHIC}</th></tr></table></table-wrap>",
        '<p><inline-graphic xlink:href="i1"/></p>',
        '<supplementary-material><caption><p>c</p></caption><media xlink:href="s1.doc"/>'
        "</supplementary-material>",
    ],
)
def test_glyphs_formulas_cells_and_decorations_are_no_figures(inner: str):
    assert figures(inner) == ()


@pytest.mark.parametrize(
    "tag", ["inline-formula", "disp-formula", "disp-formula-group", "td", "th", "array", "bio"]
)
def test_what_stands_inside_of_something_else_is_no_graphic_of_the_figure(tag: str):
    assert figures(f"<boxed-text>{CAPTION}<p><{tag}>{GRAPHIC}</{tag}></p></boxed-text>") == ()


@pytest.mark.parametrize("label", ["", "<label>Text S1</label>", "<label>Video S1</label>"])
def test_a_supplement_that_nothing_calls_a_picture_is_none(label: str):
    file = f'{label}{CAPTION}<media xlink:href="s1"/>'

    assert figures(f"<supplementary-material>{file}</supplementary-material>") == ()


def test_a_formula_in_a_caption_is_no_graphic_of_the_figure():
    caption = 'x <disp-formula><graphic xlink:href="e1"/></disp-formula>'

    assert [f.hrefs for f in figures(fig(1, caption=caption))] == [("g1",)]


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        *(("Figure 1.", "Figure 1"), ("Fig. 2:", "Fig. 2"), ("Figures 1–5. ", "Figures 1–5")),
        *(("<bold>Fig</bold> 3", "Fig 3"), (".", None), ("", None)),
    ],
)
def test_a_label_is_kept_as_printed_without_the_stop_after_it(label: str, expected: str | None):
    (figure,) = figures(f"<fig><label>{label}</label>{CAPTION}{GRAPHIC}</fig>")

    assert figure.label == expected


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        pytest.param("<caption><title>T.</title></caption>", "T.", id="title only"),
        pytest.param("<caption><p>a</p><p>b</p></caption>", "a b", id="several paragraphs"),
        pytest.param("<caption>bare</caption>", "bare", id="no paragraph"),
        pytest.param("<p>A legend.</p>", "A legend.", id="a legend beside no caption"),
        pytest.param("<caption><p>c</p></caption><p>a credit</p>", "c", id="a line beside it"),
        pytest.param(
            "<caption><p>a<supplementary-material><label>S</label><caption><p>no</p></caption>"
            "</supplementary-material> b</p></caption>",
            "a b",
            id="source data inside",
        ),
        pytest.param(
            '<object-id>10.1/x</object-id><caption><p>a<inline-graphic xlink:href="i"/>b</p>'
            "</caption><alt-text>no</alt-text>",
            "ab",
            id="identifiers and glyphs",
        ),
    ],
)
def test_the_caption_is_title_and_paragraphs(inner: str, expected: str):
    (figure,) = figures(f"<fig>{inner}{GRAPHIC}</fig>")

    assert figure.caption == expected


def test_a_graphic_with_a_caption_of_its_own_is_a_pair():
    (figure,) = figures(f'<p><graphic id="x" xlink:href="g1">{CAPTION}</graphic></p>')

    assert (figure.figure_id, figure.caption, figure.kind) == ("x", "Cells. Two of them.", "figure")


def test_odd_characters_of_attributes_reach_no_row():
    found = read_article(
        """<article article-type="a\u202e\x9bb" xml:lang="\u202e"
        xmlns:xlink="http://www.w3.org/1999/xlink"><body>
        <fig id="F\u202e\x9b1"><caption><p>A</p></caption><graphic xlink:href="a"/></fig>
        <fig id=""><caption><p>B</p></caption><graphic xlink:href="b"/></fig>
        </body></article>""".encode()
    )

    assert (found.type, found.language) == ("ab", None)
    assert [figure.figure_id for figure in found.figures] == ["F1", None]
