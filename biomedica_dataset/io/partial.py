"""Files that are being written: under a temporary name, and locked.

A file is renamed when it is complete. It stays locked until its writer discards it, also after the
rename, so that others can tell it from a file that a killed run left behind.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Protocol

from biomedica_dataset.errors import StorageError

from .failures import io_errors

try:
    import fcntl
except ImportError:  # on Windows, where nothing is locked or swept
    fcntl = None  # type: ignore[assignment]


PARTIAL = ".partial-"
"""Prefix of the names of unfinished files."""

_SCRATCH = "biomedica-scratch-"


class Destination(Protocol):
    """The folder that a new file is created in."""

    url: str
    is_local: bool

    def path(self, name: str) -> str:
        """Return the path of a file in the folder."""

    def put(self, path: Path, name: str) -> None:
        """Make a file visible, replacing any existing one."""

    def put_new(self, path: Path, name: str) -> bool:
        """Make a file visible unless the name exists; return whether it did not."""


class NewFile:
    """A file being written, with the SHA-256 of the bytes written so far.

    Attributes
    ----------
    size
        Bytes written so far.
    path
        Where they are on this machine until they are published.
    """

    closed = False

    def __init__(self, folder: Destination, file: IO[bytes], path: Path) -> None:
        self._folder, self._file, self.path = folder, file, path
        self._digest = hashlib.sha256()
        self.size = 0
        self._discarded = self._published = False
        self._failure: StorageError | None = None

    def write(self, data: Any) -> int:
        """Append bytes.

        They are ignored once the file is discarded or a write has failed: the writers of Parquet
        and torch keep writing.
        """
        if self._discarded or self._failure:
            return len(data)
        self._digest.update(data)
        try:
            with io_errors(self._folder.url):
                written = self._file.write(data)
        except StorageError as error:
            self._failure = error
            raise
        self.size += written
        return written

    def flush(self) -> None:
        """Do nothing: the file is synced when it is published."""

    def writable(self) -> bool:
        """Whether bytes can be appended."""
        return True

    def tell(self) -> int:
        """Return the bytes written so far."""
        return self.size

    def close(self) -> None:
        """Do nothing when a wrapping writer closes; the creator discards the file."""

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes written so far."""
        return self._digest.hexdigest()

    def publish(self, name: str) -> None:
        """Make the file visible under a name in its folder, replacing any existing one."""
        with io_errors(self._folder.path(name)):
            self._save()
            self._folder.put(self.path, name)
        self._published = self._folder.is_local

    def claim(self, name: str) -> bool:
        """Make the file visible unless the name exists; return whether it did not."""
        with io_errors(self._folder.path(name)):
            self._save()
            return self._folder.put_new(self.path, name)

    def check(self) -> None:
        """Raise the error of a write that failed, which a library may have replaced by its own."""
        if self._failure:
            raise self._failure

    def _save(self) -> None:
        self.check()
        self._file.flush()
        os.fsync(self._file.fileno())

    def discard(self) -> None:
        """Close the file, and remove it if it was not published."""
        self._discarded = True
        with contextlib.suppress(OSError):  # a full disk was reported on write
            if not self._published:
                self.path.unlink(missing_ok=True)
            self._file.close()


@contextlib.contextmanager
def abandoned(path: Path) -> Iterator[bool]:
    """Yield whether nobody is writing a file or folder, and lock it until the body ends."""
    if fcntl is None:
        yield False
        return
    try:
        # A folder can only be opened to read, and some disks lock only what is opened to write.
        file = os.open(path, (os.O_RDONLY if path.is_dir() else os.O_RDWR) | os.O_NOFOLLOW)
    except OSError:
        yield False
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held, or locks are not supported: keep it
        yield False
    else:
        # No links: it was removed or replaced since it was opened.
        yield os.fstat(file).st_nlink > 0
    finally:
        os.close(file)


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield a temporary folder, and remove those that killed processes have left."""
    for path in Path(tempfile.gettempdir()).glob(f"{_SCRATCH}*"):
        with abandoned(path) as is_abandoned:
            if is_abandoned:
                shutil.rmtree(path, ignore_errors=True)
    with contextlib.ExitStack() as stack:
        yield _begin_scratch(stack)


def _begin_scratch(stack: contextlib.ExitStack) -> Path:
    """Return a new folder, locked, which the stack removes."""
    while True:
        with io_errors(tempfile.gettempdir()):
            folder = Path(tempfile.mkdtemp(prefix=_SCRATCH))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        if fcntl is None:
            return folder
        with contextlib.suppress(OSError):  # without locks, nothing is ever swept
            lock = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, lock)
            fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():  # otherwise another process swept it before it was locked
            return folder


def begin_file(folder: str) -> tuple[IO[bytes], Path]:
    """Return a new file, locked, and its path."""
    while True:
        path = Path(folder, f"{PARTIAL}{secrets.token_hex(8)}")
        file = path.open("xb", buffering=1 << 20)
        if fcntl is not None:
            with contextlib.suppress(OSError):  # without locks, nothing is ever swept
                fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:  # otherwise another run swept it before it was locked
            return file, path
        file.close()


def link(path: Path, target: Path) -> None:
    """Give a complete file a name that does not exist yet."""
    try:
        target.hardlink_to(path)
    except FileExistsError:
        raise
    except OSError:  # no hard links: reserve the name, then replace it
        target.open("xb").close()
        path.replace(target)
    path.unlink(missing_ok=True)
