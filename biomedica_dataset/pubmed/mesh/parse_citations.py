"""Reads the records of a PubmedArticleSet: bytes in, frozen records out.

MeSH is a closed vocabulary: the same headings come again and again, as the same bytes. So each is
parsed once and kept, and of a record itself only the abstract and the keywords are parsed.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from lxml import etree

from biomedica_dataset.errors import ArticleError
from biomedica_dataset.jats.text import text_of, tidy

from .citation import Citation, Heading, Section, Term
from .split_records import DELETED, CutError, Ids, Piece, between, cut, ids_of, pmids_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lxml.etree import _Element

_BOOK = b"PubmedBookArticle"
_NO_IDS = Ids(0, 0, 0, b"", 0)
_NAMED = re.compile(rb"<(DescriptorName|QualifierName)\b[^>]*>[^<]*</\1>")
_PMCID = re.compile(r"PMC(\d+)", re.IGNORECASE)
_KEPT_HEADINGS = 2**16
_KEPT_TYPES = 2**12
_DIGEST_BYTES = 8
_PARSER = etree.XMLParser(
    resolve_entities=False, no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
)


class CitationError(ArticleError):
    """The XML of a record of PubMed cannot be read."""


def parse_citations(document: bytes) -> list[Citation]:
    """Return all records of a document, in order; those that PubMed took back too.

    Raises
    ------
    CutError, CitationError
        The document is truncated, or a record cannot be read.
    """
    return parse_pieces(list(cut([document])))


def parse_pieces(pieces: Sequence[Piece], ids: Sequence[Ids] | None = None) -> list[Citation]:
    """Return the records of pieces; one of deleted records gives as many as it names.

    Parameters
    ----------
    ids
        Those of the pieces, where they were read already and none is a list of deleted records.

    Raises
    ------
    CitationError
        One cannot be read; the message says which.
    """
    found: list[Citation] = []
    if ids is None:
        ids = [_NO_IDS if p.name in DELETED else _ids(p.data) for p in pieces]
    parts = [_parts(piece, own) for piece, own in zip(pieces, ids, strict=True)]
    records = zip(pieces, parts, strict=True)
    roots = iter(_trees([part.texts for piece, part in records if piece.name not in DELETED]))
    for piece, own, part in zip(pieces, ids, parts, strict=True):
        if piece.name in DELETED:
            found += [
                Citation(pmid=pmid, version=version, kind="deleted")
                for pmid, version in pmids_of(piece.data)
            ]
        elif piece.name == _BOOK:
            found.append(_book(next(roots)))
        else:
            found.append(_article(own, part, next(roots)))
    return found


class _Parts(NamedTuple):
    """What is wanted of a record, in bytes: what must be parsed, and what may be known already."""

    texts: bytes
    headings: bytes = b""
    types: bytes = b""


def _parts(piece: Piece, ids: Ids) -> _Parts:
    data, end = piece.data, ids.end
    if piece.name != b"PubmedArticle":
        return _Parts(data)
    # In the order of PubMed's DTD, so that the record is looked through once.
    abstract, place = between(data, b"Abstract", 0, end)
    types, place = between(data, b"PublicationTypeList", place, end)
    headings, place = between(data, b"MeshHeadingList", place, end)
    keywords, _place = between(data, b"KeywordList", place, end)
    return _Parts(b"<texts>%s%s</texts>" % (abstract, keywords), headings, types)


def _ids(data: bytes) -> Ids:
    try:
        return ids_of(data)
    except CutError as error:
        raise CitationError(str(error)) from error


def _trees(elements: Sequence[bytes]) -> Iterable[_Element]:
    """Return elements parsed: at once, which is faster, else one by one to say what is broken."""
    try:
        root = etree.fromstring(b"<all>%s</all>" % b"".join(elements), _PARSER)
    except etree.XMLSyntaxError:
        return [_tree(data) for data in elements]
    return root if len(root) == len(elements) else [_tree(data) for data in elements]


def _tree(data: bytes) -> _Element:
    try:
        return etree.fromstring(data, _PARSER)
    except etree.XMLSyntaxError as error:
        msg = f"a record of PubMed cannot be read: {error}; it holds {data[:80]!r}"
        raise CitationError(msg) from error


def _article(ids: Ids, parts: _Parts, texts: _Element) -> Citation:
    listed = parts.headings.split(b"</MeshHeading>")[:-1]
    read = [_heading(part[part.find(b"<MeshHeading>") :]) for part in listed]
    types = _types(parts.types)
    abstract, keywords = _abstract(texts.find("Abstract")), _keywords(texts)
    return Citation(
        pmid=ids.pmid,
        version=ids.version,
        pmcid=ids.pmcid or None,
        doi=ids.doi.decode("utf-8", "replace") or None,
        headings=tuple([heading for heading, _told in read]),
        publication_types=types,
        abstract=abstract,
        keywords=keywords,
        digest=_digest([told for _heading, told in read], types, abstract, keywords),
    )


@lru_cache(_KEPT_HEADINGS)
def _heading(data: bytes) -> tuple[Heading, bytes]:
    """Return a heading, the same object for the same bytes, and what it tells in other bytes."""
    named = [match[0] for match in _NAMED.finditer(data)]
    if not named or not named[0].startswith(b"<DescriptorName"):
        msg = f"a heading of MeSH has no descriptor: {data[:80]!r}"
        raise CitationError(msg)
    terms = [_known_term(element) for element in named]
    told = b"".join([words for _term, words in terms])
    return Heading(terms[0][0], tuple([term for term, _words in terms[1:]])), told + b"\n"


@lru_cache(_KEPT_HEADINGS)
def _known_term(data: bytes) -> tuple[Term, bytes]:
    term = _term(_tree(data))
    return term, f"{term.name}\0{term.ui}\0{term.is_major}\0".encode()


@lru_cache(_KEPT_TYPES)
def _types(data: bytes) -> tuple[Term, ...]:
    """Return a list of publication types, the same object for the same bytes."""
    return tuple(map(_term, _tree(data))) if data else ()


def _term(element: _Element) -> Term:
    name = tidy(element.text or "")
    if name is None:
        msg = f"a term of MeSH has no name, its UI is {element.get('UI')}"
        raise CitationError(msg)
    return Term(name, element.get("UI"), element.get("MajorTopicYN") == "Y")


def _digest(
    headings: Sequence[bytes],
    types: Sequence[Term],
    abstract: Sequence[Section],
    keywords: Sequence[str],
) -> bytes:
    """Return the digest of all that a record tells of its article."""
    parts = [text or "" for part in abstract for text in (part.label, part.category, part.text)]
    counts = f"{len(headings)} {len(parts)} {len(keywords)}"
    words = "\0".join([counts, *parts, *keywords, *[term.name for term in types]])
    whole = hashlib.blake2b(b"".join(headings), digest_size=_DIGEST_BYTES)
    whole.update(words.encode())
    return whole.digest()


def _book(root: _Element) -> Citation:
    document = root.find("BookDocument")
    pmid = None if document is None else document.find("PMID")
    number = "" if pmid is None else (pmid.text or "").strip()
    if document is None or pmid is None or not (number.isascii() and number.isdigit()):
        msg = "a record of a book has no BookDocument with a PMID"
        raise CitationError(msg)
    ids = [
        *document.iterfind("ArticleIdList/ArticleId"),
        *root.iterfind("PubmedBookData/ArticleIdList/ArticleId"),
    ]
    pmcid = _PMCID.search(_named(ids, "pmc") or _named(ids, "pmcid") or "")
    types = tuple(map(_term, document.iterfind("PublicationType")))
    abstract, keywords = _abstract(document.find("Abstract")), _keywords(document)
    return Citation(
        pmid=int(number),
        version=int(pmid.get("Version", "1")),
        kind="book",
        pmcid=int(pmcid[1]) if pmcid else None,
        doi=_named(ids, "doi"),
        publication_types=types,
        abstract=abstract,
        keywords=keywords,
        digest=_digest((), types, abstract, keywords),
    )


def _named(ids: Iterable[_Element], kind: str) -> str | None:
    """Return the first id of a kind, in lower case."""
    for element in ids:
        if element.get("IdType") == kind and element.text:
            return element.text.strip().lower() or None
    return None


def _abstract(abstract: _Element | None) -> tuple[Section, ...]:
    """Return all parts of an abstract with their labels, without its copyright line."""
    if abstract is None:
        return ()
    found = []
    for element in abstract:
        if element.tag == "AbstractText":
            text = text_of(element) if len(element) else tidy(element.text or "")
            if text is not None:
                label, category = element.get("Label"), element.get("NlmCategory")
                found.append(Section(label or None, category or None, text))
    return tuple(found)


def _keywords(parent: _Element) -> tuple[str, ...]:
    """Return the keywords of all lists, each once."""
    words = [
        text_of(element) if len(element) else tidy(element.text or "")
        for group in parent.iterchildren("KeywordList")
        for element in group
    ]
    return tuple(dict.fromkeys(word for word in words if word is not None))
