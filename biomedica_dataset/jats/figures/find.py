"""Finds the graphics with captions anywhere in an article.

The reader goes from each graphic up to the element that owns it (``fig``, ``table-wrap``,
``chem-struct-wrap`` and so on), so that nested figures stay separate and second graphics are not
lost. Figures that are not pairs are returned too, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from biomedica_dataset.jats.limits import MAX_CAPTIONS, MAX_FIGURES, check_limit
from biomedica_dataset.jats.panels.marks import find_marks, letters_of
from biomedica_dataset.jats.records import Figure
from biomedica_dataset.jats.rights.claims import FigureRights
from biomedica_dataset.jats.text import tidy
from biomedica_dataset.jats.tree import HREF, LANG, child, is_in
from biomedica_dataset.keys import RASTER_EXTENSIONS

from .captions import Caption, Captions, described

if TYPE_CHECKING:
    from lxml.etree import _Element


_OWNERS = frozenset({
    "fig", "table-wrap", "chem-struct-wrap", "supplementary-material", "boxed-text", "fig-group",
})  # fmt: skip
# A graphic below one of these before it meets an owner is a glyph, a formula, a cell or a portrait.
_NO_FIGURE = frozenset(
    ("inline-formula", "disp-formula", "disp-formula-group", "td", "th", "array", "bio")
)
_DEFAULT_LANGUAGE = "en"  # by the DTD
_FIGURE_LABEL = re.compile(r"(?:supp\w*|additional)?\s*fig", re.IGNORECASE)

_KIND_OF_OWNER = {
    "table-wrap": "table",
    "chem-struct-wrap": "chemical_structure",
    "boxed-text": "box",
    "supplementary-material": "supplementary",
}
_KIND_OF_TYPE = {
    "graphical-abstract": "graphical_abstract",
    "featured": "graphical_abstract",
    "supplementary-material": "supplementary",
    "scheme": "scheme",
    "table": "table",
    "box": "box",
}
_KIND_OF_LABEL = re.compile(
    r"(?P<supplementary>supp|extended\s+data|(?:fig\w*|table)\.?\s*(?:S|EV)\s?\.?\d|appendi|additional|"
    r".{0,40}figure\s+supplement)|(?P<graphical_abstract>graphical\s+abstract)|(?P<scheme>scheme)|"
    r"(?P<table>tab)|(?P<box>box)",
    re.IGNORECASE,
)


class Found(NamedTuple):
    """A graphic, or a ``fig`` without one.

    Parameters
    ----------
    ids
        Its own and those of its group, by which the text may cite it.
    element
        The element that owns it, such as ``fig``.
    """

    figure: Figure
    ids: tuple[str, ...]
    element: _Element


def find_figures(
    article: _Element, meta: _Element, *, with_tables: bool = False
) -> tuple[list[Found], list[Found]]:
    """Return every graphic of a figure-like element, in document order of the elements.

    Parameters
    ----------
    meta
        Its ``article-meta``.
    with_tables
        Also find the tables without a graphic, outside of sub-articles.

    Returns
    -------
    list, list
        The figures, and the tables without a graphic.

    Raises
    ------
    JatsTooLargeError
        There are more than `MAX_FIGURES`, or longer captions than `MAX_CAPTIONS`.
    """
    figures: list[Found] = []
    tables: list[Found] = []
    captions = Captions()
    rights = FigureRights(meta, captions.text_of)
    characters = 0
    for part, scope, language in _parts(article, article.get(LANG) or _DEFAULT_LANGUAGE):
        owned = _owned(part)
        if with_tables and scope in ("front", "article"):
            alone = (t for t in part.iter("table-wrap") if t not in owned)
            owned |= {table: [] for table in alone}
        for owner, graphics in owned.items():
            check_limit(len(figures) + len(tables) + len(graphics), MAX_FIGURES, "figures")
            group = _group(owner, owned, language)
            caption = captions.of(owner, group, language)
            around = (owner,) if group is None else (owner, group)
            found = list(_figures(around, graphics, scope, caption, rights))
            (tables if _is_table(owner, graphics) else figures).extend(found)
            characters += len(found[0].figure.caption or "") if found else 0
            check_limit(characters, MAX_CAPTIONS, "characters in captions")
    check_limit(len(figures) + len(tables), MAX_FIGURES, "figures")
    return figures, tables


def _is_table(owner: _Element, graphics: list[_Element]) -> bool:
    return owner.tag == "table-wrap" and not graphics


def _parts(article: _Element, language: str) -> Iterator[tuple[_Element, str, str]]:
    """Yield the parts of an article and its sub-articles, each with its scope and language."""
    for part in article:
        if part.tag in ("sub-article", "response"):
            repeats = part.get("article-type") == "translation"
            for nested, scope, own in _parts(part, part.get(LANG) or language):
                translated = repeats or scope == "translation"
                yield nested, "translation" if translated else "response", own
        else:
            yield part, "front" if part.tag == "front" else "article", language


def _owned(part: _Element) -> dict[_Element, list[_Element]]:
    """Return the owners of the graphics of a part, and every ``fig``, each with its graphics."""
    owned: dict[_Element, list[_Element]] = {}
    for element in part.iter("fig", "graphic", "media", "supplementary-material"):
        if element.tag == "fig":
            owned.setdefault(element, [])
        elif element.tag == "graphic" or _is_image(element):
            owner = _owner(element)
            if owner is not None:
                owned.setdefault(owner, []).append(element)
    return owned


def _is_image(element: _Element) -> bool:
    """Whether a ``media`` or ``supplementary-material`` is an image, judging by the XML."""
    href = (element.get(HREF) or "").lower()
    if not href:
        return False
    if href.endswith(RASTER_EXTENSIONS) or element.get("mimetype") == "image":
        return True
    owner = element if element.tag == "supplementary-material" else element.getparent()
    label = owner.findtext("label") if owner is not None else None
    has_extension = re.search(r"\.[a-z][a-z0-9]{1,4}$", href) is not None
    return bool(label and _FIGURE_LABEL.match(label.strip())) and not has_extension


def _owner(graphic: _Element) -> _Element | None:
    """Return the element with the caption of a graphic, or ``None`` if it is not a figure."""
    if graphic.tag == "supplementary-material":
        return graphic
    known = (e for e in graphic.iterancestors() if e.tag in _OWNERS or e.tag in _NO_FIGURE)
    owner = next(known, None)
    if owner is not None and owner.tag in _NO_FIGURE:
        return None
    if owner is not None and (owner.tag == "fig" or child(owner, "caption") is not None):
        return owner
    return graphic if child(graphic, "caption") is not None else owner


def _figures(
    around: tuple[_Element, ...],
    graphics: list[_Element],
    scope: str,
    caption: Caption,
    rights: FigureRights,
) -> Iterator[Found]:
    owner = around[0]
    if owner.tag == "boxed-text" and caption.text is None:
        return  # a graphic in a box without a heading is not a figure
    ids = tuple(i for element in around if (i := element.get("id")))
    reason = "translation" if scope == "translation" else None if caption.text else "no_caption"
    marks = find_marks(caption.text or "", caption.bold)
    own_license, credit = rights.read(around, graphics)
    make = partial(
        Figure,
        kind=_kind(owner, scope, caption.label),
        figure_id=tidy(owner.get("id") or ""),
        label=caption.label,
        caption=caption.text,
        panels=letters_of(marks),
        marks=tuple(marks),
        labels=caption.labels,
        own_license=own_license,
        credit=credit,
    )
    seen: set[tuple[str, ...]] = set()
    for hrefs, own_ids, together in _files(graphics):
        dropped = "repeated_graphic" if hrefs in seen else reason if hrefs else "no_href"
        seen.add(hrefs)
        alt_text, long_desc = (described((*together, owner), t) for t in ("alt-text", "long-desc"))
        figure = make(hrefs=hrefs, dropped=dropped, alt_text=alt_text, long_desc=long_desc)
        yield Found(figure, (*ids, *own_ids), owner)
    # One around figures without captions serves them, see `_group`.
    own = (child(fig, "caption") is not None for fig in owner.iterchildren("fig"))
    if not graphics and all(own):
        yield Found(make(hrefs=(), dropped="no_graphic"), ids, owner)


def _files(
    graphics: list[_Element],
) -> list[tuple[tuple[str, ...], tuple[str, ...], list[_Element]]]:
    """Group the graphics of one ``<alternatives>``: each item is (hrefs, ids, graphics)."""
    groups: dict[_Element, list[_Element]] = {}
    for graphic in graphics:
        parent = graphic.getparent()
        together = parent if parent is not None and parent.tag == "alternatives" else graphic
        groups.setdefault(together, []).append(graphic)
    return [
        (
            tuple(dict.fromkeys(h for g in group if (h := (g.get(HREF) or "").strip()))),
            tuple(dict.fromkeys(i for e in (key, *group) if (i := e.get("id")))),
            group,
        )
        for key, group in groups.items()
    ]


def _group(
    owner: _Element, owned: dict[_Element, list[_Element]], language: str
) -> _Element | None:
    """Return the element that shares its label and caption with an owner.

    That is the ``fig-group`` around it, the figure around one if either lacks what the other has,
    the ``supplementary-material`` around a file with its own caption, or, for a group with graphics
    of its own, the first figure without any: in some journals it holds only the caption.
    """
    if owner.tag == "fig-group":
        empty = [fig for fig in owner.iterchildren("fig") if not owned[fig]]
        return next((fig for fig in empty if is_in(fig, language)), empty[0] if empty else None)
    parent = owner.getparent()
    if parent is None or parent.tag not in _OWNERS:
        return None
    if parent.tag == "fig-group" or owner.tag in ("graphic", "media"):
        return parent
    lends = child(owner, "caption") is None or not owned.get(parent)
    return parent if owner.tag == parent.tag == "fig" and lends else None


def _kind(owner: _Element, scope: str, label: str | None) -> str:
    if scope in ("response", "translation"):
        return "response"
    if scope == "front":
        return "graphical_abstract"
    if owner.get("specific-use") == "child-fig" or _is_supplement(owner):
        return "supplementary"
    named = _KIND_OF_LABEL.match(label) if label else None
    kind = named.lastgroup if named else None
    if kind == "supplementary" or owner.tag in _KIND_OF_OWNER:
        return kind if kind == "supplementary" else _KIND_OF_OWNER[str(owner.tag)]
    fig_type = (owner.get("fig-type") or "").lower()
    if fig_type == "featured" and label:  # PNAS features one of its numbered figures
        fig_type = ""
    return kind or _KIND_OF_TYPE.get(fig_type) or "figure"


def _is_supplement(owner: _Element) -> bool:
    return any(
        element.tag == "supplementary-material"
        or element.get("sec-type") == "supplementary-material"
        for element in owner.iterancestors("sec", "supplementary-material")
    )
