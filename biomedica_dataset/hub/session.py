"""Limits on what the Hub answers to a push, which its client would read whole, however long."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Iterator
from typing import Any

from huggingface_hub import get_session

from biomedica_dataset.errors import SourceError

_SILENCE = 300.0  # seconds: a commit of many files takes the Hub a while
_LONGEST = 600.0  # seconds from a request to the header of its answer, and from there to its end
_MOST = 2**28  # bytes of an answer
_CONNECTED = ("connect_tcp.complete", "start_tls.complete")
_HEADER = "receive_response_headers."


class _Header(threading.local):
    """When the header that this thread waits for has taken too long."""

    end = math.inf


_header = _Header()


@contextlib.contextmanager
def limited_session() -> Iterator[None]:
    """Limit the answers to requests of `huggingface_hub`, in silence, time and bytes.

    Raises
    ------
    SourceError
        An answer takes too long, or too much memory.
    """
    session = get_session()
    hooks, before = session.event_hooks, session.timeout
    if before.read is None:
        session.timeout = _SILENCE
    hooks["request"].append(_limit_header)
    hooks["response"].append(_limit_content)
    try:
        yield
    finally:
        hooks["request"].remove(_limit_header)
        hooks["response"].remove(_limit_content)
        session.timeout = before


def _limit_header(request: Any) -> None:
    """Limit the header of an answer: any number of `100 Continue` may come before it."""
    request.extensions["trace"] = _follow


def _follow(event: str, about: dict[str, Any]) -> None:
    if event.endswith(_CONNECTED):
        _limit_reads(about["return_value"])
    elif _HEADER in event:
        _header.end = time.monotonic() + _LONGEST if event.endswith(".started") else math.inf


def _limit_reads(stream: Any) -> None:
    """Let no read of a connection go on after the end of a header."""
    read = stream.read

    def limited(max_bytes: int, timeout: float | None = None) -> bytes:
        left = max(_header.end - time.monotonic(), 0.001)
        try:
            data: bytes = read(max_bytes, min(timeout or _SILENCE, left))
        finally:
            if time.monotonic() >= _header.end:
                msg = f"the Hub has not answered after {_LONGEST:.0f} s; push again to resume"
                raise SourceError(msg)
        return data

    stream.read = limited


def _limit_content(response: Any) -> None:
    """Limit the content of an answer, of which only the header is there."""
    begun, content = time.monotonic(), response.iter_bytes

    def limited(chunk_size: int | None = None) -> Iterator[bytes]:
        size = 0
        for part in content(chunk_size):
            size += len(part)
            if size > _MOST or time.monotonic() - begun > _LONGEST:
                msg = (
                    f"an answer of {response.url.host} has no end: {size:,} bytes in "
                    f"{time.monotonic() - begun:.0f} s; push again to resume"
                )
                raise SourceError(msg)
            yield part

    response.iter_bytes = limited
