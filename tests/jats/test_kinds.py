"""What kind of picture an element holds, and where the rarer kinds stand."""

from __future__ import annotations

import pytest

from biomedica_dataset.schema import IMAGE_KINDS

from .documents import fig, figures

GRAPHIC = '<graphic xlink:href="g1"/>'
CAPTION = "<caption><title>Cells.</title><p>Two of them.</p></caption>"
FIG = f'<fig id="F1"><label>Figure 1.</label>{CAPTION}{GRAPHIC}</fig>'
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
        pytest.param(
            f"<chem-struct-wrap>{LABELLED.format('Scheme 1')}{GRAPHIC}</chem-struct-wrap>",
            "chemical_structure",
            id="labelled chemical structure",
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
            f'<fig fig-type="featured">{LABELLED.format("Fig. 1")}{GRAPHIC}</fig>',
            "figure",
            id="a numbered figure that is featured",
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
            f'<label>S1 Fig</label><media xlink:href="s1.jpg">{CAPTION}</media>',
            id="caption at the file itself",
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


def test_a_figure_before_the_body_of_a_response_is_a_pair():
    stub = f"<front-stub><abstract>{FIG}</abstract></front-stub>"
    (figure,) = figures(rest=f"<sub-article>{stub}</sub-article>")

    assert (figure.kind, figure.dropped) == ("response", None)


def test_the_translation_of_a_response_is_dropped_too():
    translation = f'<sub-article article-type="translation"><body>{FIG}</body></sub-article>'
    (figure,) = figures(rest=f'<sub-article article-type="reply">{translation}</sub-article>')

    assert figure.dropped == "translation"


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
