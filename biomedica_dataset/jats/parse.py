"""Bytes of a JATS document to its ``article``: no DTD, no network, no entity expansion."""

from __future__ import annotations

import codecs
import re
from functools import cache
from html.entities import html5
from typing import TYPE_CHECKING, Any

from lxml import etree

from biomedica_dataset.errors import JatsError

if TYPE_CHECKING:
    from lxml.etree import _Element

_ENTITY = re.compile(
    rb"<!\[CDATA\[.*?(?:\]\]>|\Z)|&(?!(?:amp|lt|gt|quot|apos);)([A-Za-z][A-Za-z0-9.]{0,31});",
    re.DOTALL,
)
# ISO 8879 Greek, which HTML does not know; the other ISO sets of the JATS DTD are among its names.
_GREEK = dict(
    zip(
        (
            *("agr", "bgr", "ggr", "dgr", "egr", "zgr", "eegr", "thgr", "igr", "kgr", "lgr", "mgr"),
            *("ngr", "xgr", "ogr", "pgr", "rgr", "sfgr", "sgr", "tgr", "ugr", "phgr", "khgr"),
            *("psgr", "ohgr"),
        ),
        "αβγδεζηθικλμνξοπρςστυφχψω",
        strict=True,
    )
)
_UNKNOWN = "\ufffd"
# How documents begin whose markup the patterns here would not see, and what they are.
_WIDE = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)


def parse(xml: bytes) -> _Element:
    """Return the ``article`` element of a JATS document.

    An ``articleset`` gives its first article. A default namespace on the elements is taken off.
    ISO entities that the document uses without declaring, since they live in the external DTD,
    become their characters; a name that none of the ISO sets has becomes U+FFFD.

    Raises
    ------
    JatsError
        The document is not well-formed, declares entities of its own, or holds no article.
    """
    xml = _as_utf8(xml)
    try:
        root, undeclared = _tree(xml)
        if root is None or undeclared:
            root, _ = _tree(_ENTITY.sub(_resolved, xml), final=True)
    except etree.XMLSyntaxError as error:
        msg = f"the XML is not well-formed: {error}"
        raise JatsError(msg) from error
    return root if root is not None and root.tag == "article" else _find_article(root)


def _tree(xml: bytes, *, final: bool = False) -> tuple[_Element | None, bool]:
    """Return the root and whether entities are used that the document does not declare.

    Without a DOCTYPE that is an error, with one only a warning; both are mended, so the error is
    raised only where the try is the final one.
    """
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
        huge_tree=False,
    )
    try:
        root = etree.fromstring(xml, parser)
    except etree.XMLSyntaxError:
        if final or not _undeclared(parser):
            raise
        return None, True
    declared: Any = root.getroottree().docinfo.internalDTD
    if declared is not None and next(declared.iterentities(), None) is not None:
        msg = "the XML declares entities of its own, which are not expanded"
        raise JatsError(msg)
    return root, _undeclared(parser)


def _undeclared(parser: etree.XMLParser) -> bool:
    return any(entry.type_name.endswith("UNDECLARED_ENTITY") for entry in parser.error_log)


def _find_article(root: _Element | None) -> _Element:
    """Return the first article of a set, without its namespace."""
    article = next(root.iter("{*}article"), None) if root is not None else None
    if article is None:
        name = None if root is None else root.tag
        msg = f"the root element is {name!r}; 'article' was expected"
        raise JatsError(msg)
    namespace = etree.QName(article).namespace
    if namespace:
        prefix = f"{{{namespace}}}"
        for element in article.iter(f"{prefix}*"):
            element.tag = str(element.tag).removeprefix(prefix)
    return article


def _as_utf8(xml: bytes) -> bytes:
    encoding = next((name for start, name in _WIDE if xml.startswith(start)), None)
    if encoding is None:
        return xml
    try:
        text = xml.decode(encoding)
    except UnicodeDecodeError as error:
        msg = f"the XML is not {encoding.upper()}, as its first bytes say: {error}"
        raise JatsError(msg) from error
    return re.sub(r"\A<\?xml[^>]*\?>", "", text).encode()


def _resolved(found: re.Match[bytes]) -> bytes:
    return found[0] if found[1] is None else _entity(found[1].decode())


@cache
def _entity(name: str) -> bytes:
    """Return the character reference of an ISO entity."""
    return "".join(f"&#x{ord(c):X};" for c in _character(name) or _UNKNOWN).encode()


def _character(name: str) -> str:
    if name.startswith("b."):  # bold Greek
        name = name[2:]
    greek = _GREEK.get(name) or _GREEK.get(name.lower(), "").upper()
    return html5.get(f"{name};") or greek
