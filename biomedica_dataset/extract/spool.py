"""Bytes on their way into a block's files: in memory while they are few, else in an unfinished file."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from types import TracebackType

_IN_MEMORY = 64 * 2**20


class Held(Protocol):
    """Bytes that can be read when they are written."""

    @property
    def size(self) -> int:
        """Bytes."""

    def read(self) -> bytes:
        """Return them."""


@dataclass(frozen=True, slots=True)
class _Spooled:
    spool: Spool
    offset: int
    size: int

    def read(self) -> bytes:
        return self.spool.read(self.offset, self.size)


class Spool:
    """Holds bytes in the order in which they arrive.

    Parameters
    ----------
    folder
        Where the unfinished file goes when memory does not do.
    """

    def __init__(self, folder: str) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY, dir=folder)  # noqa: SIM115
        self._size = 0

    def __enter__(self) -> Spool:
        """Return the spool itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let go of all bytes."""
        self._file.close()

    def add(self, data: bytes) -> Held:
        """Take bytes in."""
        self._file.seek(self._size)
        self._file.write(data)
        held = _Spooled(self, self._size, len(data))
        self._size += len(data)
        return held

    def read(self, offset: int, size: int) -> bytes:
        """Return bytes taken in before."""
        self._file.seek(offset)
        return self._file.read(size)
