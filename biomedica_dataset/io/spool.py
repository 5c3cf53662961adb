"""Bytes on their way into a block's files: in memory while few, else in an unfinished file."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from .failures import io_errors
from .partial import PARTIAL

if TYPE_CHECKING:
    from types import TracebackType

_IN_MEMORY = 32 * 2**20


class Held(Protocol):
    """Bytes that can be read when they are written."""

    @property
    def size(self) -> int:
        """Bytes."""

    def read(self) -> Any:
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
        self._folder = folder
        self._file = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed with the spool
            max_size=_IN_MEMORY, dir=folder, prefix=PARTIAL
        )
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
        with contextlib.suppress(OSError):  # what a full disk did not take is let go of too
            self._file.close()

    def add(self, data: bytes) -> Held:
        """Take bytes in."""
        with io_errors(self._folder):
            self._file.seek(self._size)
            self._file.write(data)
        held = _Spooled(self, self._size, len(data))
        self._size += len(data)
        return held

    def read(self, offset: int, size: int) -> bytes:
        """Return bytes taken in before."""
        with io_errors(self._folder, "read"):
            self._file.seek(offset)
            return self._file.read(size)
