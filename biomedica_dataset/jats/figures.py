"""The graphics of an article that carry a caption, wherever they stand.

The reader goes from each graphic up to the element that owns it (``fig``, ``table-wrap``, ``chem-struct-wrap`` and so
on), so that figures nested in figures keep apart and second graphics are not lost. What looks like a figure and is no
pair is returned too, with the reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..files import RASTER_EXTENSIONS
from .credits import third_party_credit
from .licenses import own_license
from .panels import panel_letters
from .text import text_of, tidy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lxml.etree import _Element

    from ..records import License

_HREF = "{http://www.w3.org/1999/xlink}href"
_OWNERS = frozenset(
    ("fig", "table-wrap", "chem-struct-wrap", "supplementary-material", "boxed-text", "fig-group")
)
# A graphic below one of these before it meets an owner is a glyph, a formula, a cell or a portrait.
_NO_FIGURE = frozenset(
    "inline-formula disp-formula disp-formula-group td th bio array abbrev journal-meta mixed-citation".split()
)
_SUPPLEMENT = re.compile(
    r"supp|extended\s+data|figure\s+supplement|(?:fig\w*|table)\.?\s*(?:S|EV)\s?\.?\d|appendi|additional",
    re.IGNORECASE,
)
_FIGURE_LABEL = re.compile(r"(?:supp\w*|additional)?\s*fig", re.IGNORECASE)
_KIND_OF_OWNER = {
    "table-wrap": "table",
    "chem-struct-wrap": "chemical_structure",
    "boxed-text": "box",
    "supplementary-material": "supplementary",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A graphic, or a ``fig`` without one, with what its owner says of it."""

    hrefs: tuple[str, ...]
    ids: tuple[str, ...]
    kind: str
    figure_id: str | None
    label: str | None
    caption: str | None
    panels: tuple[str, ...]
    own_license: License | None
    credit: str | None
    dropped: str | None


def find_figures(article: _Element, holders: Callable[[], frozenset[str]]) -> list[Found]:
    """Return every graphic of a figure-like element, in document order of the elements.

    Parameters
    ----------
    holders
        Gives in lower case who may put a copyright line on a figure without being a third party.
    """
    found: list[Found] = []
    for part, scope in _parts(article):
        for owner, graphics in _owned(part).items():
            found += _figures(owner, graphics, scope, holders)
    return found


def _parts(article: _Element) -> Iterator[tuple[_Element, str]]:
    for part in article:
        if part.tag in ("sub-article", "response"):
            repeats = part.get("article-type") == "translation"
            for nested, scope in _parts(part):
                yield nested, "translation" if repeats or scope == "translation" else "response"
        elif part.tag in ("front", "body", "back", "floats-group", "front-stub", "floats-wrap"):
            yield part, "front" if part.tag == "front" else "article"


def _owned(part: _Element) -> dict[_Element, list[_Element]]:
    owned: dict[_Element, list[_Element]] = {}
    for element in part.iter("fig", "graphic", "media", "supplementary-material"):
        if element.tag == "fig":
            owned.setdefault(element, [])
        elif element.tag == "graphic" or _is_picture(element):
            owner = _owner(element)
            if owner is not None:
                owned.setdefault(owner, []).append(element)
    return owned


def _is_picture(element: _Element) -> bool:
    """Whether a ``media`` or ``supplementary-material`` itself is a picture, as far as the document tells."""
    href = (element.get(_HREF) or "").lower()
    if not href:
        return False
    if href.endswith(RASTER_EXTENSIONS) or element.get("mimetype") == "image":
        return True
    owner = element if element.tag == "supplementary-material" else element.getparent()
    label = owner.findtext("label") if owner is not None else None
    has_extension = re.search(r"\.[a-z][a-z0-9]{1,4}$", href) is not None
    return bool(label and _FIGURE_LABEL.match(label.strip())) and not has_extension


def _owner(graphic: _Element) -> _Element | None:
    if graphic.tag == "supplementary-material" or graphic.find("caption") is not None:
        return graphic
    for element in graphic.iterancestors():
        if element.tag in _OWNERS:
            return element
        if element.tag in _NO_FIGURE:
            return None
    return None


def _figures(
    owner: _Element, graphics: list[_Element], scope: str, holders: Callable[[], frozenset[str]]
) -> Iterator[Found]:
    group = _group(owner)
    caption_element, caption = _caption(owner, group)
    label = _label(owner) or _label(group)
    if owner.tag in ("boxed-text", "fig-group") and caption is None:
        return
    common = {
        "kind": _kind(owner, scope, label),
        "figure_id": owner.get("id"),
        "label": label,
        "caption": caption,
        "panels": panel_letters(caption_element, caption),
        "own_license": own_license(owner),
        "credit": third_party_credit(owner, caption, holders),
    }
    ids = tuple(i for i in (owner.get("id"), group.get("id") if group is not None else None) if i)
    reason = "translation" if scope == "translation" else None if caption else "no_caption"
    seen: set[tuple[str, ...]] = set()
    for hrefs, own_ids in _files(graphics):
        missing = "repeated_graphic" if hrefs in seen else reason if hrefs else "no_href"
        seen.add(hrefs)
        yield Found(hrefs=hrefs, ids=(*ids, *own_ids), dropped=missing, **common)
    if not graphics and owner.find(".//fig") is None:
        yield Found(hrefs=(), ids=ids, dropped="no_graphic", **common)


def _files(graphics: list[_Element]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Group the graphics of one ``<alternatives>``: each item is (hrefs, ids)."""
    groups: dict[_Element, list[_Element]] = {}
    for graphic in graphics:
        parent = graphic.getparent()
        alternatives = parent is not None and parent.tag == "alternatives"
        groups.setdefault(parent if alternatives else graphic, []).append(graphic)
    return [
        (
            tuple(dict.fromkeys(h for g in group if (h := (g.get(_HREF) or "").strip()))),
            tuple(i for e in (key, *group) if (i := e.get("id"))),
        )
        for key, group in groups.items()
    ]


def _group(owner: _Element) -> _Element | None:
    """Return the ``fig-group`` around an owner, or the figure around a figure without a caption of its own."""
    parent = owner.getparent()
    return parent if parent is not None and parent.tag == "fig-group" else None


def _caption(owner: _Element, group: _Element | None) -> tuple[_Element | None, str | None]:
    element = owner.find("caption")
    text = text_of(element)
    if text:
        return element, text
    if owner.tag == "fig":  # some old articles keep the legend beside an absent caption
        text = tidy(" ".join(filter(None, map(text_of, owner.iterfind("p")))))
        if text:
            return None, text
    if group is not None:
        element = group.find("caption")
        return element, text_of(element)
    return None, None


def _label(owner: _Element | None) -> str | None:
    text = text_of(owner.find("label")) if owner is not None else None
    return text.rstrip(" .:") or None if text else None


def _kind(owner: _Element, scope: str, label: str | None) -> str:
    if scope in ("response", "translation"):
        return "response"
    if scope == "front" or "graphical" in (owner.get("fig-type") or "").lower():
        return "graphical_abstract"
    words = (label or "").lower()
    if owner.get("specific-use") == "child-fig" or _SUPPLEMENT.match(words):
        return "supplementary"
    if "figure supplement" in words:
        return "supplementary"
    if owner.tag in _KIND_OF_OWNER:
        return _KIND_OF_OWNER[str(owner.tag)]
    if words.startswith("graphical abstract"):
        return "graphical_abstract"
    for start, kind in (("scheme", "scheme"), ("tab", "table"), ("box", "box")):
        if words.startswith(start) or (not words and owner.get("fig-type") == start):
            return kind
    return "figure"
