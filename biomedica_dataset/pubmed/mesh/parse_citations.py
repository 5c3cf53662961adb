"""Parses the records of a PubmedArticleSet: bytes in, frozen values out.

MeSH is a closed vocabulary, so the same headings recur as the same bytes. Each is parsed once and
cached; of a record itself, only the abstract and the keywords are parsed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from lxml import etree

from biomedica_dataset.errors import ArticleError
from biomedica_dataset.jats.text import text_of, tidy

from .citation import Citation, Heading, Section, Term
from .split_records import (
    DELETED,
    Ids,
    Record,
    SplitError,
    between,
    ids_of,
    pmids_of,
    split_records,
)

if TYPE_CHECKING:
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
    """The XML of a PubMed record cannot be read."""


def parse_citations(document: bytes) -> list[Citation]:
    """Return all records of a document in order, including withdrawals.

    Raises
    ------
    SplitError, CitationError
        The document is truncated, or a record cannot be read.
    """
    return parse_records(list(split_records([document])))


def parse_records(records: Sequence[Record], ids: Sequence[Ids] | None = None) -> list[Citation]:
    """Parse records; a list of deleted records gives one value per PMID.

    Parameters
    ----------
    ids
        The ids of the records, if already known; then none may be a list of deleted records.

    Raises
    ------
    CitationError
        A record cannot be read; the message says which.
    """
    found: list[Citation] = []
    if ids is None:
        ids = [_NO_IDS if r.name in DELETED else _ids(r.data) for r in records]
    parts = [_parts(record, own) for record, own in zip(records, ids, strict=True)]
    both = zip(records, parts, strict=True)
    roots = iter(_trees([part.texts for record, part in both if record.name not in DELETED]))
    for record, own, part in zip(records, ids, parts, strict=True):
        if record.name in DELETED:
            found += [
                Citation(pmid=pmid, version=version, kind="deleted")
                for pmid, version in pmids_of(record.data)
            ]
        elif record.name == _BOOK:
            found.append(_book(next(roots)))
        else:
            found.append(_article(own, part, next(roots)))
    return found


class _Parts(NamedTuple):
    """The bytes to read of a record: texts to parse, and lists that may be cached."""

    texts: bytes
    headings: bytes = b""
    types: bytes = b""


def _parts(record: Record, ids: Ids) -> _Parts:
    data, end = record.data, ids.end
    if record.name != b"PubmedArticle":
        return _Parts(data)
    # In the order of PubMed's DTD, so that one pass finds them all.
    abstract, place = between(data, b"Abstract", 0, end)
    types, place = between(data, b"PublicationTypeList", place, end)
    headings, place = between(data, b"MeshHeadingList", place, end)
    keywords, _place = between(data, b"KeywordList", place, end)
    return _Parts(b"<texts>%s%s</texts>" % (abstract, keywords), headings, types)


def _ids(data: bytes) -> Ids:
    try:
        return ids_of(data)
    except SplitError as error:
        raise CitationError(str(error)) from error


def _trees(elements: Sequence[bytes]) -> Iterable[_Element]:
    """Parse elements together, which is faster, or one by one to find which is broken."""
    try:
        root = etree.fromstring(b"<all>%s</all>" % b"".join(elements), _PARSER)
    except etree.XMLSyntaxError:
        return [_tree(data) for data in elements]
    return root if len(root) == len(elements) else [_tree(data) for data in elements]


def _tree(data: bytes) -> _Element:
    try:
        return etree.fromstring(data, _PARSER)
    except etree.XMLSyntaxError as error:
        msg = f"a PubMed record cannot be read: {error}; it starts with {data[:80]!r}"
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
        headings=tuple([heading for heading, _bytes in read]),
        publication_types=types,
        abstract=abstract,
        keywords=keywords,
        digest=_digest([data for _heading, data in read], types, abstract, keywords),
    )


@lru_cache(_KEPT_HEADINGS)
def _heading(data: bytes) -> tuple[Heading, bytes]:
    """Return a heading, the same object for the same bytes, and its bytes for the digest."""
    named = [match[0] for match in _NAMED.finditer(data)]
    if not named or not named[0].startswith(b"<DescriptorName"):
        msg = f"a MeSH heading has no descriptor: {data[:80]!r}"
        raise CitationError(msg)
    terms = [_known_term(element) for element in named]
    content = b"".join([words for _term, words in terms])
    return Heading(terms[0][0], tuple([term for term, _words in terms[1:]])), content + b"\n"


@lru_cache(_KEPT_HEADINGS)
def _known_term(data: bytes) -> tuple[Term, bytes]:
    term = _term(_tree(data))
    return term, f"{term.name}\0{term.ui}\0{term.is_major}\0".encode()


@lru_cache(_KEPT_TYPES)
def _types(data: bytes) -> tuple[Term, ...]:
    """Return publication types, the same object for the same bytes."""
    return tuple(map(_term, _tree(data))) if data else ()


def _term(element: _Element) -> Term:
    name = tidy(element.text or "")
    if name is None:
        msg = f"a MeSH term has no name; its UI is {element.get('UI')}"
        raise CitationError(msg)
    return Term(name, element.get("UI"), element.get("MajorTopicYN") == "Y")


def _digest(
    headings: Sequence[bytes],
    types: Sequence[Term],
    abstract: Sequence[Section],
    keywords: Sequence[str],
) -> bytes:
    """Return the digest of the fields of a record other than its ids."""
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
        msg = "a book record has no BookDocument with a PMID"
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
    own = (e.text for e in ids if e.get("IdType") == kind and e.text)
    return next(own, "").strip().lower() or None


def _abstract(abstract: _Element | None) -> tuple[Section, ...]:
    """Return the sections of an abstract with their labels, without its copyright line."""
    if abstract is None:
        return ()
    return tuple(
        Section(element.get("Label") or None, element.get("NlmCategory") or None, text)
        for element in abstract.iterchildren("AbstractText")
        if (text := _text(element)) is not None
    )


def _keywords(parent: _Element) -> tuple[str, ...]:
    """Return the keywords of all lists without duplicates."""
    words = (_text(element) for group in parent.iterchildren("KeywordList") for element in group)
    return tuple(dict.fromkeys(word for word in words if word is not None))


def _text(element: _Element) -> str | None:
    return text_of(element) if len(element) else tidy(element.text or "")
