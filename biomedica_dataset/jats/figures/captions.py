"""The caption and the label of a figure: its own, those of its group, in the article's language."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from biomedica_dataset.jats.text import text_of
from biomedica_dataset.jats.tree import LANG, is_in

from .bold import text_and_bold

if TYPE_CHECKING:
    from lxml.etree import _Element

    Spans = tuple[tuple[int, int], ...]
    _Said = tuple[str | None, Spans, str | None]

_CAPTIONS = ("caption", "trans-caption")
_ALTERNATIVES = ("alternatives", "caption-alternatives")
_GROUPS = frozenset(("fig-group", "fig"))
# PMC adds this to every supplementary file.
_BOILERPLATE = re.compile(r"click here (?:for|to view) [\w\s,.()-]{0,80}", re.IGNORECASE)
_NO_LEGEND = frozenset({
    "label", "caption", "attrib", "permissions", "alternatives", "abstract", "kwd-group", "email",
    "ext-link", "uri", "copyright-statement", "license", "sec", "disp-formula", "preformat", "code",
    "table",
})  # fmt: skip
_LABELLED = re.compile(r"([^\W\d_]{1,14}\.?\s?[A-Z]{0,2}\d{1,3}[A-Z]?)\s?[.:|–—-]\s(?=\S)")
_WHOLE_LABEL = re.compile(r"\W*[^\W\d_]{3,}\.?\s?[A-Za-z]{0,2}\.?\s?\d")


class Caption(NamedTuple):
    """What a figure says of itself.

    Parameters
    ----------
    bold
        Where its text has letters set in bold.
    labels
        Its own label, then that of its group: the text may cite either.
    """

    text: str | None
    bold: Spans
    label: str | None
    labels: tuple[str, ...]


class Captions:
    """Reads the captions of an article, those of groups once."""

    def __init__(self) -> None:
        self._said: dict[_Element, _Said] = {}
        self._texts: dict[_Element, str | None] = {}

    def text_of(self, element: _Element) -> str | None:
        """Return the clean text of an element; that of a caption is read once."""
        return self._texts[element] if element in self._texts else text_of(element)

    def of(self, owner: _Element, group: _Element | None, language: str) -> Caption:
        """Return the caption of an owner: what its group says, then what it says itself.

        Parameters
        ----------
        group
            The element that lends its caption and label to the owner, if any.
        language
            Language of the article: of several captions the one in it counts, else the first.
        """
        text, bold, label = self._read(owner, language)
        if group is None:
            return Caption(text, bold, label, (label,) if label else ())
        if group not in self._said:
            self._said[group] = self._read(group, language)
        above, others, lent = self._said[group]
        if not text:
            text, bold = above, others
        elif above and group.tag in _GROUPS and not text.startswith(above):
            text, bold = f"{above} {text}", others + _moved(bold, len(above) + 1)
        labels = tuple(filter(None, (label, lent)))
        return Caption(text, bold, _label_under(label, lent), labels)

    def _read(self, owner: _Element, language: str) -> _Said:
        """Return the caption of an element itself, where it has bold letters, and its label."""
        text, bold = self._text(owner, language)
        label = _label(owner, language)
        if text is None and owner.tag == "fig":
            text, bold = text_and_bold(lambda: _loose(owner), [owner])
            found = None if label or text is None else _LABELLED.match(text)
            if found and text:
                label, text = found[1], text[found.end() :]
                bold = _moved(bold, -found.end())
        return text, bold, label

    def _text(self, element: _Element, language: str) -> tuple[str | None, Spans]:
        """Return the text of the caption of an element, and where letters are bold in it."""
        captions = [
            *element.iterchildren(*_CAPTIONS),
            *(e for a in element.iterchildren(*_ALTERNATIVES) for e in a.iterchildren(*_CAPTIONS)),
        ]
        if not captions:
            return None, ()
        caption = _chosen(captions, language)
        elements: tuple[_Element, ...] = (caption,)
        if any(part.get(LANG) for part in caption):
            elements = tuple(part for part in caption if is_in(part, language)) or elements
        text, bold = text_and_bold(lambda: " ".join(filter(None, map(text_of, elements))), elements)
        if len(elements) == 1:
            self._texts[elements[0]] = text
        return (text, bold) if text and not _BOILERPLATE.fullmatch(text) else (None, ())


def described(elements: Iterable[_Element], tag: str) -> str | None:
    """Return the text of the first ``alt-text`` or ``long-desc`` that some elements have."""
    found = (text_of(one) for element in elements for one in element.iterchildren(tag))
    return next(filter(None, found), None)


def _moved(places: Spans, by: int) -> Spans:
    return tuple((start + by, end + by) for start, end in places if start + by >= 0)


def _loose(owner: _Element) -> str | None:
    """Return the legend that old articles, and careless ones, keep outside of any caption."""
    texts = (text_of(owner, without=_NO_LEGEND), *map(text_of, owner.iterfind("graphic/caption")))
    return " ".join(filter(None, texts)) or None


def _label(element: _Element, language: str) -> str | None:
    labels = list(element.iterchildren("label"))
    text = text_of(_chosen(labels, language)) if labels else None
    return (text or "").rstrip(" .:") or None


def _label_under(own: str | None, group: str | None = None) -> str | None:
    """Return a label with that of its group before it, unless it is whole without it."""
    if not own or not group:
        return own or group
    return own if own.startswith(group) or _WHOLE_LABEL.match(own) else f"{group} {own}"


def _chosen(elements: list[_Element], language: str) -> _Element:
    return next((element for element in elements if is_in(element, language)), elements[0])
