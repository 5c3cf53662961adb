"""Files of ours: every path but those of the source, through fsspec, visible only when they are whole."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from fsspec.core import url_to_fs

from .errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

_PARTIAL = ".partial-"


class Folder:
    """A folder on any file system that fsspec knows.

    Parameters
    ----------
    url
        A local path or an fsspec URL.
    """

    def __init__(self, url: str | os.PathLike[str]) -> None:
        self.url = os.fspath(url)
        self.filesystem, self.root = url_to_fs(self.url)
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

    def names(self, below: str = "") -> list[str]:
        """Return the names of the files directly in a subfolder, sorted, those being written left out."""
        folder = self.path(below).rstrip("/")
        try:
            found = self.filesystem.ls(folder, detail=True, refresh=True)
        except (FileNotFoundError, NotADirectoryError):
            return []
        names = (str(item["name"]).rpartition("/")[2] for item in found if item["type"] == "file")
        return sorted(name for name in names if not name.startswith(_PARTIAL))

    def is_empty(self) -> bool:
        """Whether the folder is absent or holds nothing."""
        try:
            return not self.filesystem.ls(self.root, detail=False)
        except FileNotFoundError:
            return True

    def open(self, name: str) -> IO[bytes]:
        """Open a file to read."""
        opened: IO[bytes] = self.filesystem.open(self.path(name), "rb")
        return opened

    def open_arrow(self, name: str) -> Any:  # noqa: ANN401 - an Arrow or a Python file
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
        with contextlib.suppress(FileNotFoundError):
            self.filesystem.rm_file(self.path(name))

    def sha256(self, name: str) -> str:
        """Return the SHA-256 of a file."""
        with self.open(name) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @contextlib.contextmanager
    def create(self) -> Iterator[NewFile]:
        """Yield a file that becomes visible when it is published, and is gone when it is not."""
        folder = self.scratch()
        descriptor, path = tempfile.mkstemp(prefix=_PARTIAL, dir=folder)
        file = NewFile(self, os.fdopen(descriptor, "wb", buffering=1 << 20), Path(path))
        try:
            yield file
        finally:
            file.discard()

    def scratch(self) -> str:
        """Return a local folder for unfinished files: this one where it is local, so that a rename suffices."""
        if not self.is_local:
            return tempfile.gettempdir()
        try:
            Path(self.root).mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            msg = f"{self.url} is no folder; name a folder that may be written"
            raise UsageError(msg) from error
        return str(self.root)

    def sweep(self) -> None:
        """Remove unfinished files that a killed run left behind."""
        if self.is_local and Path(self.root).is_dir():
            for path in Path(self.root).glob(f"{_PARTIAL}*"):
                path.unlink(missing_ok=True)

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
        self._discarded = False

    def write(self, data: Any) -> int:  # noqa: ANN401 - anything with a buffer
        """Append bytes; once discarded, take no notice: a Parquet writer that failed still tries to end its file."""
        if self._discarded:
            return len(data)
        self._digest.update(data)
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
        """Do nothing: a writer on top may close, the file is closed when it is published."""

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes written so far."""
        return self._digest.hexdigest()

    def publish(self, name: str) -> None:
        """Make the file visible under a name of its folder, in place of one that is there."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._path.chmod(0o666 & ~_umask())
        self._folder._publish(self._path, name)  # noqa: SLF001 - the two are one piece

    def discard(self) -> None:
        """Close and remove what was not published."""
        self._discarded = True
        self._file.close()
        self._path.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
