"""Buffers bytes before they are written: in memory if few, otherwise in an unfinished file."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass
from typing import Any, Protocol

from .failures import io_errors
from .partial import PARTIAL

_IN_MEMORY = 32 * 2**20


class Held(Protocol):
    """Buffered bytes that can be read back."""

    @property
    def size(self) -> int:
        """Bytes."""

    def read(self) -> Any:
        """Return the bytes."""


@dataclass(frozen=True, slots=True)
class _Spooled:
    spool: Spool
    offset: int
    size: int

    def read(self) -> bytes:
        return self.spool.read(self.offset, self.size)


class Spool:
    """Buffers bytes in the order of arrival.

    Parameters
    ----------
    folder
        Where the unfinished file is created when memory does not suffice.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._file = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed with the spool
            max_size=_IN_MEMORY, dir=folder, prefix=PARTIAL
        )
        self._size = 0

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # a full disk may fail to flush, which no longer matters
            self._file.close()

    def add(self, data: bytes) -> Held:
        """Add bytes."""
        with io_errors(self._folder):
            self._file.seek(self._size)
            self._file.write(data)
        held = _Spooled(self, self._size, len(data))
        self._size += len(data)
        return held

    def read(self, offset: int, size: int) -> bytes:
        """Return bytes added before."""
        with io_errors(self._folder, "read"):
            self._file.seek(offset)
            return self._file.read(size)
