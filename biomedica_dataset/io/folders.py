"""Files on any fsspec file system that become visible only when they are complete.

An object store receives a file whole or not at all; unfinished files are kept on this machine.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, TypeVar

from fsspec.core import url_to_fs

from biomedica_dataset.errors import StorageError, UsageError
from biomedica_dataset.extras import install_command

from .failures import failures, io_errors, is_absent, reading
from .links import check_links
from .partial import PARTIAL, NewFile, abandoned, begin_file, link

__all__ = ["PARTIAL", "RUN", "Folder", "NewFile", "abandoned"]

RUN = ".run.json"
"""Names the run that writes to a folder; see `engine.lock`."""

Item = TypeVar("Item")
Result = TypeVar("Result")

_AT_ONCE = 32  # concurrent requests to a store
_NO_ADDRESS = (ValueError, ImportError, TypeError, LookupError, AttributeError)
"""Errors that fsspec file systems raise for an address that they cannot parse."""


class Folder:
    """A folder on any file system that fsspec knows.

    Parameters
    ----------
    url
        A local path or an fsspec URL.
    links_to
        Folders that symbolic links in this one may lead to.
    """

    def __init__(self, url: str | os.PathLike[str], *, links_to: tuple[str, ...] = ()) -> None:
        self.url, self._links_to = os.fspath(url), links_to
        if not self.url.strip():
            msg = "the name of the folder is empty; use . for the current one"
            raise UsageError(msg)
        broken: tuple[type[Exception], ...] = (*failures(), *_NO_ADDRESS)
        try:
            # Others write there too, so a cached listing would be out of date.
            self.filesystem, self.root = url_to_fs(self.url, use_listings_cache=False)
            if self.filesystem.protocol == "data":
                msg = "a data: address is not a folder"
                raise ValueError(msg)
        except broken as error:
            is_missing = isinstance(error, ImportError)
            more = f"; for s3://, run {install_command('s3')}" if is_missing else ""
            msg = f"{self.url} cannot be opened: {error}{more}"
            raise UsageError(msg) from error
        self.is_local = "file" in (self.filesystem.protocol, *self.filesystem.protocol)

    def path(self, name: str) -> str:
        """Return the path of a file on the file system."""
        return f"{self.root}/{name}"

    def place(self, name: str) -> str:
        """Return the path of a file that is to be read.

        Raises
        ------
        ArchiveError
            A symbolic link leads out of the folder.
        """
        if self.is_local:
            check_links(self.root, name, *self._links_to)
        return self.path(name)

    def _new_place(self, name: str) -> str:
        """Return the path of a file to write or remove, which may itself be a link."""
        self.place(name.rpartition("/")[0])
        return self.path(name)

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""
        try:
            with io_errors(self.path(name), "read"):
                return bool(self.filesystem.info(self.place(name))["type"] == "file")
        except StorageError as error:
            if is_absent(error):
                return False
            raise

    def size(self, name: str) -> int:
        """Return the bytes of a file."""
        return int(self.filesystem.size(self.place(name)))

    def modified(self, name: str) -> str:
        """Return when a file was last written, as text that differs between states."""
        info = self.filesystem.info(self.place(name))
        return f"{info.get('mtime') or info.get('LastModified')} {info['size']}"

    def names(self, below: str = "") -> list[str]:
        """Return the sorted names of the finished files directly in a subfolder."""
        return list(self.sizes(below))

    def sizes(self, below: str = "") -> dict[str, int]:
        """Return the sizes of those files by name."""
        folder = self.place(below).rstrip("/")
        try:
            with io_errors(folder, "listed"):
                found = self.filesystem.ls(folder, detail=True, refresh=True)
        except StorageError as error:
            if is_absent(error):
                return {}
            raise
        files = sorted(
            (str(item["name"]).rpartition("/")[2], item["size"])
            for item in found
            if item["type"] == "file"
        )
        return {name: size for name, size in files if not name.startswith(PARTIAL)}

    def is_empty(self) -> bool:
        """Whether the folder is absent, or no file is below it but temporary ones of runs.

        A run that is killed may leave subfolders without a file.
        """
        try:
            with io_errors(self.root, "listed"):
                below = self.filesystem.walk(self.root, on_error="raise", refresh=True)
                names = (name for _folder, _folders, files in below for name in files)
                return all(name.startswith((PARTIAL, RUN)) for name in names)
        except StorageError as error:
            if is_absent(error):
                return True
            raise

    def open(self, name: str) -> IO[bytes]:
        """Open a file to read."""
        opened: IO[bytes] = self.filesystem.open(self.place(name), "rb")
        return opened

    @contextlib.contextmanager
    def reading(self, name: str, advice: str) -> Iterator[IO[bytes]]:
        """Yield a file to read; the error for a damaged or missing file names it and what to do.

        Parameters
        ----------
        advice
            See `io.failures.reading`, also for the errors.
        """
        with reading(self.path(name), advice), self.open(name) as file:
            yield file

    def open_arrow(self, name: str, *, is_mapped: bool = True) -> Any:
        """Open a file for Arrow: memory-mapped by default if it is local."""
        import pyarrow as pa

        if not self.is_local:
            return self.open(name)
        place = self.place(name)
        return pa.memory_map(place) if is_mapped else pa.OSFile(place)

    def read_bytes(self, name: str) -> bytes:
        """Return the content of a file."""
        with io_errors(self.path(name), "read"):
            return bytes(self.filesystem.cat_file(self.place(name)))

    def write_bytes(self, name: str, data: bytes) -> None:
        """Write a file at once."""
        with self.create() as file:
            file.write(data)
            file.publish(name)

    def begin(self, name: str, data: bytes) -> bool:
        """Write a file unless it exists; return whether it was written."""
        with self.create() as file:
            file.write(data)
            return file.claim(name)

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """Apply a function of files to each item, concurrently if the folder is remote."""
        if self.is_local:
            return [work(item) for item in items]
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            return list(threads.map(work, items))

    def remove(self, name: str) -> None:
        """Remove a file if it exists."""
        with io_errors(self.path(name), "removed"), contextlib.suppress(FileNotFoundError):
            self.filesystem.rm_file(self._new_place(name))

    def sha256(self, name: str) -> str:
        """Return the SHA-256 of a file."""
        with self.open(name) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]

    @contextlib.contextmanager
    def create(self) -> Iterator[NewFile]:
        """Yield a new file that is visible once published, and is removed otherwise."""
        folder = self.scratch()
        with io_errors(folder):
            file = NewFile(self, *begin_file(folder))
        try:
            yield file
        finally:
            file.discard()

    def scratch(self) -> str:
        """Return a local folder for unfinished files: this one if it is local, so renames work."""
        if not self.is_local:
            return tempfile.gettempdir()
        try:
            with io_errors(self.root):
                Path(self.root).mkdir(parents=True, exist_ok=True)
        except StorageError as error:
            if isinstance(error.__cause__, (FileExistsError, NotADirectoryError)):
                msg = f"{self.url} is not a folder; name a writable folder"
                raise UsageError(msg) from error
            raise
        return str(self.root)

    def sweep(self) -> None:
        """Remove unfinished files of killed runs, but not those of running ones."""
        place = Path(self.root if self.is_local else tempfile.gettempdir())
        for path in place.glob(f"{PARTIAL}*"):
            with abandoned(path) as is_abandoned, io_errors(path, "removed"):
                if is_abandoned:
                    path.unlink(missing_ok=True)

    def put(self, path: Path, name: str) -> None:
        """Make an unfinished file visible, replacing any existing one."""
        target = self._new_place(name)
        if self.is_local:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
        else:
            self.filesystem.put_file(str(path), target)

    def put_new(self, path: Path, name: str) -> bool:
        """Make an unfinished file visible unless the name exists; return whether it did not."""
        target = self._new_place(name)
        if self.is_local:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
        try:
            if self.is_local:
                link(path, Path(target))
            else:
                self.filesystem.pipe_file(target, path.read_bytes(), mode="create")
        except FileExistsError:  # the existing file may be gone by now
            return False
        except OSError:  # not every store reports an existing file as such
            if self.exists(name):
                return False
            raise
        return True
