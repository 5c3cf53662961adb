"""Limits on what the Hub answers to a push, which its client would read whole, however long."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from huggingface_hub import get_session

from biomedica_dataset.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

_SILENCE = 300.0  # seconds: a commit of many files takes the Hub a while
_LONGEST = 600.0  # seconds from the header of an answer to its end
_MOST = 2**28  # bytes of an answer


@contextlib.contextmanager
def limited_session() -> Iterator[None]:
    """Limit the answers to requests of `huggingface_hub`, in silence, time and bytes.

    Raises
    ------
    SourceError
        An answer takes too long, or too much memory.
    """
    session = get_session()
    before = session.timeout
    if before.read is None:
        session.timeout = _SILENCE
    session.event_hooks["response"].append(_limit)
    try:
        yield
    finally:
        session.event_hooks["response"].remove(_limit)
        session.timeout = before


def _limit(response: Any) -> None:
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
