"""Clean text: every rule of the design, one line each."""

from __future__ import annotations

import pytest
from lxml import etree

from biomedica_dataset.jats.text import text_of

from .documents import NAMESPACES


def clean(inner: str) -> str | None:
    return text_of(etree.fromstring(f"<p {NAMESPACES}>{inner}</p>"))


def ref(text: str) -> str:
    return f'<xref ref-type="bibr" rid="b1">{text}</xref>'


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        pytest.param("a<italic>b</italic>c", "abc", id="inline marks add no space"),
        pytest.param("a <bold>b <italic>c</italic></bold> d", "a b c d", id="nested marks"),
        pytest.param("in<italic> vivo</italic>", "in vivo", id="space inside a mark"),
        pytest.param("a\n   b\t c", "a b c", id="white space is folded"),
        pytest.param("a\xa0b\u2009c\u2028d", "a b c d", id="odd spaces become plain"),
        pytest.param("a<break/>b", "a b", id="a break parts words"),
        pytest.param("<title>T</title><p>a</p><p>b</p>", "T a b", id="blocks are parted"),
        pytest.param(
            "x<list><list-item><p>a</p></list-item><list-item><p>b</p></list-item></list>y",
            "x a b y",
            id="list items are parted",
        ),
        pytest.param("a<named-content>b</named-content>", "ab", id="unknown marks are text"),
        pytest.param("a<!-- no --><?pi no?>b", "ab", id="comments and instructions are no text"),
        pytest.param("<![CDATA[p < 0.05]]> &amp; q", "p < 0.05 & q", id="CDATA and references"),
        pytest.param(" \n ", None, id="white space alone is nothing"),
        pytest.param("", None, id="nothing is nothing"),
    ],
)
def test_words_are_neither_glued_nor_doubled(inner: str, expected: str | None):
    assert clean(inner) == expected


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        pytest.param("10<sup>6</sup> cells", "10⁶ cells", id="digits up"),
        pytest.param("10<sup>−12</sup>", "10⁻¹²", id="minus up"),
        pytest.param("10<sup>-3</sup>", "10⁻³", id="hyphen up"),
        pytest.param("Ca<sup>2+</sup>", "Ca²⁺", id="charge"),
        pytest.param("(a<sup>(1)=0</sup>)", "(a⁽¹⁾⁼⁰)", id="brackets and equals"),
        pytest.param("CO<sub>2</sub>", "CO₂", id="digits down"),
        pytest.param("V<sub>max</sub> is", "V_{max} is", id="letters down"),
        pytest.param("x<sup>n</sup>", "x^{n}", id="letters up"),
        pytest.param("x<sup><italic>n</italic>+1</sup>", "x^{n+1}", id="marks inside"),
        pytest.param("x<sup>n<sub>2</sub></sup>", "x^{n₂}", id="down inside up"),
        pytest.param("a<sup> </sup>b", "a b", id="a superscript space is a space"),
        pytest.param("a<sup>2 </sup>b", "a² b", id="space inside stays outside"),
        pytest.param("a<sup/>b", "ab", id="an empty one is nothing"),
        pytest.param("H<sub>2</sub>O<sub>2</sub>", "H₂O₂", id="no space added between"),
    ],
)
def test_superscripts_and_subscripts_keep_their_meaning(inner: str, expected: str):
    assert clean(inner) == expected


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        pytest.param(f"cells {ref('3')}.", "cells [3].", id="bare"),
        pytest.param(f"cells [{ref('3')}].", "cells [3].", id="brackets around"),
        pytest.param(f"cells {ref('[3]')}.", "cells [3].", id="brackets inside"),
        pytest.param(f"cells ({ref('3')}).", "cells [3].", id="round brackets around"),
        pytest.param(f"cells<sup>{ref('3')}</sup>.", "cells[3].", id="superscript around"),
        pytest.param(f"cells{ref('<sup>3</sup>')}.", "cells[3].", id="superscript inside"),
        pytest.param(f"cells<sup>[{ref('3')}]</sup>", "cells[3]", id="superscript and brackets"),
        pytest.param(f"[{ref('1')},{ref('4')}]", "[1, 4]", id="a list in one pair"),
        pytest.param(f"[{ref('1')}], [{ref('4')}]", "[1, 4]", id="pairs become one"),
        pytest.param(f"{ref('1')}{ref('4')}", "[1, 4]", id="side by side"),
        pytest.param(f"{ref('1')}; {ref('4')}", "[1, 4]", id="semicolon"),
        pytest.param(f"[{ref('1')},\n  {ref('4')}]", "[1, 4]", id="a line break between"),
        pytest.param(f"[{ref('1')},\n{ref('4')}\t]", "[1, 4]", id="a tab behind"),
        pytest.param(f"[{ref('1')},\xa0{ref('4')}]", "[1, 4]", id="a hard space between"),
        pytest.param("<xref ref-type='ref' rid='b'>3</xref>", "[3]", id="another type"),
        pytest.param(f"[{ref('3')}-{ref('5')}]", "[3–5]", id="range by a hyphen"),
        pytest.param(f"[{ref('3')}–{ref('5')}]", "[3–5]", id="range by a dash"),
        pytest.param(f"{ref('3')}{ref('–')}{ref('5')}", "[3–5]", id="a dash that is a link"),
        pytest.param(f"<sup>{ref('3')}−{ref('5')}</sup>", "[3–5]", id="superscript range"),
        pytest.param(
            f"a<sup>{ref('3')}</sup><sup>,</sup><sup>{ref('5')}</sup>",
            "a[3, 5]",
            id="superscript comma",
        ),
        pytest.param(
            f"a<sup>{ref('3')}</sup><sup>–</sup><sup>{ref('5')}</sup>",
            "a[3–5]",
            id="superscript dash",
        ),
        pytest.param(
            f"a<sup>{ref('3')}</sup><sup>-</sup><sup>{ref('5')}</sup>",
            "a[3–5]",
            id="superscript hyphen",
        ),
        pytest.param(f"see {ref('3–5')}", "see [3–5]", id="range inside a link"),
        pytest.param(f"see {ref('1, 3-5,7')}", "see [1, 3–5, 7]", id="list inside a link"),
        pytest.param(f"see {ref('9 11')}", "see [9, 11]", id="a space is a comma, not nothing"),
        pytest.param(f"see {ref('6a')}", "see [6a]", id="with a letter"),
        pytest.param(f"[{ref('1')}] {ref('2')} end", "[1, 2] end", id="one pair of two items"),
        pytest.param(f"{ref('1')} [{ref('2')}] end", "[1, 2] end", id="the other of two"),
        pytest.param(f"[({ref('3')}); fig. S1]", "[3; fig. S1]", id="no brackets in brackets"),
        pytest.param(f"([{ref('3')}])", "[3]", id="one pair of two"),
        pytest.param(f"[[{ref('1')}] {ref('2')}]", "[1, 2]", id="brackets of all sorts"),
        pytest.param(f"{ref('(3')}) and", "[3] and", id="half of the brackets inside"),
        pytest.param(f"({ref('1')}; Fig. 2)", "([1]; Fig. 2)", id="brackets that hold more"),
        pytest.param(f"[{ref('1')}, p. 5]", "[1, p. 5]", id="brackets that hold a page"),
        pytest.param(f"[see {ref('1')}]", "[see 1]", id="brackets that hold a word"),
        pytest.param(f"({ref('3)')} and", "[3] and", id="the other half inside"),
        pytest.param(f"(see {ref('3')})", "(see [3])", id="round brackets that hold a word"),
        pytest.param(f"({ref('1')} [{ref('2')})", "[1, 2]", id="brackets that do not match"),
        pytest.param(f"a {ref('1')}] {ref('2')}", "a [1, 2]", id="an end without a start"),
        pytest.param(f"{ref('1')} [{ref('2')} a", "[1, 2] a", id="a start without an end"),
        pytest.param(f"{ref('1')} and {ref('2')}", "[1] and [2]", id="no word is lost"),
        pytest.param(f"a{ref(' 3 ')}b", "a [3] b", id="space inside stays"),
    ],
)
def test_a_run_of_numeric_citations_has_one_pair_of_brackets(inner: str, expected: str):
    assert clean(inner) == expected


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        pytest.param(f"({ref('Smith et al., 2010')})", "(Smith et al., 2010)", id="author-year"),
        pytest.param(f"Smith ({ref('2010')})", "Smith (2010)", id="a year alone"),
        pytest.param(f"Smith ({ref('1998a')})", "Smith (1998a)", id="a year with a letter"),
        pytest.param(f"{ref('Matos (2009')})", "Matos (2009)", id="half of the brackets"),
        pytest.param(f"see {ref('▶')}", "see ▶", id="a sign"),
        pytest.param(f"see {ref('١٢')}", "see ١٢", id="digits of another script"),
        pytest.param(f"a{ref('')}b", "ab", id="an empty link"),
        pytest.param('<xref ref-type="fig" rid="F1">Figs 1–3</xref>', "Figs 1–3", id="a figure"),
        pytest.param('<xref ref-type="fn" rid="n1">*</xref>', "*", id="a footnote mark"),
        pytest.param("in [3–5] and (2)", "in [3–5] and (2)", id="plain text"),
    ],
)
def test_other_links_and_text_are_unharmed(inner: str, expected: str):
    assert clean(inner) == expected


@pytest.mark.parametrize(
    "tag",
    [
        *("fig", "fig-group", "table-wrap", "supplementary-material", "boxed-text", "media"),
        *("graphic", "chem-struct-wrap", "fn", "fn-group", "table-wrap-group"),
    ],
)
def test_a_float_is_no_part_of_the_text_around_it(tag: str):
    assert clean(f"a<{tag}><caption><p>no</p></caption></{tag}>b") == "a b"


@pytest.mark.parametrize(
    "tag",
    [
        *("p", "title", "subtitle", "sec", "label", "caption", "attrib", "abstract", "kwd"),
        *("address", "list", "list-item", "def-list", "def-item", "def", "term", "disp-quote"),
        *("statement", "verse-group", "verse-line", "speech", "speaker", "preformat", "code"),
        *("array", "break", "hr", "tr", "td", "th", "ack", "app", "ref-list", "ref"),
        *("disp-formula", "disp-formula-group"),
    ],
)
def test_a_block_is_parted_from_the_text_around_it(tag: str):
    assert clean(f"a<{tag}>b</{tag}>c") == "a b c"


@pytest.mark.parametrize(
    "tag",
    [
        *("alt-text", "long-desc", "object-id", "index-term", "inline-graphic", "permissions"),
        *("glyph-data", "glyph-ref", "annotation", "table-wrap-foot", "processing-meta"),
    ],
)
def test_what_is_not_read_aloud_is_no_text(tag: str):
    assert clean(f"a<{tag}>no</{tag}>b") == "ab"


@pytest.mark.parametrize(
    "odd",
    [
        *("\x7f", "\x80", "\xad", "\u061c", "\u200b", "\u200e", "\u200f", "\u202a", "\u202e"),
        *("\u2060", "\u2066", "\u2069", "\ufeff", "\ufff9", "\U000e0041"),
    ],
)
def test_control_and_bidi_characters_are_taken_out(odd: str):
    assert clean(f"ab{odd}cd") == "abcd"


def test_joiners_that_shape_words_stay():
    assert clean("می\u200cخواهم") == "می\u200cخواهم"
