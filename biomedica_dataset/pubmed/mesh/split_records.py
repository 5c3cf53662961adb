"""Splits a stream of PubMed XML into records without parsing them.

In PubMed's files a record starts and ends with its own tag, and no other element has that name.
So skipping a record costs two byte searches and reading its ids.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from biomedica_dataset.errors import SourceError

ROOT = "PubmedArticleSet"
_OPEN = re.compile(rb"<(PubmedArticle|PubmedBookArticle|DeleteCitation|DeleteDocument)[ >]")
DELETED = (b"DeleteCitation", b"DeleteDocument")
_LONGEST_TAG = 64
_LONGEST_RECORD = 64 * 2**20  # bytes; the longest real records have a few MB
_PMID = re.compile(rb"<PMID(?:\s+Version=\"(\d+)\")?[^>]*>\s*(\d+)\s*</PMID>")
_PMCID = re.compile(rb"IdType=\"pmc(?:id)?\"[^>]*>\s*PMC(\d+)")
_DOI = re.compile(rb"IdType=\"doi\"[^>]*>\s*([^<]*?)\s*<")
_LOCATION = re.compile(rb"<ELocationID[^>]*EIdType=\"doi\"[^>]*>\s*([^<]*?)\s*<")


class SplitError(SourceError):
    """The stream is truncated or is not a set of PubMed records."""


class Record(NamedTuple):
    """The bytes of one record and the name of its element."""

    name: bytes
    data: bytes


class Ids(NamedTuple):
    """The ids of a record, read from its bytes; 0 or empty for a missing id.

    Parameters
    ----------
    end
        End of the description of the article; its ids and references follow.
    """

    pmid: int
    version: int
    pmcid: int
    doi: bytes
    end: int


def split_records(chunks: Iterable[bytes]) -> Iterator[Record]:
    """Yield the records of a document given in chunks.

    Raises
    ------
    SplitError
        The document or a record is truncated.
    """
    rest, searched = b"", 0
    for chunk in chunks:
        buffer = rest + chunk
        position = 0
        while (opened := _OPEN.search(buffer, position)) is not None:
            closing = b"</%s>" % opened[1]
            # Do not search the known part of an unfinished record again.
            end = buffer.find(closing, max(opened.end(), searched - len(closing)))
            if end < 0:
                break
            position, searched = end + len(closing), 0
            yield Record(opened[1], buffer[opened.start() : position])
        start = opened.start() if opened else max(position, len(buffer) - _LONGEST_TAG)
        rest = buffer[start:]
        searched = len(rest) if opened else 0
        if len(rest) > _LONGEST_RECORD:
            msg = f"a record is longer than {_LONGEST_RECORD:,} bytes"
            raise SplitError(msg)
    if _OPEN.match(rest):
        msg = "the last record is truncated"
        raise SplitError(msg)
    if not re.search(rb"</PubmedArticleSet>|<PubmedArticleSet\s*/>", rest):
        msg = f"the document is truncated: </{ROOT}> is missing"
        raise SplitError(msg)


def pmids_of(data: bytes) -> list[tuple[int, int]]:
    """Return the (PMID, version) pairs in a list of deleted records."""
    return [(int(pmid), int(version or 1)) for version, pmid in _PMID.findall(data)]


def ids_of(data: bytes) -> Ids:
    """Return the ids of a record, not those of the works that it cites.

    Raises
    ------
    SplitError
        It has no PMID.
    """
    found = _PMID.search(data)
    if found is None:
        msg = f"a record has no PMID; it starts with {data[:60]!r}"
        raise SplitError(msg)
    end = data.find(b"<PubmedData>", found.end())
    if end < 0:
        end = len(data)
    # The ids of the record come after the dates and before the references, which have ids too.
    start = data.find(b"<PublicationStatus>", end if end < len(data) else 0)
    stop = data.find(b"</ArticleIdList>", max(start, 0))
    own = data[start:stop] if 0 <= start < stop else b""
    pmcid, doi = _PMCID.search(own), _DOI.search(own)
    if doi is None:
        doi = _LOCATION.search(data, 0, end)
    name = doi[1] if doi else b""
    if b"&" in name:
        name = html.unescape(name.decode("utf-8", "replace")).encode()
    number = int(pmcid[1]) if pmcid else 0
    return Ids(int(found[2]), int(found[1] or 1), number, name.lower(), end)


def between(data: bytes, name: bytes, start: int, end: int) -> tuple[bytes, int]:
    """Return the element with a name, or adjacent elements with it, and where they end.

    Parameters
    ----------
    start, end
        Range to search; if the element is not there, the bytes before it are searched.
    """
    opening, closing = b"<" + name, b"</%s>" % name
    first = data.find(opening, start, end)
    while first >= 0 and data[first + len(opening)] not in _AFTER_NAME:  # a longer name
        first = data.find(opening, first + 1, end)
    if first < 0:
        return (between(data, name, 0, start)[0], start) if start else (b"", 0)
    stop = data.find(closing, first, end) + len(closing)
    while data[stop : stop + _NEAR].lstrip().startswith(opening):
        stop = data.find(closing, stop, end) + len(closing)
    return (data[first:stop], stop) if stop > first + len(closing) else (b"", start)


_AFTER_NAME = b"> \n\t\r"
_NEAR = 64
