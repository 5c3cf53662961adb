"""Small JATS documents for the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biomedica_dataset.jats.reader import read_article

if TYPE_CHECKING:
    from biomedica_dataset.jats.records import Article, Figure

NAMESPACES = (
    'xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:mml="http://www.w3.org/1998/Math/MathML" '
    'xmlns:ali="http://www.niso.org/schemas/ali/1.0/"'
)


def document(body: str = "", *, meta: str = "", rest: str = "", attributes: str = "") -> bytes:
    """Return an article; ``rest`` stands after the body."""
    return (
        f"<article {NAMESPACES} {attributes}><front><article-meta>{meta}</article-meta></front>"
        f"<body>{body}</body>{rest}</article>"
    ).encode()


def read(body: str = "", **parts: str) -> Article:
    return read_article(document(body, **parts), full_text=True)


def figures(body: str = "", **parts: str) -> tuple[Figure, ...]:
    return read(body, **parts).figures


def fig(number: int = 1, inner: str = "", *, caption: str = "A cell.", label: str = "") -> str:
    """Return a ``fig`` with id ``F1``, label ``Figure 1``, a caption and the graphic ``g1``."""
    return (
        f'<fig id="F{number}"><label>{label or f"Figure {number}"}</label>'
        f'<caption><p>{caption}</p></caption>{inner}<graphic xlink:href="g{number}"/></fig>'
    )


def permissions(inner: str) -> str:
    return f"<permissions>{inner}</permissions>"


def worded(text: str) -> str:
    """Return a ``permissions`` with a licence in words."""
    return permissions(f"<license><license-p>{text}</license-p></license>")


def linked(url: str) -> str:
    """Return a ``permissions`` with the address of a licence."""
    return permissions(f'<license xlink:href="{url}"/>')


def cited(body: str, figs: int = 4, **parts: str) -> dict[str, list[str]]:
    """Return the citing paragraphs by figure id, of a body and some figures in a floats-group."""
    floats = "".join(fig(n) for n in range(1, figs + 1))
    found = figures(body, rest=f"<floats-group>{floats}</floats-group>", **parts)
    return {f.figure_id or "": list(f.context) for f in found if f.context}
