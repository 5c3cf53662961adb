"""What a file system fails with, in one line that names the path and the way out."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from typing import TYPE_CHECKING

from biomedica_dataset.errors import ArchiveError, BiomedicaError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

_ADVICE = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
    errno.EROFS: "name a folder that may be written",
    errno.EACCES: "name a folder that may be written",
    errno.EPERM: "name a folder that may be written",
}
_CREDENTIALS = (
    "give credentials that may, as the tools of that store take them (of S3: AWS_PROFILE, or "
    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)"
)
_BROKEN = (
    *(ValueError, LookupError, TypeError, AttributeError),
    *(RecursionError, NotImplementedError),
)
"""What Arrow, JSON and our own records raise on bytes that are not as they were written."""

_FOREIGN = (
    ("aiohttp", "ClientError"),
    ("botocore.exceptions", "BotoCoreError"),
    ("httpx", "HTTPError"),
    ("httpx2", "HTTPError"),
)
"""Errors of libraries behind fsspec that are none of the operating system."""


@contextlib.contextmanager
def io_errors(path: str | os.PathLike[str], what: str = "written") -> Iterator[None]:
    """Turn an error of the file system into one line that names the path and the way out."""
    try:
        yield
    except BiomedicaError:
        raise
    except failures() as error:
        below = error.__cause__ if isinstance(error.__cause__, OSError) else error
        said = getattr(below, "strerror", None) or below
        msg = (
            f"{os.fspath(path)} cannot be {what}: {said}; {_advice(error)} "
            "and run the same command again. What is finished stays valid."
        )
        raise StorageError(msg) from error


@contextlib.contextmanager
def reading(path: str | os.PathLike[str], advice: str) -> Iterator[None]:
    """Turn what a damaged or lost file of ours gives into one line that names it and the way out.

    Parameters
    ----------
    advice
        What to do then, as a sentence.

    Raises
    ------
    ArchiveError
        The file is not there, or holds something else than the body expects.
    StorageError
        The file system failed.
    """
    try:
        with io_errors(path, "read"):
            yield
    except StorageError as error:
        cause = error.__cause__
        if not is_absent(error) and getattr(cause, "errno", 0) is not None:
            raise
        raise _unreadable(path, cause or error, advice) from cause
    except BiomedicaError:
        raise
    except _BROKEN as error:
        raise _unreadable(path, error, advice) from error


def _unreadable(path: str | os.PathLike[str], error: BaseException, advice: str) -> ArchiveError:
    said = getattr(error, "strerror", None) or str(error).partition("\n")[0] or repr(error)
    if isinstance(error, LookupError):
        said = repr(error)  # the text of which is the bare key
    return ArchiveError(f"{os.fspath(path)} cannot be read: {said[:300]}. {advice}")


def failures() -> tuple[type[Exception], ...]:
    """Return the errors of file systems, those of libraries that were loaded too."""
    loaded = [(sys.modules[module], name) for module, name in _FOREIGN if module in sys.modules]
    return (OSError, *(getattr(module, name) for module, name in loaded))


def is_absent(error: StorageError) -> bool:
    """Whether what failed was that there is no such file or folder.

    Of a web server that cannot be reached fsspec says the same, and why.
    """
    cause = error.__cause__
    return isinstance(cause, (FileNotFoundError, NotADirectoryError)) and not isinstance(
        cause.__cause__, OSError
    )


def _advice(error: Exception) -> str:
    number = getattr(error, "errno", None)
    is_refused = isinstance(error, PermissionError) and number is None
    if is_refused or "Credentials" in type(error).__name__:
        return _CREDENTIALS
    return _ADVICE.get(number or 0, "see to it")
