"""What the transfers from a web server work with: ranges, memory, counts, what threads share."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np

from biomedica_dataset.errors import SourceError

_KEPT = 8 * 2**20  # bytes: more than joined ranges have


class AbsentError(SourceError):
    """There is no such file."""


class RefusedError(SourceError):
    """The file may not be read by whoever asks."""


class DamagedError(SourceError):
    """Bytes that arrived are not those that the index expects."""


@dataclass(slots=True)
class RangeRequest:
    """A range of a file, and how many of its bytes have arrived."""

    start: int
    data: memoryview
    received: int = 0

    @property
    def header(self) -> str:
        """The ``Range`` that asks for the rest."""
        return f"bytes={self.start + self.received}-{self.start + len(self.data) - 1}"


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
class SharedState:
    """What all threads share: the ETags of files, and until when nobody may send.

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
        """Return the lock of the thread that finds out where a file lies."""
        with self.lock:
            return self.locks.setdefault(name, threading.Lock())
