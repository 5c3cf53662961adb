"""The running text of an article and its reference list."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple, cast

from lxml import etree

from .records import Reference
from .text import FLOATS, text_of, tidy
from .tree import HREF, child, number, pieces, words

if TYPE_CHECKING:
    from lxml.etree import _Element

_CONTAINERS = frozenset(("sec", "boxed-text"))
_NO_CITATION = frozenset(("label", "note"))
_PERSONS = frozenset(("person-group", "name", "string-name", "name-alternatives", "collab"))
_NAMES = ("pub-id", "ext-link")
# Elements with special rules in `text` that occur in references.
_RULED = ("sup", "sub", "inline-formula", "fn")
_FORMATS = frozenset({
    "italic", "bold", "i", "b", "em", "strong", "sc", "underline", "roman", "monospace",
    "sans-serif", "styled-content", "named-content", "overline", "strike",
})  # fmt: skip
_INSEPARABLE = frozenset(("sup", "sub", "inline-formula", "x"))
_WHOLE = frozenset(("article-title", "chapter-title", "part-title", "trans-title", *_INSEPARABLE))
_ENDS = ".,;:)"
_COUNT = etree.XPath("count(back/descendant::ref)")
_DOI = re.compile(r"10\.\d{4,9}/\S+")
_PMID = re.compile(r"\d{1,9}")


class BodyPart(NamedTuple):
    """An element of the body: a heading, a paragraph, a section or a float.

    Parameters
    ----------
    level
        Sections around it.
    text
        Clean text with the label before it; ``None`` where it is no running text.
    """

    element: _Element
    level: int
    text: str | None


def body_parts(article: _Element, text_of: Callable[[_Element], str | None]) -> Iterator[BodyPart]:
    """Yield the parts of the body in document order, a section before what it holds."""
    body = child(article, "body")
    return iter(()) if body is None else _parts(body, 0, text_of)


def body_text(parts: Iterable[BodyPart]) -> str | None:
    """Return headings and paragraphs of the body, one per line, or ``None``."""
    # In UTF-8, since a str takes up to four times as much, and a join would hold lines and whole.
    text = bytearray()
    for part in parts:
        if part.text:
            text += part.text.encode()
            text += b"\n"
    return text[:-1].decode() or None


def _parts(
    element: _Element, level: int, text_of: Callable[[_Element], str | None]
) -> Iterator[BodyPart]:
    label = ""
    for part in element:
        tag = part.tag
        if tag in _CONTAINERS:
            yield BodyPart(part, level, None)
            yield from _parts(part, level + 1, text_of)
        elif tag in FLOATS:
            yield BodyPart(part, level, None)
        else:
            text = text_of(part)
            if tag == "label":
                label = f"{text} " if text else ""
            elif text:
                yield BodyPart(part, level, label + text)
                label = ""


def reference_count(article: _Element) -> int | None:
    """Return the number of references of the article itself, or ``None``."""
    return int(cast("float", _COUNT(article))) or None


def read_references(article: _Element) -> tuple[Reference, ...]:
    """Return the references: text, first PubMed id and first DOI of each."""
    back = child(article, "back")
    if back is None:
        return ()
    # One search of the whole list is faster, since most entries have few of either.
    names: dict[_Element, list[_Element]] = {}
    ruled: set[_Element] = set()
    for element in back.iter(*_NAMES, *_RULED):
        entry = next(element.iterancestors("ref"), None)
        if entry is not None and element.tag in _NAMES:
            names.setdefault(entry, []).append(element)
        elif entry is not None:
            ruled.add(entry)
    references = []
    for entry in back.iter("ref"):
        pmid, doi = _ids(names.get(entry, ()))
        citation = _citation(entry, is_ruled=entry in ruled)
        references.append(Reference(citation, pmid, doi))
    return tuple(references)


def _ids(names: Iterable[_Element]) -> tuple[int | None, str | None]:
    """Return the first PubMed id and the first DOI of an entry.

    Also puts a space before ids in the citation itself.
    """
    pmid = doi = None
    for name in names:
        if name.tag == "pub-id":
            name.text = f" {name.text or ''}"  # often there is no space before an id
        kind = name.get("pub-id-type") or name.get("ext-link-type")
        if kind == "pmid" and pmid is None:
            digits = _PMID.search(words(name))
            pmid = number(digits[0]) if digits else None
        elif kind in ("doi", "uri") and doi is None:
            found = _DOI.search(words(name)) or _DOI.search(name.get(HREF) or "")
            doi = tidy(found[0].rstrip(".,;")) if found else None
    return pmid, doi


def _citation(entry: _Element, *, is_ruled: bool) -> str | None:
    """Return the text of an entry; the printed form if there are several."""
    forms = list(entry.iter("mixed-citation"))
    if not forms:
        parts = (part for part in entry if part.tag not in _NO_CITATION)
        forms = [next(iter(p), p) if p.tag == "citation-alternatives" else p for p in parts]
    return tidy(" ".join(_form(form, is_ruled=is_ruled) for form in forms))


def _form(form: _Element, *, is_ruled: bool) -> str:
    """Return the text of one form, with spaces between adjacent parts."""
    _part(form)
    if (form.text or "").strip() or any((part.tail or "").strip() for part in form):
        for name in form.iter("name"):  # its parts never have spaces between them
            for part in name:
                part.tail = " " if part.getnext() is not None else None
        return (text_of(form) or "") if is_ruled else words(form)
    texts = []
    for part in form:
        if part.tag in _PERSONS:
            texts += pieces(part)
        elif part.tag != "pub-id":  # returned separately
            texts.append((text_of(part) or "") if is_ruled else words(part))
    return " ".join(texts)


def _part(form: _Element) -> None:
    """Put a space between neighbours of which one ends in the middle of what seems a word."""
    for left in form:
        if len(left) and left.tag not in _WHOLE:
            _part(left)
        right = None if left.tail else left.getnext()
        if right is None or left.tag in _INSEPARABLE or right.tag in _INSEPARABLE:
            continue
        end, start = words(left)[-1:], (right.text or words(right))[:1]
        marks = left.tag in _FORMATS and right.tag in _FORMATS
        if not start.isalnum() or not (end.isalnum() or end in _ENDS) or not end:
            continue
        crosses = start.isdecimal() if end in _ENDS else start.isdecimal() or end.isdecimal()
        if not marks or (crosses and left.tag != right.tag):
            left.tail = " "
