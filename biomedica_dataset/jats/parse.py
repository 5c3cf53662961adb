"""Bytes of a JATS document to its ``article`` element: no DTD, no network, no entity expansion."""

from __future__ import annotations

import re
from functools import cache
from html.entities import html5

from lxml import etree
from lxml.etree import _Element

from ..errors import JatsError

_ENTITY = re.compile(
    rb"<!\[CDATA\[.*?\]\]>|&(?!(?:amp|lt|gt|quot|apos);)([A-Za-z][A-Za-z0-9.]*);", re.DOTALL
)
# ISO 8879 Greek (isogrk1), which HTML does not know; the other ISO sets of the JATS DTD are among HTML's names.
_GREEK = dict(
    zip(
        "agr bgr ggr dgr egr zgr eegr thgr igr kgr lgr mgr ngr xgr ogr pgr rgr sfgr sgr tgr ugr phgr khgr psgr "
        "ohgr".split(),
        "αβγδεζηθικλμνξοπρςστυφχψω",
        strict=True,
    )
)


def parse(xml: bytes) -> _Element:
    """Return the ``article`` element of a JATS document.

    An ``articleset`` gives its first article. A default namespace on the elements is taken off. ISO entities that the
    document uses without declaring, since they live in the external DTD, become their characters.

    Raises
    ------
    JatsError
        The document is not well-formed, declares a DTD of its own, or holds no article.
    """
    if b"\x00" in xml[:4]:  # UTF-16 and UTF-32, whose markup the patterns here would not see
        xml = _as_utf8(xml)
    try:
        root = _tree(xml)
    except etree.XMLSyntaxError as error:
        # Without a DOCTYPE an undeclared entity is an error, with one it is a node of its own.
        if "Entity" not in str(error):
            msg = f"the XML is not well-formed: {error}"
            raise JatsError(msg) from error
        root = None
    if root is None or next(root.iter(etree.Entity), None) is not None:
        try:
            root = _tree(_ENTITY.sub(_resolved, xml))
        except etree.XMLSyntaxError as error:
            msg = f"the XML is not well-formed: {error}"
            raise JatsError(msg) from error
    if root.tag != "article":
        root = _find_article(root)
    return root


def _tree(xml: bytes) -> _Element:
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
        huge_tree=False,
    )
    root = etree.fromstring(xml, parser)
    declared = root.getroottree().docinfo.internalDTD
    if declared is not None and next(declared.iterentities(), None) is not None:
        msg = "the XML declares entities of its own, which are not expanded"
        raise JatsError(msg)
    return root


def _find_article(root: _Element) -> _Element:
    if isinstance(root.tag, str) and root.tag.startswith("{"):
        _strip_namespace(root)
    article = root if root.tag == "article" else next(root.iter("article"), None)
    if article is None:
        found = root.find("{*}article")
        if found is None:
            msg = f"the root element is {root.tag!r}; 'article' was expected"
            raise JatsError(msg)
        _strip_namespace(found)
        article = found
    return article


def _strip_namespace(root: _Element) -> None:
    namespace = str(root.tag).rpartition("}")[0] + "}"
    for element in root.iter(f"{namespace}*"):
        element.tag = str(element.tag).removeprefix(namespace)


def _as_utf8(xml: bytes) -> bytes:
    encoding = "utf-32" if b"\x00\x00" in xml[:4] else "utf-16"
    try:
        text = xml.decode(encoding)
    except UnicodeDecodeError as error:
        msg = f"the XML is not {encoding.upper()}, as its first bytes say: {error}"
        raise JatsError(msg) from error
    return re.sub(r"\A\ufeff?<\?xml[^>]*\?>", "", text).encode()


def _resolved(found: re.Match[bytes]) -> bytes:
    return found[0] if found[1] is None else _entity(found[1].decode()) or found[0]


@cache
def _entity(name: str) -> bytes | None:
    letter = _GREEK.get(name) or _GREEK.get(name[:1].lower() + name[1:], "").upper()
    if name.startswith("b."):  # isogrk4, bold Greek
        return _entity(name[2:])
    text = html5.get(f"{name};") or letter
    return "".join(f"&#x{ord(c):X};" for c in text).encode() if text else None
