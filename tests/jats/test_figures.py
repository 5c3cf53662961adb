"""Which graphics are pairs, and what is said of each."""

from __future__ import annotations

import pytest

from biomedica_dataset.schema import IMAGE_KINDS

from .documents import fig, figures

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


def test_figures_of_a_group_take_its_caption_where_they_have_none():
    found = figures(
        f'<fig-group id="G"><label>Figure 1</label>{CAPTION}'
        f'<fig id="a"><label>(a)</label><graphic xlink:href="a"/></fig>{fig(2, caption="own")}'
        "</fig-group>"
    )

    assert [(f.figure_id, f.label, f.caption) for f in found] == [
        ("a", "(a)", "Cells. Two of them."),
        ("F2", "Figure 2", "own"),
    ]


def test_graphics_of_a_group_beside_empty_figures_are_pairs_of_the_group():
    found = figures(f'<fig-group id="G">{CAPTION}<fig id="a"/>{GRAPHIC}</fig-group>')

    assert sorted((f.figure_id or "", f.hrefs, f.dropped) for f in found) == [
        ("G", ("g1",), None),
        ("a", (), "no_graphic"),
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


def test_a_formula_in_a_caption_is_no_graphic_of_the_figure():
    caption = 'x <disp-formula><graphic xlink:href="e1"/></disp-formula>'

    assert [f.hrefs for f in figures(fig(1, caption=caption))] == [("g1",)]


LABELLED = "<label>{}</label>" + CAPTION
SUPPLEMENT = "<supplementary-material id='s1'>{}</supplementary-material>"


@pytest.mark.parametrize(
    ("inner", "kind"),
    [
        pytest.param(FIG, "figure", id="figure"),
        pytest.param(f"<table-wrap>{CAPTION}{GRAPHIC}</table-wrap>", "table", id="table"),
        pytest.param(
            f"<table-wrap>{LABELLED.format('Table S1')}{GRAPHIC}</table-wrap>",
            "supplementary",
            id="supplementary table",
        ),
        pytest.param(
            f"<table-wrap>{CAPTION}<alternatives>{GRAPHIC}<table/></alternatives></table-wrap>",
            "table",
            id="table with alternatives",
        ),
        pytest.param(
            f"<chem-struct-wrap>{CAPTION}{GRAPHIC}</chem-struct-wrap>",
            "chemical_structure",
            id="chemical structure",
        ),
        pytest.param(f"<boxed-text>{CAPTION}{GRAPHIC}</boxed-text>", "box", id="box"),
        *(
            pytest.param(f"<fig>{LABELLED.format(label)}{GRAPHIC}</fig>", kind, id=label)
            for label, kind in (
                *(("Scheme 1", "scheme"), ("Table 2", "table"), ("Box 1", "box")),
                *(("Figure S1", "supplementary"), ("Fig. S2", "supplementary")),
                *(("Figure EV3", "supplementary"), ("Supplementary Fig. 1", "supplementary")),
                *(("Extended Data Fig. 1", "supplementary"), ("Figura 3", "figure")),
                *(("Figure 1—figure supplement 2.", "supplementary"), ("Foto 1", "figure")),
                *(("Graphical abstract", "graphical_abstract"), ("Appendix 1", "supplementary")),
            )
        ),
        *(
            pytest.param(f'<fig fig-type="{value}">{CAPTION}{GRAPHIC}</fig>', kind, id=value)
            for value, kind in (
                *(("graphical-abstract", "graphical_abstract"), ("featured", "graphical_abstract")),
                *(("Scheme", "scheme"), ("supplementary-material", "supplementary")),
                *(("FIGURE", "figure"), ("image", "figure")),
            )
        ),
        pytest.param(
            f'<fig specific-use="child-fig">{CAPTION}{GRAPHIC}</fig>', "supplementary", id="child"
        ),
        pytest.param(SUPPLEMENT.format(FIG), "supplementary", id="figure of a supplement"),
        pytest.param(
            f'<sec sec-type="supplementary-material">{FIG}</sec>', "supplementary", id="section"
        ),
    ],
)
def test_the_kind_is_what_the_element_is_in_the_article(inner: str, kind: str):
    (figure,) = figures(inner)

    assert (figure.kind, figure.dropped) == (kind, None)
    assert kind in IMAGE_KINDS


@pytest.mark.parametrize(
    "inner",
    [
        pytest.param(f'{CAPTION}<media xlink:href="s1.tif"/>', id="a picture by its name"),
        pytest.param(f'{CAPTION}<media xlink:href="s1" mimetype="image"/>', id="by its type"),
        pytest.param(
            f'<label>Figure S1</label>{CAPTION}<media xlink:href="s1"/>', id="by its label"
        ),
        pytest.param(
            f'{CAPTION}<media xlink:href="s1.tif"><caption><p>Click here for additional data file.'
            "</p></caption></media>",
            id="with PMC's own line under it",
        ),
        pytest.param(
            f'<media xlink:href="s1.jpg">{CAPTION}</media>', id="caption at the file itself"
        ),
        pytest.param(f'{CAPTION}<graphic xlink:href="s1"/>', id="a graphic"),
    ],
)
def test_a_supplementary_figure_with_an_image_is_a_pair(inner: str):
    (figure,) = figures(SUPPLEMENT.format(inner))

    assert (figure.caption, figure.kind, figure.dropped) == (
        "Cells. Two of them.",
        "supplementary",
        None,
    )


def test_a_supplement_that_is_itself_a_picture_is_a_pair():
    (figure,) = figures(
        f'<supplementary-material id="s1" xlink:href="s1.png">{CAPTION}</supplementary-material>'
    )

    assert (figure.figure_id, figure.hrefs, figure.kind) == ("s1", ("s1.png",), "supplementary")


@pytest.mark.parametrize(
    "abstract",
    [
        '<abstract abstract-type="graphical">{}</abstract>',
        "<abstract><p>{}</p></abstract>",
        "<trans-abstract><p>{}</p></trans-abstract>",
    ],
)
def test_a_figure_of_the_abstract_is_a_graphical_abstract(abstract: str):
    (figure,) = figures(meta=abstract.format(FIG))

    assert (figure.kind, figure.caption) == ("graphical_abstract", "Cells. Two of them.")


@pytest.mark.parametrize("tag", ["sub-article", "response"])
def test_a_figure_of_an_author_response_is_a_pair(tag: str):
    (figure,) = figures(rest=f'<{tag} article-type="reply"><body><p>{FIG}</p></body></{tag}>')

    assert (figure.kind, figure.caption, figure.dropped) == (
        "response",
        "Cells. Two of them.",
        None,
    )


def test_figures_of_a_translation_are_dropped_as_repeats():
    inner = f"<sub-article><body>{fig(2)}</body></sub-article>"
    found = figures(
        FIG, rest=f'<sub-article article-type="translation"><body>{FIG}</body>{inner}</sub-article>'
    )

    assert [(f.figure_id, f.dropped) for f in found] == [
        ("F1", None),
        ("F1", "translation"),
        ("F2", "translation"),
    ]


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
