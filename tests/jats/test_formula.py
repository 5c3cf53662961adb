"""Formulas stand once, whichever of TeX, MathML, text and picture the document gives."""

from __future__ import annotations

import pytest
from lxml import etree

from biomedica_dataset.jats.text import text_of

from .documents import NAMESPACES


def clean(inner: str) -> str | None:
    return text_of(etree.fromstring(f"<p {NAMESPACES}>{inner}</p>"))


TEX = (
    r"\documentclass[12pt]{minimal} \usepackage{amsmath} \setlength{\oddsidemargin}{-69pt}"
    r" \begin{document}$$x^2$$\end{document}"
)
MATH = "<mml:math><mml:msup><mml:mi>x</mml:mi><mml:mn>2</mml:mn></mml:msup></mml:math>"


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        pytest.param(f"<tex-math>{TEX}</tex-math>", "$x^2$", id="TeX without its preamble"),
        pytest.param(
            r"<tex-math>\usepackage{a} \(x\)</tex-math>", "$x$", id="TeX without a document"
        ),
        *(
            pytest.param(f"<tex-math>{source}</tex-math>", f"${body}$", id=source)
            for source, body in (
                *((r"\[x\]", "x"), ("$x$", "x"), ("$$x$$", "x"), ("$x", "$x"), ("x$", "x$")),
                *(("$", "$"), (r"\begin{document}x", "x"), ("x\n  +\ty", "x + y")),
            )
        ),
        pytest.param("<tex-math> </tex-math>", None, id="empty TeX"),
        pytest.param(MATH, "x²", id="MathML"),
        pytest.param(
            f"a <inline-formula><alternatives>\n{MATH}\n<tex-math>{TEX}</tex-math>\n"
            '<inline-graphic xlink:href="e1"/></alternatives></inline-formula>, b',
            "a $x^2$, b",
            id="one of the alternatives",
        ),
        pytest.param(
            f'<inline-formula><alternatives><graphic xlink:href="e1"/>{MATH}</alternatives>'
            "</inline-formula>",
            "x²",
            id="the alternative with a text",
        ),
        pytest.param(
            f"a <inline-formula>\n {MATH}\n </inline-formula>, b", "a x², b", id="layout around it"
        ),
        pytest.param(
            f"<inline-formula>{MATH}<tex-math>{TEX}</tex-math></inline-formula>",
            "$x^2$",
            id="two forms without alternatives",
        ),
        pytest.param(
            f"<inline-formula>n = {MATH} m</inline-formula>", "n = x² m", id="text beside MathML"
        ),
        pytest.param(
            "<inline-formula><italic>n</italic><sub>1</sub></inline-formula>", "n₁", id="plain text"
        ),
        pytest.param(
            f"is<disp-formula><label>(1)</label>{MATH}</disp-formula>so",
            "is (1) x² so",
            id="a display formula is a block",
        ),
        pytest.param(
            'a<disp-formula><graphic xlink:href="e1"/></disp-formula>b', "a b", id="a picture"
        ),
        pytest.param(
            f"<disp-formula-group><disp-formula>{MATH}</disp-formula></disp-formula-group>",
            "x²",
            id="a group",
        ),
    ],
)
def test_a_formula_stands_once(inner: str, expected: str | None):
    assert clean(inner) == expected


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        pytest.param("<msub><mi>x</mi><mi>i</mi></msub>", "x_{i}", id="subscript"),
        pytest.param("<msubsup><mi>x</mi><mn>1</mn><mn>2</mn></msubsup>", "x₁²", id="both scripts"),
        pytest.param(
            "<mfrac><mi>a</mi><mrow><mi>b</mi><mo>+</mo><mn>1</mn></mrow></mfrac>",
            "a/(b+1)",
            id="fraction",
        ),
        pytest.param("<msqrt><mn>2</mn><mi>x</mi></msqrt>", "√2x", id="root"),
        pytest.param("<mroot><mi>x</mi><mn>3</mn></mroot>", "³√x", id="indexed root"),
        pytest.param("<mfenced><mi>a</mi><mi>b</mi></mfenced>", "(a,b)", id="fences"),
        pytest.param("<mtext>if </mtext><mi>x</mi>", "if x", id="text keeps its space"),
        pytest.param("<mi>a</mi>\n <mo>=</mo>\n <mi>b</mi>", "a=b", id="layout is no space"),
        pytest.param("<mi>a</mi><mspace/><mi>b</mi>", "a b", id="a space"),
        pytest.param(
            "<semantics><mi>a</mi><annotation>A</annotation></semantics>", "a", id="annotation"
        ),
        pytest.param("<maction><mi>a</mi><mi>b</mi></maction>", "a", id="one of two views"),
        pytest.param(
            "<munderover><mo>∑</mo><mi>i</mi><mi>n</mi></munderover>", "∑_{i}^{n}", id="a sum"
        ),
        pytest.param(
            "<mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>2</mn></mtd></mtr></mtable>",
            "1 2",
            id="cells are parted",
        ),
        pytest.param(
            "<msup><mi>a</mi></msup><mfrac/><msqrt/><msubsup><mi>b</mi></msubsup><semantics/>",
            "a√b",
            id="missing parts",
        ),
    ],
)
def test_mathml_reads_as_one_line(inner: str, expected: str):
    math = f'<p><math xmlns="http://www.w3.org/1998/Math/MathML">{inner}</math></p>'

    assert text_of(etree.fromstring(math)) == expected
