"""Mutants of real files: their bytes, and the trees of their XML, changed at random by a number.

The same files and the same number give the same mutant.
"""

from __future__ import annotations

import json
import random
import re
from copy import deepcopy
from functools import lru_cache
from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from lxml.etree import _Element

LARGEST = 2 * 2**20
"""Bytes of a mutant; what a change makes larger is cut."""

HREF = "{http://www.w3.org/1999/xlink}href"
_PIECES = (
    *(b"<", b">", b"&", b'"', b"'", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc0\xaf"),
    *(b"\xed\xa0\x80", b"\xe2\x80\xae", b"\x1b[31m", b"&alpha;"),
    *(b"&#0;", b"&#x202e;", b"&#xD800;", b"&bogus;", b"]]>", b"<!--", b"<?"),
    *(b"<p>", b"</p>", b"<fig>", b"</fig>", b"<graphic/>", b"<article>", b"</article>"),
    *(b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"xmlns='x'"),
)  # fmt: skip
_TEXTS = (
    *("", " ", "\n\t", "1–3", "Figure 1", "(A) x (B) y", "[1", "© 2010 Roe", "CC BY", "–" * 50),
    *("\u202etxt\u202c", "\u2066", "\x85", "\ufdd0", "\U000e0041", "e\u0301" * 99, "=1+1", "---"),
    *("<script>", "1" * 5000, "(" * 3000, "a, " * 2000, "[1]" * 1000, "Fig. " * 1000, "^{" * 999),
    *(r"\begin{document}" * 40, r"\frac{" * 500, "$" * 999, "with permission from " * 200),
)  # fmt: skip
_NAMES = (
    *("fig", "fig-group", "graphic", "media", "caption", "label", "title", "p", "sec"),
    *("xref", "sup", "sub", "inline-formula", "disp-formula", "tex-math", "table-wrap"),
    *("supplementary-material", "sub-article", "response", "body", "front", "back", "floats-group"),
    *("article", "article-meta", "permissions", "license", "pub-date", "year", "month", "day"),
    *("alternatives", "boxed-text", "ref", "mixed-citation", "name", "kwd", "td"),
    *("abstract", "list", "list-item", "def-list"),
    *("{http://www.w3.org/1998/Math/MathML}math", "{http://www.w3.org/1998/Math/MathML}msup"),
)  # fmt: skip
_ATTRIBUTES = (
    "id",
    "rid",
    "ref-type",
    "article-type",
    "fig-type",
    "pub-type",
    HREF,
    "iso-8601-date",
)
_PATHS = (
    *("PMC10496602.1/a.jpg", "PMC10496602.1/../b.jpg", "../../etc/passwd", "PMC10496602.1/CON.jpg"),
    *("PMC10496602.1/\u202egpj.exe", "PMC10496602.1/\ud800.jpg", "PMC10496602.1/a\nb.jpg", "/", ""),
)
_VALUES = (
    *(None, True, 0, -1, 2**70, 1e308, "", " ", "yes", "TDM", "CC BY", [], {}, [None], [[]], ["x"]),
    *("\ud800", "a\0b", "\u202etxt", "PMC1", [f"s3://b/{name}?md5={'0' * 32}" for name in _PATHS]),
)  # fmt: skip
_DEEP, _MANY = 230, 4000  # 256 deep is all that parses


class Mutator:
    """Makes mutants of the files of a list, of small ones more often: they take less time."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = sorted(files)
        self._weights = [(20_000 + file.stat().st_size) ** -2 for file in self.files]

    def mutant(self, number: int) -> tuple[Path, bytes]:
        """Return the original and the bytes of a mutant."""
        rng = random.Random(number)
        (file,) = rng.choices(self.files, self._weights)
        original = data = _read(file)
        if rng.random() < 0.75:
            data = _restructured(rng, data, self)
        if data is original or rng.random() < 0.2:
            for _ in range(rng.randint(1, 5)):
                data = rng.choice(_BYTES)(rng, data)
        return file, data[:LARGEST]

    def other(self, rng: random.Random) -> _Element | None:
        """Return the tree of another file, which may have none."""
        return _tree(_read(rng.choices(self.files, self._weights)[0]))


def _restructured(rng: random.Random, data: bytes, mutator: Mutator) -> bytes:
    """Return XML of a changed tree, or JSON with changed values; other bytes as they are."""
    if data[:1] == b"{":
        record = json.loads(data)
        for _ in range(rng.randint(1, 3)):
            record[rng.choice([*record, "new"])] = rng.choice(_VALUES)
        return json.dumps(record, ensure_ascii=rng.random() < 0.9).encode("utf-8", "surrogatepass")
    root = _tree(data)
    if root is None:
        return data
    for _ in range(rng.randint(1, 4)):
        rng.choice(_TREE)(rng, root, mutator)
    return etree.tostring(root, encoding=rng.choice(("utf-8", "us-ascii", "utf-16")))


@lru_cache(64)
def _read(file: Path) -> bytes:
    return file.read_bytes()


@lru_cache(64)
def _parsed(data: bytes) -> _Element | None:
    return etree.fromstring(data, etree.XMLParser(recover=True, resolve_entities=False))


def _tree(data: bytes) -> _Element | None:
    return deepcopy(_parsed(data)) if data.lstrip()[:1] == b"<" else None


def _one(rng: random.Random, root: _Element, names: str = "*") -> _Element:
    found = list(root.iter(names))[1:]
    return rng.choice(found) if found else root


def _remove(rng: random.Random, root: _Element, _: Mutator) -> None:
    element = _one(rng, root)
    if element.getparent() is not None:
        element.getparent().remove(element)


def _repeat(rng: random.Random, root: _Element, _: Mutator) -> None:
    element = _one(rng, root)
    parent = element.getparent()
    copies = rng.choice((1, 2, 5, 400, _MANY))
    if parent is not None and copies * len(list(element.iter())) <= 2 * _MANY:
        for _copy in range(copies):
            parent.insert(rng.randint(0, len(parent)), deepcopy(element))


def _move(rng: random.Random, root: _Element, _: Mutator) -> None:
    element, to = _one(rng, root), _one(rng, root)
    if element is not root and to not in set(element.iter()):
        to.insert(rng.randint(0, len(to)), element)


def _rename(rng: random.Random, root: _Element, _: Mutator) -> None:
    _one(rng, root).tag = rng.choice(_NAMES)


def _rewrite(rng: random.Random, root: _Element, _: Mutator) -> None:
    element = _one(rng, root)
    if rng.random() < 0.5:
        element.text = _sound(rng.choice(_TEXTS))
    else:
        element.tail = _sound(rng.choice(_TEXTS))


def _attribute(rng: random.Random, root: _Element, _: Mutator) -> None:
    element = _one(rng, root, rng.choice(("fig", "graphic", "xref", "caption", "sub-article", "*")))
    name = rng.choice([*element.attrib, *_ATTRIBUTES])
    if rng.random() < 0.3:
        element.attrib.pop(name, None)
    else:
        values = [*_one(rng, root).attrib.values(), *_TEXTS[:20], "../../etc/passwd", "CON.jpg"]
        element.set(name, _sound(rng.choice(values)))


def _nest(rng: random.Random, root: _Element, _: Mutator) -> None:
    element = _one(rng, root)
    parent = element.getparent()
    if parent is None:
        return
    outer = inner = etree.Element(rng.choice(_NAMES))
    for _level in range(rng.choice((1, 3, 50, _DEEP))):
        inner = etree.SubElement(inner, outer.tag)
    parent.replace(element, outer)
    inner.append(element)


def _empty(rng: random.Random, root: _Element, _: Mutator) -> None:
    element = _one(rng, root)
    for child in list(element):
        element.remove(child)
    element.text = None


def _graft(rng: random.Random, root: _Element, mutator: Mutator) -> None:
    other = mutator.other(rng)
    if other is not None:
        to = _one(rng, root)
        to.insert(rng.randint(0, len(to)), deepcopy(_one(rng, other)))


_TREE: tuple[Callable[[random.Random, etree._Element, Mutator], None], ...] = (
    _remove, _repeat, _move, _rename, _rewrite, _attribute, _nest, _empty, _graft,
)  # fmt: skip


def _sound(text: str) -> str:
    """Return text without what XML cannot hold."""
    return re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "", text)


def _insert(rng: random.Random, data: bytes) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + rng.choice(_PIECES) * rng.choice((1, 1, 2, 300)) + data[at:]


def _cut(rng: random.Random, data: bytes) -> bytes:
    start = rng.randint(0, len(data))
    return data[:start] + data[start + rng.choice((1, 4, 40, 4000)) :]


def _end(rng: random.Random, data: bytes) -> bytes:
    return data[: rng.randint(0, len(data))]


def _flip(rng: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 10, 100))):
        if changed:
            changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _copy(rng: random.Random, data: bytes) -> bytes:
    start, to = rng.randint(0, len(data)), rng.randint(0, len(data))
    return data[:to] + data[start : start + rng.choice((10, 1000, 30_000))] + data[to:]


def _transcode(rng: random.Random, data: bytes) -> bytes:
    text = data.decode("utf-8", "replace")
    name = rng.choice(("utf-16", "utf-16-le", "utf-32", "utf-7", "latin-1", "cp1252", "shift-jis"))
    return text.encode(name, "replace")


def _declare(rng: random.Random, data: bytes) -> bytes:
    names = (b"UTF-16", b"ISO-8859-1", b"UTF-7", b"bogus", b"EBCDIC-CP-US", b"ascii")
    head = b'<?xml version="1.0" encoding="' + rng.choice(names) + b'"?>'
    return head + re.sub(rb"\A<\?xml[^>]*\?>", b"", data)


_BYTES: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    _insert, _insert, _cut, _cut, _flip, _copy, _end, _transcode, _declare,
)  # fmt: skip
