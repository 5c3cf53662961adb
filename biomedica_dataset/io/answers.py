"""What is asked of a web server, what came of it, and what it said about asking again."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import numpy as np

from biomedica_dataset.errors import SourceError

_KEPT = 8 * 2**20  # bytes: more than joined ranges have


class AbsentError(SourceError):
    """There is no such file."""


class RefusedError(SourceError):
    """The file may not be read by whoever asks."""


class RetryableError(Exception):
    """The request may succeed when it is sent again."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


@dataclass(slots=True)
class Piece:
    """What is wanted of a file, and how much of it is there."""

    start: int
    data: memoryview
    reached: int = 0

    @property
    def header(self) -> str:
        """The ``Range`` that asks for the rest."""
        return f"bytes={self.start + self.reached}-{self.start + len(self.data) - 1}"


class Memory(threading.local):
    """Memory for the answers of each thread, one after the other.

    Fresh memory would cost as much as the bytes that are read into it.
    """

    def __init__(self) -> None:
        self._kept = np.empty(_KEPT, np.uint8).data

    def take(self, length: int) -> memoryview:
        """Return memory, good until this thread takes some again."""
        return self._kept[:length] if length <= _KEPT else np.empty(length, np.uint8).data


@dataclass(slots=True)
class Traffic:
    """Requests sent and bytes of answers received so far."""

    requests: int = 0
    received: int = 0


@dataclass(slots=True)
class Known:
    """What all threads know: the state of files, and until when to be silent.

    Parameters
    ----------
    is_direct
        Whether the last file that was found lay where it was asked for.
    """

    etags: dict[str, str] = field(default_factory=dict)
    silent_until: float = 0.0
    is_direct: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)
    locks: dict[str, threading.Lock] = field(default_factory=dict)

    def resolving(self, name: str) -> threading.Lock:
        """Return what the first thread that asks for a file holds."""
        with self.lock:
            return self.locks.setdefault(name, threading.Lock())


def retry_after(value: str | None) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for: a number or a date."""
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
