"""Files of ours, on any file system of fsspec, visible only when they are whole.

A file is written under another name and renamed when it is whole. Until its writer lets go of it,
also after the rename, it is locked, so that others can tell it from what a killed run left behind.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from fsspec.core import url_to_fs

from .errors import BiomedicaError, StorageError, UsageError

try:
    import fcntl
except ImportError:  # not on Windows: nothing is locked there, and nothing swept
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterator

PARTIAL = ".partial-"
"""How the names of unfinished files begin."""

_ADVICE = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
    errno.EROFS: "name a folder that may be written",
    errno.EACCES: "name a folder that may be written",
    errno.EPERM: "name a folder that may be written",
}


@contextlib.contextmanager
def told(path: str | os.PathLike[str], what: str = "written") -> Iterator[None]:
    """Turn an error of the file system into one line that names the path and the way out."""
    try:
        yield
    except BiomedicaError:
        raise
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, "see to it")
        msg = (
            f"{os.fspath(path)} cannot be {what}: {error.strerror or error}; {advice} "
            "and run the same command again. What is finished stays valid."
        )
        raise StorageError(msg) from error


class Folder:
    """A folder on any file system that fsspec knows.

    Parameters
    ----------
    url
        A local path or an fsspec URL.
    """

    def __init__(self, url: str | os.PathLike[str]) -> None:
        self.url = os.fspath(url)
        try:
            self.filesystem, self.root = url_to_fs(self.url)
        except (ValueError, ImportError) as error:
            msg = f"{self.url} cannot be opened: {error}"
            raise UsageError(msg) from error
        self.is_local = "file" in (self.filesystem.protocol, *self.filesystem.protocol)

    def path(self, name: str) -> str:
        """Return the path of a file on the file system."""
        return f"{self.root}/{name}"

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""
        return bool(self.filesystem.isfile(self.path(name)))

    def size(self, name: str) -> int:
        """Return the bytes of a file."""
        return int(self.filesystem.size(self.path(name)))

    def modified(self, name: str) -> str:
        """Return when a file was last written, as text that tells one state from another."""
        info = self.filesystem.info(self.path(name))
        return f"{info.get('mtime') or info.get('LastModified')} {info['size']}"

    def names(self, below: str = "") -> list[str]:
        """Return the names of the files directly in a subfolder, sorted, no unfinished ones."""
        folder = self.path(below).rstrip("/")
        try:
            with told(folder, "listed"):
                found = self.filesystem.ls(folder, detail=True, refresh=True)
        except StorageError as error:
            if isinstance(error.__cause__, (FileNotFoundError, NotADirectoryError)):
                return []
            raise
        names = (str(item["name"]).rpartition("/")[2] for item in found if item["type"] == "file")
        return sorted(name for name in names if not name.startswith(PARTIAL))

    def is_empty(self) -> bool:
        """Whether the folder is absent or holds nothing but unfinished files of a killed run."""
        try:
            found = self.filesystem.ls(self.root, detail=False, refresh=True)
        except FileNotFoundError:
            return True
        return all(str(name).rpartition("/")[2].startswith(PARTIAL) for name in found)

    def open(self, name: str) -> IO[bytes]:
        """Open a file to read."""
        opened: IO[bytes] = self.filesystem.open(self.path(name), "rb")
        return opened

    def open_arrow(self, name: str) -> Any:
        """Open a file for Arrow: mapped into memory where it is local."""
        import pyarrow as pa

        return pa.memory_map(self.path(name)) if self.is_local else self.open(name)

    def read_bytes(self, name: str) -> bytes:
        """Return the whole of a file."""
        return bytes(self.filesystem.cat_file(self.path(name)))

    def write_bytes(self, name: str, data: bytes) -> None:
        """Write a file at once."""
        with self.create() as file:
            file.write(data)
            file.publish(name)

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""
        with told(self.path(name), "removed"), contextlib.suppress(FileNotFoundError):
            self.filesystem.rm_file(self.path(name))

    def sha256(self, name: str) -> str:
        """Return the SHA-256 of a file."""
        with self.open(name) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]

    @contextlib.contextmanager
    def create(self) -> Iterator[NewFile]:
        """Yield a file that becomes visible when it is published, and is gone when it is not."""
        folder = self.scratch()
        with told(folder):
            file = NewFile(self, *_new_file(folder))
        try:
            yield file
        finally:
            file.discard()

    def scratch(self) -> str:
        """Return a local folder for unfinished files: this one if it is local, for the rename."""
        if not self.is_local:
            return tempfile.gettempdir()
        try:
            with told(self.root):
                Path(self.root).mkdir(parents=True, exist_ok=True)
        except StorageError as error:
            if isinstance(error.__cause__, (FileExistsError, NotADirectoryError)):
                msg = f"{self.url} is no folder; name a folder that may be written"
                raise UsageError(msg) from error
            raise
        return str(self.root)

    def sweep(self) -> None:
        """Remove unfinished files that a killed run left behind, those of a living one not."""
        if self.is_local and Path(self.root).is_dir():
            for path in Path(self.root).glob(f"{PARTIAL}*"):
                with abandoned(path) as is_abandoned:
                    if is_abandoned:
                        self.remove(path.name)

    def _publish(self, path: Path, name: str) -> None:
        target = self.path(name)
        if self.is_local:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
        else:
            self.filesystem.put_file(str(path), target)


class NewFile:
    """A file being written, with the SHA-256 of what was written so far.

    Attributes
    ----------
    size
        Bytes written so far.
    """

    closed = False

    def __init__(self, folder: Folder, file: IO[bytes], path: Path) -> None:
        self._folder, self._file, self._path = folder, file, path
        self._digest = hashlib.sha256()
        self.size = 0
        self._discarded = self._published = False

    def write(self, data: Any) -> int:
        """Append bytes; once discarded take no notice: a failed Parquet writer goes on."""
        if self._discarded:
            return len(data)
        self._digest.update(data)
        with told(self._folder.url):
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
        with told(self._folder.path(name)):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._folder._publish(self._path, name)
        self._published = self._folder.is_local

    def discard(self) -> None:
        """Let go of the file, and remove it where it was not published."""
        self._discarded = True
        with contextlib.suppress(OSError):  # a full disk was told of when it was written to
            if not self._published:
                self._path.unlink(missing_ok=True)
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
            yield True


def _new_file(folder: str) -> tuple[IO[bytes], Path]:
    while True:
        path = Path(folder, f"{PARTIAL}{secrets.token_hex(8)}")
        file = path.open("xb", buffering=1 << 20)
        if fcntl is not None:
            with contextlib.suppress(OSError):  # a file system without locks is never swept
                fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:  # else another run swept it before it was locked
            return file, path
        file.close()
