"""The file of one annotator: lines of JSON, only appended, each on disk when it is confirmed."""

from __future__ import annotations

import hashlib
import json
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol, TypeVar

from biomedica_dataset.errors import StorageError, UsageError
from biomedica_dataset.io.failures import io_errors

try:
    import fcntl
except ImportError:  # not on Windows: two processes may write one file there
    fcntl = None  # type: ignore[assignment]


class Signed(Protocol):
    """A vote that names its annotator."""

    @property
    def annotator(self) -> str:
        """Name of the annotator."""


V = TypeVar("V", bound=Signed)
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_LONGEST_NAME = 64  # characters


def annotator_name(given: str) -> str:
    """Return the name of an annotator in one form: composed letters, single spaces.

    Raises
    ------
    UsageError
        It is empty, longer than 64 characters, or has characters that are not shown.

    Examples
    --------
    >>> annotator_name("  Zoe\u0308  M. @ home ")
    'Zoë M. @ home'
    """
    name = " ".join(unicodedata.normalize("NFC", given).split())
    if not name:
        msg = "the name is empty; enter the name to save your answers under"
        raise UsageError(msg)
    if len(name) > _LONGEST_NAME or not name.isprintable():
        msg = f"{name[:80]!r} is not a valid name; use 1 to {_LONGEST_NAME} visible characters"
        raise UsageError(msg)
    return name


def file_name(annotator: str) -> str:
    """Return the name of an annotator's file, without its extension: safe on every system.

    Examples
    --------
    >>> file_name("anna"), file_name("Zoë M. @ home")
    ('anna', 'Zoe-M-home-e04ef6f6')
    """
    if _FILE_NAME.fullmatch(annotator):
        return annotator
    plain = unicodedata.normalize("NFKD", annotator).encode("ascii", "ignore").decode()
    words = "-".join(re.findall("[A-Za-z0-9_]+", plain))[:40] or "annotator"
    return f"{words}-{hashlib.sha256(annotator.encode()).hexdigest()[:8]}"


class AnnotatorFile:
    """The votes of one annotator; one process at a time writes them.

    Parameters
    ----------
    folder
        Folder of the files, one per annotator.
    annotator
        See `annotator_name`; the file is named by `file_name`.

    Raises
    ------
    UsageError
        The name is not valid, or another process is writing the file.
    """

    def __init__(self, folder: str | os.PathLike[str], annotator: str) -> None:
        self.annotator = annotator_name(annotator)
        self.path = Path(folder) / f"{file_name(self.annotator)}.jsonl"
        with io_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a+b")
        if fcntl is not None:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                self._file.close()
                msg = f"{self.path} is being written by another process; stop that process first"
                raise UsageError(msg) from error
        data = self.path.read_bytes()
        if not data.endswith(b"\n"):  # cut off by a kill: that answer was never confirmed
            self._file.truncate(data.rfind(b"\n") + 1)

    def votes(self, parse: Callable[[bytes], V]) -> Iterator[V]:
        """Yield the votes that are stored, all of this annotator.

        Raises
        ------
        UsageError
            A line is not a valid vote, or a vote is of another annotator.
        """
        try:
            for vote in read_lines(self.path, parse):
                if vote.annotator != self.annotator:  # a file system may ignore case
                    msg = f"{self.path} holds votes of {vote.annotator!r}; choose another name"
                    raise UsageError(msg)
                yield vote
        except UsageError:
            self.close()
            raise

    def append(self, stored: dict[str, Any]) -> None:
        """Store a vote; it is on disk when this returns."""
        line = json.dumps(stored, ensure_ascii=True).encode() + b"\n"
        with io_errors(self.path):
            self._file.write(line)
            self._file.flush()
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_lines(path: Path, parse: Callable[[bytes], V]) -> Iterator[V]:
    """Yield the votes of a file in order; an incomplete last line is skipped.

    Raises
    ------
    UsageError
        A line is not a valid vote.
    """
    with io_errors(path, "read"):
        data = path.read_bytes()
    for number, line in enumerate(data[: data.rfind(b"\n") + 1].splitlines(), start=1):
        try:
            vote = parse(line)
        except (ValueError, RecursionError) as error:
            msg = f"{path}, line {number}, is not a valid vote: {error}"
            raise UsageError(msg) from error
        yield vote


def read_files(
    paths: Iterable[str | os.PathLike[str]], read: Callable[[Path], Iterable[V]]
) -> Iterator[tuple[Path, V]]:
    """Yield the votes of several files, each with its file.

    Raises
    ------
    UsageError
        A file cannot be read, or two files belong to one annotator.
    """
    files: dict[str, Path] = {}
    for path in map(Path, paths):
        try:
            votes = list(read(path))
        except StorageError as error:
            raise UsageError(str(error)) from error
        for vote in votes:
            if files.setdefault(vote.annotator, path) != path:
                msg = f"{path} and {files[vote.annotator]} hold votes of {vote.annotator}; keep one"
                raise UsageError(msg)
            yield path, vote
