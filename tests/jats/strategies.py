"""Hypothesis strategies that build JATS, with what is to be read from it."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape

from hypothesis import strategies as st

from .documents import NAMESPACES

WORD = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=6)
SPACE = st.sampled_from([" ", "  ", "\n\t", "\xa0", "\u2009", " \u200b", " \u202e", " \xad"])
MARKS = ("italic", "bold", "sc", "named-content", "styled-content", "sup", "sub", "underline")
INVISIBLE = (
    *("<object-id>NO</object-id>", "<alt-text>NO</alt-text>", "<!-- NO -->", "<?NO?>", "<x/>"),
    *('<inline-graphic xlink:href="NO"/>', "<permissions><p>NO</p></permissions>", "<break/>"),
    "<supplementary-material><caption><p>NO</p></caption></supplementary-material>",
    "<fn><p>NO</p></fn>",
)


@dataclass(frozen=True)
class Prose:
    """A piece of JATS and the words that are to be read from it, in order."""

    xml: str
    words: tuple[str, ...]


@st.composite
def prose(draw: st.DrawFn, depth: int = 2) -> Prose:
    """Return running text: words, marks, citations, formulas, floats, odd characters."""
    xml, words = "", []
    for _ in range(draw(st.integers(0, 5))):
        kind = draw(st.sampled_from(["word", "mark", "xref", "math", "tex", "none", "number"]))
        if kind == "mark" and depth:
            inner = draw(prose(depth=depth - 1))
            tag = draw(st.sampled_from(MARKS))
            xml += f"<{tag}>{inner.xml}</{tag}>"
            words += inner.words
        elif kind == "none":
            xml += draw(st.sampled_from(INVISIBLE))
        elif kind == "number":
            xml += f'<xref ref-type="bibr" rid="b">{draw(st.integers(1, 999))}</xref>'
        else:
            word = draw(WORD)
            words.append(word)
            xml += {
                "xref": f'<xref ref-type="bibr" rid="b">{word} 2010</xref>',
                "math": f"<inline-formula><alternatives><mml:math><mml:mi>{word}</mml:mi>"
                f'</mml:math><graphic xlink:href="NO"/></alternatives></inline-formula>',
                "tex": rf"<tex-math>\documentclass{{NO}}\begin{{document}}{word}\end{{document}}"
                "</tex-math>",
            }.get(kind, word)
        xml += draw(SPACE)
    return Prose(xml, tuple(words))


@dataclass(frozen=True)
class Document:
    """An article, the names of the graphics of its figures, and its figures without any."""

    xml: bytes
    hrefs: tuple[str, ...]
    without_graphic: int


def _places(inner: str, place: str) -> str:
    return {
        "body": inner,
        "p": f"<p>a {inner} b</p>",
        "sec": f"<sec><title>t</title>{inner}</sec>",
        "box": f"<boxed-text><caption><p>box</p></caption>{inner}</boxed-text>",
        "group": f"<fig-group><caption><p>group</p></caption>{inner}</fig-group>",
        "list": f"<list><list-item><p>{inner}</p></list-item></list>",
        "supplement": f"<supplementary-material><p>{inner}</p></supplementary-material>",
    }[place]


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Return an article with figures in all places, and decorations that are none."""
    hrefs: list[str] = []
    without = 0
    body, back, floats, answer = "", "", "", ""
    for number in range(draw(st.integers(0, 6))):
        tag = draw(st.sampled_from(["fig", "fig", "table-wrap", "chem-struct-wrap"]))
        graphics = draw(st.integers(0 if tag == "fig" else 1, 3))
        names = [f"g{number}.{n}" for n in range(graphics)]
        hrefs += names
        without += not names
        caption = draw(st.sampled_from(["", "<caption/>", "<caption><p>{}</p></caption>"]))
        figure = (
            f'<{tag} id="F{number}"><label>Figure {number}</label>'
            f"{caption.format(draw(prose()).xml)}"
            f"{''.join(draw(_graphic(name)) for name in names)}</{tag}>"
        )
        where = draw(st.sampled_from(["body", "back", "floats", "answer"]))
        if where == "body":
            places = ["body", "p", "sec", "box", "group", "list", "supplement"]
            body += _places(figure, draw(st.sampled_from(places)))
        elif where == "back":
            back += f"<app>{figure}</app>"
        elif where == "floats":
            floats += figure
        else:
            answer += f"<p>{figure}</p>"
        cited = f'<xref ref-type="fig" rid="F{draw(st.integers(0, 6))}">{draw(WORD)}</xref>'
        decoration = '<disp-formula><graphic xlink:href="NO"/></disp-formula>'
        body += f"<p>{draw(prose()).xml}{cited}{draw(st.sampled_from(['–', '', decoration]))}</p>"
    xml = (
        f"<article {NAMESPACES}><front><article-meta/></front><body>{body}</body>"
        f"<back>{back}</back><floats-group>{floats}</floats-group>"
        f'<sub-article article-type="reply"><body>{answer}</body></sub-article></article>'
    )
    return Document(xml.encode(), tuple(hrefs), without)


@st.composite
def _graphic(draw: st.DrawFn, name: str) -> str:
    graphic = f'<graphic xlink:href="{name}"/>'
    return draw(
        st.sampled_from(
            [
                graphic,
                f"<p>{graphic}</p>",
                f'<alternatives>{graphic}<graphic xlink:href="{name}.tif"/></alternatives>',
            ]
        )
    )


_TAGS = (
    *("article", "front", "article-meta", "body", "back", "sec", "p", "fig", "caption", "label"),
    *("graphic", "xref", "sup", "sub", "alternatives", "fig-group", "table-wrap", "td", "media"),
    *("title", "abstract", "pub-date", "year", "month", "day", "permissions", "license", "ref"),
    *("mixed-citation", "element-citation", "pub-id", "sub-article", "article-id", "kwd", "name"),
    *("supplementary-material", "boxed-text", "inline-formula", "tex-math", "mml:math"),
    *("mml:msup", "mml:mfrac", "mml:mfenced", "article-title", "title-group", "subject"),
)
_ATTRIBUTES = (
    *("id", "rid", "xlink:href", "ref-type", "article-type", "pub-type", "pub-id-type", "xml:lang"),
    *("fig-type", "iso-8601-date", "mimetype", "specific-use", "kwd-group-type"),
)
_VALUES = st.one_of(
    st.sampled_from(
        ["F1", "fig", "bibr", "translation", "epub", "pmid", "image", "F1 F2", "g.jpg"]
    ),
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="￾￿"), max_size=8),
)
_TEXT = st.one_of(
    st.sampled_from(
        ["1", "1–3", "Figure 1", "2011", "(A) x (B) y", "© 2010 Roe", "CC BY", "–", ""]
    ),
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="￾￿"), max_size=20),
).map(escape)


@st.composite
def _element(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    tag = draw(st.sampled_from(_TAGS))
    names = draw(st.lists(st.sampled_from(_ATTRIBUTES), max_size=2, unique=True))
    attributes = "".join(
        f' {name}="{escape(draw(_VALUES), {chr(34): "&quot;"})}"' for name in names
    )
    content = "".join(draw(st.lists(inner, max_size=4)))
    return f"<{tag}{attributes}>{content}</{tag}>"


anything = st.recursive(_TEXT, _element, max_leaves=25).map(
    lambda xml: f"<article {NAMESPACES}>{xml}</article>".encode()
)
"""Well-formed articles whose elements stand in any order."""


@st.composite
def damage(draw: st.DrawFn) -> list[tuple[float, int, bytes]]:
    """Return changes to a file: where, as a part of its length, bytes to take out and to put in."""
    piece = st.one_of(
        st.binary(max_size=4),
        st.sampled_from(
            [
                *(b"<", b">", b"&", b"&alpha;", b"&#0;", b"<p>", b"</p>", b"<fig>", b"]]>", b'"'),
                *(
                    b"<![CDATA[",
                    b"<!--",
                    b"<?",
                    b"\xff\xfe",
                    b"\x00",
                    b"<!DOCTYPE a [<!ENTITY b ''>]>",
                ),
            ]
        ),
    )
    change = st.tuples(st.floats(0, 1), st.integers(0, 40), piece)
    return draw(st.lists(change, min_size=1, max_size=5))


def damaged(xml: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    for where, length, piece in changes:
        start = int(where * len(xml))
        xml = xml[:start] + piece + xml[start + length :]
    return xml
