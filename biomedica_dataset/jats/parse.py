"""Parses a JATS document to its ``article``: no DTD, no network, no entity expansion."""

from __future__ import annotations

import codecs
import re
from functools import lru_cache
from html.entities import html5
from typing import TYPE_CHECKING, Any

from lxml import etree

from biomedica_dataset.errors import JatsError

from .limits import MAX_MARKS, check_limit

if TYPE_CHECKING:
    from lxml.etree import _Element

_MARKS = (b"<", b"=", b"&")
_UNDECLARED = re.compile(rb"&(?!#|(?:amp|lt|gt|quot|apos);)")
_NAMED = rb"&(?!(?:amp|lt|gt|quot|apos);)([^\s#&;<>\"'][^\s&;<>\"']*);"
_ENTITY = re.compile(_NAMED)  # a pattern that starts with a fixed character is fast
_ENTITY_OR_CDATA = re.compile(rb"<!\[CDATA\[.*?(?:\]\]>|\Z)|" + _NAMED, re.DOTALL)
_OWN_DECLARATIONS = re.compile(
    rb"(?:\xef\xbb\xbf)?(?>(?:\s+|<\?.*?\?>|<!--.*?-->)*)"
    rb"<!DOCTYPE(?>(?:[^\[>\"']+|\"[^\"]*\"|'[^']*')*)\[",
    re.DOTALL,
)
# ISO 8879 Greek is missing from HTML; it has the other ISO sets of the JATS DTD.
_GREEK = dict(zip((
    "agr", "bgr", "ggr", "dgr", "egr", "zgr", "eegr", "thgr", "igr", "kgr", "lgr", "mgr", "ngr",
    "xgr", "ogr", "pgr", "rgr", "sfgr", "sgr", "tgr", "ugr", "phgr", "khgr", "psgr", "ohgr",
), "αβγδεζηθικλμνξοπρςστυφχψω", strict=True))  # fmt: skip
# Prefixes that the JATS DTD gives their namespaces, so that a document need not.
_PREFIXES = {
    b"xlink": b"http://www.w3.org/1999/xlink",
    b"mml": b"http://www.w3.org/1998/Math/MathML",
    b"xsi": b"http://www.w3.org/2001/XMLSchema-instance",
    b"ali": b"http://www.niso.org/schemas/ali/1.0/",
    b"oasis": b"http://www.niso.org/standards/z39-96/ns/oasis-exchange/table",
    b"xi": b"http://www.w3.org/2001/XInclude",
}
_ROOT = re.compile(
    rb"(?:\xef\xbb\xbf)?(?>(?:\s+|<\?.*?\?>|<!--.*?-->)*)<!DOCTYPE(?>(?:[^\[>\"']+|\"[^\"]*\"|"
    rb"'[^']*')*)(?:\[[^\]]*\]\s*)?>(?>(?:\s+|<\?.*?\?>|<!--.*?-->)*)<[\w:.-]+",
    re.DOTALL,
)
_UNKNOWN = "\ufffd"
_LONGEST = 32  # characters of a name
_DECLARED = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml\s(?:[^?]*?\sencoding\s*=\s*[\"']([^\"'?]*))?|<)"
)
# Encodings of libxml2 in which the patterns here recognize markup.
_NARROW = re.compile(
    rb"(?:utf-?8|(?:us-)?ascii|iso[-_]8859-\d+|latin-?\d|windows-125\d|koi8-[ru]|gb2312|gbk|"
    rb"gb18030|big5|shift[-_]jis|euc-(?:jp|kr))",
    re.IGNORECASE,
)
# First bytes of documents whose markup the patterns would not recognize, and their encodings.
_WIDE = (
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (b"<\0\0\0", "utf-32-le"), (b"\0\0\0<", "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"),
)  # fmt: skip


def parse(xml: bytes) -> _Element:
    """Return the ``article`` element of a JATS document.

    For an ``articleset``, that is the first article. A default namespace is removed. ISO entities,
    which the external DTD declares, become their characters; unknown names become U+FFFD.

    Raises
    ------
    JatsError
        The document is not well-formed, declares entities or attributes of its own, or holds no
        article.
    JatsTooLargeError
        It has more markup than `MAX_MARKS`.
    """
    xml = _as_utf8(xml)
    if len(xml) > MAX_MARKS:
        marks = sum(map(xml.count, _MARKS))
        check_limit(marks, MAX_MARKS, "tags, attributes and references")
    if _OWN_DECLARATIONS.match(xml) and b"<!ATTLIST" in xml:  # every element would get them
        msg = "the XML declares attributes of its own, which are not added"
        raise JatsError(msg)
    has_cdata = b"<![CDATA[" in xml
    if has_cdata or _UNDECLARED.search(xml):
        xml = (_ENTITY_OR_CDATA if has_cdata else _ENTITY).sub(_resolved, xml)
    try:
        root = _tree(xml)
    except etree.XMLSyntaxError as error:
        msg = f"the XML is not well-formed: {error}"
        raise JatsError(msg) from error
    declared: Any = root.getroottree().docinfo.internalDTD
    if declared is not None and next(declared.iterentities(), None) is not None:
        msg = "the XML declares entities of its own, which are not expanded"
        raise JatsError(msg)
    return root if root.tag == "article" else _find_article(root)


def _tree(xml: bytes) -> _Element:
    try:
        return etree.fromstring(xml, _parser())
    except etree.XMLSyntaxError as error:
        start = (
            _ROOT.match(xml)
            if getattr(error, "code", None) == etree.ErrorTypes.NS_ERR_UNDEFINED_NAMESPACE
            else None
        )
        if start is None:  # only a document type gives prefixes
            raise
    declared = xml[start.end() : xml.index(b">", start.end())]
    missing = (
        b' xmlns:%b="%b"' % (prefix, address)
        for prefix, address in _PREFIXES.items()
        if b"xmlns:%b" % prefix not in declared
    )
    return etree.fromstring(b"".join((xml[: start.end()], *missing, xml[start.end() :])), _parser())


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True,
        remove_comments=True, remove_pis=True, huge_tree=False,
    )  # fmt: skip


def _find_article(root: _Element) -> _Element:
    """Return the first article of a set, without its namespace."""
    article = next(root.iter("{*}article"), None)
    if article is None:
        msg = f"the root element is {root.tag!r}; 'article' was expected"
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
        declared = _DECLARED.match(xml)
        if declared is None or not _NARROW.fullmatch(declared[1] or b"utf-8"):
            came = xml[:40] if declared is None else declared[1]
            msg = f"the XML begins or declares its encoding with {came!r}; UTF-8 was expected"
            raise JatsError(msg)
        return xml
    try:
        text = xml.decode(encoding)
    except UnicodeDecodeError as error:
        msg = f"the XML is not {encoding.upper()}, as its first bytes say: {error}"
        raise JatsError(msg) from error
    return re.sub(r"\A<\?xml[^>]*\?>", "", text).encode()


def _resolved(found: re.Match[bytes]) -> bytes:
    if found[1] is not None:
        return _entity(found[1][:_LONGEST])
    # Text in CDATA is meant as it stands: a word joiner keeps it from being unescaped.
    return found[0].replace(b"&", b"&]]>&#x2060;<![CDATA[")


@lru_cache(10_000)
def _entity(name: bytes) -> bytes:
    character = _character(name.decode("ascii", "replace")) or _UNKNOWN
    return "".join(f"&#x{ord(c):X};" for c in character).encode()


def _character(name: str) -> str:
    if name.startswith("b."):  # bold Greek
        name = name[2:]
    greek = _GREEK.get(name) or _GREEK.get(name.lower(), "").upper()
    return html5.get(f"{name};") or greek
