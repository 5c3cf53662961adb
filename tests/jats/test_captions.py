"""Lists, groups, languages and careless markup in captions."""

from __future__ import annotations

import pytest

from biomedica_dataset.jats.reader import read_article

from .documents import NAMESPACES, fig, figures, read

GRAPHIC = '<graphic xlink:href="g"/>'


def caption_of(inner: str, **parts: str) -> str | None:
    (figure,) = figures(f"<fig>{inner}{GRAPHIC}</fig>", **parts)
    return figure.caption


def items(*texts: str) -> str:
    return "".join(f"<list-item><p>{text}</p></list-item>" for text in texts)


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        pytest.param('list-type="alpha-upper"', "(A) Red. (B) Green. (C) Blue.", id="letters"),
        pytest.param('list-type="alpha-lower"', "(a) Red. (b) Green. (c) Blue.", id="small"),
        pytest.param('list-type="roman-upper"', "(I) Red. (II) Green. (III) Blue.", id="Roman"),
        pytest.param('list-type="roman-lower"', "(i) Red. (ii) Green. (iii) Blue.", id="roman"),
        pytest.param('list-type="order"', "(1) Red. (2) Green. (3) Blue.", id="numbers"),
        pytest.param('list-type="bullet"', "Red. Green. Blue.", id="bullets"),
        pytest.param('list-type="simple"', "Red. Green. Blue.", id="simple"),
        pytest.param("", "Red. Green. Blue.", id="no type"),
    ],
)  # fmt: skip
def test_items_have_the_numbers_of_their_list(series: str, expected: str):
    made = f"<caption><p><list {series}>{items('Red.', 'Green.', 'Blue.')}</list></p></caption>"

    assert caption_of(made) == expected


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("A", "(A) Rats."), ("a–c", "(a–c) Rats."), ("<bold>B, C</bold>", "(B, C) Rats."),
        ("iv", "(iv) Rats."), ("(A)", "(A) Rats."), ("A.", "A. Rats."), ("Left:", "Left: Rats."),
        ("•", "• Rats."), ("", "Rats."),
    ],
)  # fmt: skip
def test_a_label_of_an_item_stays_before_it_and_apart_from_it(label: str, expected: str):
    item = f"<list-item><label>{label}</label><title>Rats.</title></list-item>"

    assert (
        caption_of(f"<caption><p><list list-type='order'>{item}</list></p></caption>") == expected
    )


def test_a_list_goes_on_where_another_ended():
    first = f'<list id="l1" list-type="alpha-upper">{items("One.", "Two.")}</list>'
    second = f'<list continued-from="l1" list-type="alpha-upper">{items("Three.")}</list>'
    made = f"<caption><p>{first} Then: {second}</p></caption>"

    assert caption_of(made) == "(A) One. (B) Two. Then: (C) Three."


def test_lists_inside_items_count_for_themselves():
    inner = f'Rats: <list list-type="roman-lower">{items("old,", "young.")}</list>'
    made = f'<list list-type="alpha-lower">{items(inner, "Mice.")}</list>'

    assert caption_of(f"<caption>{made}</caption>") == "(a) Rats: (i) old, (ii) young. (b) Mice."


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (("A", "B"), "(A) x (B) x"),
        (("A–C", "D"), "(A–C) x (D) x"),
        (("<bold>a</bold>", "b"), "(a) x (b) x"),
        (("ATP", "C"), "ATP x C x"),
    ],
)
def test_terms_that_are_panel_letters_are_set_apart(terms: tuple[str, ...], expected: str):
    made = "".join(f"<def-item><term>{term}</term><def><p>x</p></def></def-item>" for term in terms)

    assert caption_of(f"<caption><p><def-list>{made}</def-list></p></caption>") == expected


def test_definitions_have_the_numbers_of_their_list():
    made = "<def-item><term>ATP</term><def><p>x</p></def></def-item>" * 2

    assert caption_of(
        f'<caption><p><def-list list-type="alpha-upper">{made}</def-list></p></caption>'
    ) == "(A) ATP x (B) ATP x"  # fmt: skip


def test_what_a_group_says_stands_before_what_its_figures_say():
    body = (
        '<fig-group id="G"><label>Plate 4.</label><caption><p>Shells.</p></caption>'
        f"<fig><label>(b)</label><caption><p>From below.</p></caption>{GRAPHIC}</fig>"
        f"<fig><label>Plate 4c</label><caption><p>Shells. Again.</p></caption>{GRAPHIC}</fig>"
        f"<fig>{GRAPHIC}</fig></fig-group>"
    )

    assert [(f.label, f.caption) for f in figures(body)] == [
        ("Plate 4 (b)", "Shells. From below."),
        ("Plate 4c", "Shells. Again."),
        ("Plate 4", "Shells."),
    ]


def test_a_figure_with_a_graphic_is_no_group_of_the_figure_in_it():
    body = f"<fig><caption><p>Out.</p></caption>{fig(2, caption='In.')}{GRAPHIC}</fig>"

    assert sorted(f.caption or "" for f in figures(body)) == ["In.", "Out."]


@pytest.mark.parametrize(
    ("language", "captions", "expected"),
    [
        ("pt", {"en": "Cells.", "pt": "Células."}, "Células."),
        ("de-AT", {"en": "Cells.", "de": "Zellen."}, "Zellen."),
        ("fr", {"en": "Cells.", "de": "Zellen."}, "Cells."),
        ("es", {"en": "Cells.", "": "Células."}, "Células."),
        ("", {"es": "Células.", "en": "Cells."}, "Cells."),
    ],
)
@pytest.mark.parametrize("around", ["{}", "<alternatives>{}</alternatives>"])
def test_of_several_captions_the_one_in_the_language_of_the_article_counts(
    language: str, captions: dict[str, str], expected: str, around: str
):
    made = "".join(
        f"<caption {f'xml:lang={name!r}' if name else ''}><p>{text}</p></caption>"
        for name, text in captions.items()
    )
    attributes = f'xml:lang="{language}"' if language else ""

    assert caption_of(around.format(made), attributes=attributes) == expected


def test_titles_and_labels_are_in_the_language_of_the_article_too():
    body = (
        '<fig><label xml:lang="en">Figure 1</label><label xml:lang="es">Figura 1</label><caption>'
        '<title xml:lang="en">Cells.</title><title xml:lang="es">Células.</title><p>10 µm.</p>'
        f"</caption>{GRAPHIC}</fig>"
    )
    (figure,) = figures(body, attributes='xml:lang="es"')

    assert (figure.label, figure.caption) == ("Figura 1", "Células. 10 µm.")


@pytest.mark.parametrize(
    ("inner", "label", "caption"),
    [
        ("Fig. 7. Cells in a row.", "Fig. 7", "Cells in a row."),
        ("<alt-text>No</alt-text>Abbildung 2: <italic>E. coli</italic> bei 37 °C.",
         "Abbildung 2", "E. coli bei 37 °C."),
        ("<label>Fig. 1</label>Fig. 2. shows less.", "Fig. 1", "Fig. 2. shows less."),
        ("<attrib>We</attrib> 12 cells. <permissions><p>No</p></permissions>", None, "12 cells."),
        ("<p>One.</p><p>Two.</p>", None, "One. Two."),
        ("<attrib>By us</attrib>", None, None),
    ],
)  # fmt: skip
def test_text_beside_the_graphic_is_the_caption_where_there_is_none(
    inner: str, label: str | None, caption: str | None
):
    (figure,) = figures(f"<fig>{inner}{GRAPHIC}</fig>")

    assert (figure.label, figure.caption) == (label, caption)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("n &amp;gt; 3 &amp;amp; p &amp;lt; 0.1", "n > 3 & p < 0.1"),
        ("&amp;#946; and &amp;#x3B1;", "β and α"),
        ("&lt;b&gt;Bold&lt;/b&gt; 10&lt;sup&gt;6&lt;/sup&gt;&lt;br/&gt;", "Bold 10⁶"),
        ("&lt;p&gt;One.&lt;/p&gt;&lt;p&gt;Two.&lt;/p&gt;", "One. Two."),
        ("&lt;i&gt;&lt;b&gt;E. coli&lt;/b&gt;&lt;/i&gt;", "E. coli"),
        ("a &lt; b and b &gt; c", "a < b and b > c"),
        ("the &lt;i&gt; and &lt;x&gt;&lt;/x&gt; tags", "the <i> and <x></x> tags"),
        ("R&amp;D; AT&amp;T", "R&D; AT&T"),
        ("x&amp;#x202E;y&amp;#2;z&amp;nbsp;!", "x y z !"),
        ("<![CDATA[&lt;i&gt;]]> &amp;lt;", "&lt;i&gt; <"),
    ],
)
def test_markup_that_is_escaped_twice_is_undone(written: str, read: str):
    assert caption_of(f"<caption><p>{written}</p></caption>") == read


def test_it_is_undone_in_other_texts_too():
    meta = (
        "<title-group><article-title>&amp;alpha;</article-title></title-group>"
        "<abstract><p>&amp;beta;</p></abstract>"
    )
    article = read("<p>&amp;gamma;</p>", meta=meta)

    assert (article.title, article.abstract, article.text) == ("α", "β", "γ")


DTD = '<!DOCTYPE article PUBLIC "-//NLM//DTD JATS v1.2//EN" "JATS-archivearticle1.dtd">'


@pytest.mark.parametrize(
    "root",
    ["<article>", f"<article {NAMESPACES.split()[0]}>", "<?a <b?><!-- <c> --><article>"],
)
def test_a_document_may_leave_its_prefixes_to_the_dtd(root: str):
    body = (
        "<body><p>a <mml:math><mml:msup><mml:mi>x</mml:mi><mml:mn>2</mml:mn></mml:msup></mml:math>"
        '</p><fig><caption><p>Cells.</p></caption><graphic xlink:href="g"/></fig></body>'
    )
    article = read_article(f"{DTD}{root}{body}</article>".encode(), full_text=True)

    assert (article.text, article.figures[0].hrefs) == ("a x²", ("g",))


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        pytest.param("<alt-text>A <italic>cell</italic>.</alt-text>", ("A cell.", None), id="own"),
        pytest.param("<long-desc>Round.</long-desc>", (None, "Round."), id="long"),
        pytest.param("<alt-text/>", (None, None), id="empty"),
        pytest.param("", (None, None), id="none"),
    ],
)
def test_a_figure_has_the_description_of_its_graphic_or_its_own(inner: str, expected: tuple):
    beside = figures(f'<fig><caption><p>x</p></caption>{inner}<graphic xlink:href="a"/></fig>')[0]
    inside = figures(
        f'<fig><caption><p>x</p></caption><graphic xlink:href="a">{inner}</graphic></fig>'
    )[0]

    assert (beside.alt_text, beside.long_desc) == expected
    assert (inside.alt_text, inside.long_desc) == expected
    assert beside.caption == inside.caption == "x"


def test_each_graphic_of_a_figure_has_its_own_description():
    graphics = "".join(
        f'<graphic xlink:href="{n}"><alt-text>{n}</alt-text></graphic>' for n in "ab"
    )
    found = figures(f"<fig><caption><p>x</p></caption>{graphics}</fig>")

    assert [figure.alt_text for figure in found] == ["a", "b"]
