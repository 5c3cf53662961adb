"""Cuts a stream of PubMed's XML into its records, without parsing them.

In PubMed's files a record begins and ends with its own tag, and no other element bears that name.
So a record that is not wanted costs two searches for bytes and a look at its ids.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, NamedTuple

from biomedica_dataset.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = "PubmedArticleSet"
_OPEN = re.compile(rb"<(PubmedArticle|PubmedBookArticle|DeleteCitation|DeleteDocument)[ >]")
DELETED = (b"DeleteCitation", b"DeleteDocument")
_LONGEST_TAG = 64
_LONGEST_PIECE = 64 * 2**20  # bytes: the longest records of PubMed have a few
_PMID = re.compile(rb"<PMID(?:\s+Version=\"(\d+)\")?[^>]*>\s*(\d+)\s*</PMID>")
_PMCID = re.compile(rb"IdType=\"pmc(?:id)?\"[^>]*>\s*PMC(\d+)")
_DOI = re.compile(rb"IdType=\"doi\"[^>]*>\s*([^<]*?)\s*<")
_LOCATION = re.compile(rb"<ELocationID[^>]*EIdType=\"doi\"[^>]*>\s*([^<]*?)\s*<")


class CutError(SourceError):
    """The stream ends in the middle, or is no set of PubMed's records."""


class Piece(NamedTuple):
    """The bytes of one record, and the name of its element."""

    name: bytes
    data: bytes


class Ids(NamedTuple):
    """The ids of a record, read from its bytes; 0 and empty where it has none.

    Parameters
    ----------
    end
        Where what PubMed says of the article ends, and its ids and references begin.
    """

    pmid: int
    version: int
    pmcid: int
    doi: bytes
    end: int


def cut(chunks: Iterable[bytes]) -> Iterator[Piece]:
    """Yield the records of a document that comes in chunks.

    Raises
    ------
    CutError
        A record, or the whole, is not closed.
    """
    rest, searched = b"", 0
    for chunk in chunks:
        buffer = rest + chunk
        position = 0
        while (opened := _OPEN.search(buffer, position)) is not None:
            closing = b"</%s>" % opened[1]
            # What was searched before in an unfinished record is not searched again.
            end = buffer.find(closing, max(opened.end(), searched - len(closing)))
            if end < 0:
                break
            position, searched = end + len(closing), 0
            yield Piece(opened[1], buffer[opened.start() : position])
        start = opened.start() if opened else max(position, len(buffer) - _LONGEST_TAG)
        rest = buffer[start:]
        searched = len(rest) if opened else 0
        if len(rest) > _LONGEST_PIECE:
            msg = f"a record is longer than {_LONGEST_PIECE:,} bytes"
            raise CutError(msg)
    if _OPEN.match(rest):
        msg_0 = "the last record is truncated"
        raise CutError(msg_0)
    if not re.search(rb"</PubmedArticleSet>|<PubmedArticleSet\s*/>", rest):
        msg_0 = f"the document is truncated: </{ROOT}> is missing"
        raise CutError(msg_0)


def pmids_of(data: bytes) -> list[tuple[int, int]]:
    """Return (PMID, version) of all that a list of deleted records names."""
    return [(int(pmid), int(version or 1)) for version, pmid in _PMID.findall(data)]


def ids_of(data: bytes) -> Ids:
    """Return the ids of a record: its own, not those of the works that it cites.

    Raises
    ------
    CutError
        It has no PMID.
    """
    found = _PMID.search(data)
    if found is None:
        msg = f"a record has no PMID; it begins with {data[:60]!r}"
        raise CutError(msg)
    end = data.find(b"<PubmedData>", found.end())
    if end < 0:
        end = len(data)
    # After the dates come the own ids, then the references, which have ids too.
    start = data.find(b"<PublicationStatus>", end if end < len(data) else 0)
    stop = data.find(b"</ArticleIdList>", max(start, 0))
    own = data[start:stop] if 0 <= start < stop else b""
    pmcid, doi = _PMCID.search(own), _DOI.search(own)
    if doi is None:
        doi = _LOCATION.search(data, 0, end)
    return Ids(
        int(found[2]),
        int(found[1] or 1),
        int(pmcid[1]) if pmcid else 0,
        unescaped(doi[1]).lower() if doi else b"",
        end,
    )


def unescaped(text: bytes) -> bytes:
    """Return text with the characters that XML writes as entities."""
    return html.unescape(text.decode("utf-8", "replace")).encode() if b"&" in text else text


def between(data: bytes, name: bytes, start: int, end: int) -> tuple[bytes, int]:
    """Return the element of a name, or neighbours of that name, and where it ends.

    Parameters
    ----------
    start, end
        Where it is looked for; what comes before is looked through where it is not there.
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
