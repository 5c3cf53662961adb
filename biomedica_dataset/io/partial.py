"""Files that are being written: under another name, and locked.

A file is renamed when it is whole. Until its writer lets go of it, also after the rename, it is
locked, so that others can tell it from what a killed run left behind.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from .failures import io_errors

try:
    import fcntl
except ImportError:  # not on Windows: nothing is locked there, and nothing swept
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterator

PARTIAL = ".partial-"
"""How the names of unfinished files begin."""


class Destination(Protocol):
    """The folder that a new file is for."""

    url: str
    is_local: bool

    def path(self, name: str) -> str:
        """Return the path of a file in the folder."""

    def put(self, path: Path, name: str) -> None:
        """Make a file visible, in place of one that is there."""

    def put_new(self, path: Path, name: str) -> bool:
        """Make a file visible unless there is one; return whether there was none."""


class NewFile:
    """A file being written, with the SHA-256 of what was written so far.

    Attributes
    ----------
    size
        Bytes written so far.
    path
        Where they lie on this machine until they are published.
    """

    closed = False

    def __init__(self, folder: Destination, file: IO[bytes], path: Path) -> None:
        self._folder, self._file, self.path = folder, file, path
        self._digest = hashlib.sha256()
        self.size = 0
        self._discarded = self._published = False

    def write(self, data: Any) -> int:
        """Append bytes; once discarded take no notice: a failed Parquet writer goes on."""
        if self._discarded:
            return len(data)
        self._digest.update(data)
        with io_errors(self._folder.url):
            written = self._file.write(data)
        self.size += written
        return written

    def flush(self) -> None:
        """Do nothing: the file is made safe when it is published."""

    def writable(self) -> bool:
        """Whether bytes can be appended."""
        return True

    def tell(self) -> int:
        """Return the bytes written so far."""
        return self.size

    def close(self) -> None:
        """Do nothing: a writer on top may close, the maker of the file lets go of it."""

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes written so far."""
        return self._digest.hexdigest()

    def publish(self, name: str) -> None:
        """Make the file visible under a name of its folder, in place of one that is there."""
        with io_errors(self._folder.path(name)):
            self._save()
            self._folder.put(self.path, name)
        self._published = self._folder.is_local

    def claim(self, name: str) -> bool:
        """Make the file visible under a name that nothing has; return whether nothing had it."""
        with io_errors(self._folder.path(name)):
            self._save()
            return self._folder.put_new(self.path, name)

    def _save(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())

    def discard(self) -> None:
        """Let go of the file, and remove it where it was not published."""
        self._discarded = True
        with contextlib.suppress(OSError):  # a full disk was told of when it was written to
            if not self._published:
                self.path.unlink(missing_ok=True)
            self._file.close()


@contextlib.contextmanager
def abandoned(path: Path) -> Iterator[bool]:
    """Yield whether nobody is writing a file of ours, and keep it so until the body ends."""
    if fcntl is None:
        yield False
        return
    try:
        file = path.open("r+b")
    except OSError:
        yield False
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # held, or no locks here: then it stays
            yield False
        else:
            # Else it has been removed or replaced since it was opened.
            yield os.fstat(file.fileno()).st_nlink > 0


def begin_file(folder: str) -> tuple[IO[bytes], Path]:
    """Return a new file, locked, and its path."""
    while True:
        path = Path(folder, f"{PARTIAL}{secrets.token_hex(8)}")
        file = path.open("xb", buffering=1 << 20)
        if fcntl is not None:
            with contextlib.suppress(OSError):  # a file system without locks is never swept
                fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:  # else another run swept it before it was locked
            return file, path
        file.close()


def link(path: Path, target: Path) -> None:
    """Give a whole file a name that nothing has."""
    try:
        target.hardlink_to(path)
    except FileExistsError:
        raise
    except OSError:  # no hard links here: the name is taken first, and filled at once
        target.open("xb").close()
        path.replace(target)
    path.unlink(missing_ok=True)
