"""Tells NCBI's answers apart: what was asked for, an error, a page for people, half an answer."""

from __future__ import annotations

import html
import json
import re

from biomedica_dataset.errors import SourceError

_ERROR = re.compile(rb"<(ERROR|error)>(.*?)</\1>", re.DOTALL)
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title>", re.DOTALL | re.IGNORECASE)
_PAGE = re.compile(rb"\s*(?:<!--.*?-->\s*)*(?:<!doctype html|<html)", re.DOTALL | re.IGNORECASE)
_NOTHING_FOUND = (b"ID list is empty", b"no correct IDs", b"Empty id list")
_TRY_AGAIN = ("rate limit", "backend failed", "temporarily", "try again", "timed out", "timeout")


class AnswerError(SourceError):
    """An answer of NCBI is not what was asked for.

    Parameters
    ----------
    is_passing
        Whether the same request may be answered better later.
    """

    def __init__(self, message: str, *, is_passing: bool) -> None:
        super().__init__(message)
        self.is_passing = is_passing


class NothingFoundError(AnswerError):
    """None of the ids asked for is known."""


def check_xml(body: bytes, root: str) -> bytes:
    """Return an answer that is a whole XML document with this root element.

    Raises
    ------
    NothingFoundError
        NCBI knows none of the ids.
    AnswerError
        The answer is an HTML page, an error in JSON or XML, truncated, or something else.

    Examples
    --------
    >>> check_xml(b"<eSearchResult><Count>0</Count></eSearchResult>", "eSearchResult")
    b'<eSearchResult><Count>0</Count></eSearchResult>'
    """
    end = body.rstrip()
    opened = re.search(rb"<%s[\s/>]" % root.encode(), body)
    if opened and end.endswith(b"</%s>" % root.encode()):
        _check_no_error(body[opened.start() : opened.start() + 4096])
        return body
    if opened and re.fullmatch(rb"<%s\s*/>" % root.encode(), end[opened.start() :]):
        return body
    if _PAGE.match(body):
        title = _TITLE.search(body)
        msg = f"an HTML page came instead of <{root}>: {_words(title[1]) if title else 'untitled'}"
        raise AnswerError(msg, is_passing=True)
    if end.startswith(b"{"):
        raise _json_error(body)
    _check_no_error(body)
    if not end:
        msg = f"an empty answer came instead of <{root}>"
    elif opened:
        msg = f"the answer is truncated: after {len(body):,} bytes </{root}> is missing"
    else:
        msg = f"the answer is no <{root}>; it begins with {body[:60]!r}"
    raise AnswerError(msg, is_passing=True)


def _check_no_error(body: bytes) -> None:
    found = _ERROR.search(body)
    if found is None:
        return
    words = _words(found[2])
    if any(sign in found[2] for sign in _NOTHING_FOUND):
        raise NothingFoundError(words, is_passing=False)
    msg = f"NCBI says: {words}"
    raise AnswerError(msg, is_passing=_is_passing(words))


def _json_error(body: bytes) -> AnswerError:
    try:
        stored = json.loads(body)
    except ValueError:
        return AnswerError("the answer is half a JSON document", is_passing=True)
    words = str(stored.get("error") or stored.get("esearchresult", {}).get("ERROR") or stored)[:300]
    return AnswerError(f"NCBI says: {words}", is_passing=_is_passing(words))


def _is_passing(words: str) -> bool:
    return any(sign in words.lower() for sign in _TRY_AGAIN)


def _words(data: bytes) -> str:
    text = html.unescape(data.decode("utf-8", "replace"))
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())[:300]
