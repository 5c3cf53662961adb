"""What an invented article is made of.

Texts are JATS inline markup with two shorthands: ``[[f1]]`` puts the figure `f1` there, and
``[[f1|Figure 1]]`` or ``[[R3]]`` cites a figure or a reference. Line breaks in a text mean nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .canvas import Draw

CC = "https://creativecommons.org/licenses/"

Section = tuple[str, ...]
"""A title and its paragraphs."""


@dataclass(frozen=True, kw_only=True)
class ImageFile:
    """An image file of an article.

    Parameters
    ----------
    file
        Its name in the bucket.
    draw
        What draws it; None where another figure shows the same file again.
    href
        How the XML names it, where that differs from `file`.
    """

    file: str
    draw: Draw | None
    href: str | None = None


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure, or another captioned thing that is shown as an image.

    Parameters
    ----------
    id
        Its id in the XML.
    images
        Its images; several stand side by side unless `alternatives`.
    label, title, caption
        "Figure 2", the bold first sentence, and the paragraphs; each may be empty.
    element, attributes
        The JATS element that holds it, and its attributes besides the id.
    rights
        Permissions or attribution of its own, as XML.
    inside
        What stands in it after the images, such as a figure of its own.
    alternatives
        Whether the images are one image in several forms.
    """

    id: str
    images: tuple[ImageFile, ...]
    label: str = ""
    title: str = ""
    caption: tuple[str, ...] = ()
    element: str = "fig"
    attributes: str = ""
    rights: str = ""
    inside: str = ""
    alternatives: bool = False


@dataclass(frozen=True, kw_only=True)
class License:
    """What a reader may do, and how the XML says so.

    Parameters
    ----------
    code
        As the metadata JSON has it.
    url
        The licence's address; empty where the XML gives none.
    form
        Where the XML has it: href, ali, link, text.
    words
        The sentence in the XML.
    """

    code: str | None
    url: str = ""
    form: str = "href"
    words: str = (
        "This is an open access article distributed under the terms of the licence named here, "
        "which permits use as far as that licence says, provided the original work is cited."
    )


@dataclass(frozen=True, kw_only=True)
class Article:
    """One invented article version.

    Parameters
    ----------
    pmcid, version, pmid
        Its numbers; `pmid` may be missing.
    title, journal, date, subject, keywords
        What the front of the article says; `date` is ISO 8601, as precise as known.
    license
        See `License`.
    abstract
        Sections; a section with an empty title has no heading.
    body
        Sections; a section with an empty title is written without one.
    figures
        Those without a marker in the texts go to the floats-group.
    front, tail
        Further XML at the end of the abstracts, and after the back matter (sub-articles).
    article_type, language
        As the root element says.
    is_open_access, is_manuscript, is_retracted
        Flags of the metadata JSON.
    """

    pmcid: int
    version: int = 1
    pmid: int | None
    title: str
    journal: str
    date: str
    subject: str
    keywords: tuple[str, ...]
    license: License
    abstract: tuple[Section, ...] = ()
    body: tuple[Section, ...]
    figures: tuple[Figure, ...] = ()
    front: str = ""
    tail: str = ""
    article_type: str = "research-article"
    language: str = "en"
    is_open_access: bool = True
    is_manuscript: bool = False
    is_retracted: bool = False

    @property
    def key(self) -> str:
        """The article version as the bucket names it."""
        return f"PMC{self.pmcid}.{self.version}"

    @property
    def doi(self) -> str:
        """An invented DOI under the prefix that is kept for examples."""
        return f"10.5555/sample.{self.pmcid}"


def formula(number: int, mathml: str, tex: str) -> str:
    """Write a formula once as MathML and once as a whole LaTeX document.

    Parameters
    ----------
    number
        Tells the formulas of an article apart.
    mathml
        Content of the ``mml:math`` element.
    tex
        The formula in LaTeX.
    """
    packages = "".join(rf"\usepackage{{{name}}} " for name in ("amsmath", "wasysym", "amsfonts"))
    document = (
        rf"\documentclass[12pt]{{minimal}} {packages}\setlength{{\oddsidemargin}}{{-69pt}} "
        rf"\begin{{document}}$${tex}$$\end{{document}}"
    )
    return (
        f'<inline-formula id="IEq{number}"><alternatives>'
        f'<mml:math id="IEq{number}m">{mathml}</mml:math>'
        f'<tex-math id="IEq{number}t">{document}</tex-math></alternatives></inline-formula>'
    )


def paragraphs(texts: Sequence[str]) -> str:
    """Wrap texts as paragraphs; what is only a figure or a group of figures stays bare."""
    return "".join(text if _stands_alone(text) else f"<p>{text}</p>" for text in texts)


def _stands_alone(text: str) -> bool:
    marker = text.startswith("[[") and text.endswith("]]") and text.count("[[") == 1
    return marker or text.startswith("<fig-group>")
