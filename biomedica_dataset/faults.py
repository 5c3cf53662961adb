"""What a file system fails with, in one line that names the path and the way out."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from typing import TYPE_CHECKING

from .errors import BiomedicaError, StorageError

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
_FOREIGN = (("aiohttp", "ClientError"), ("botocore.exceptions", "BotoCoreError"))
"""Errors of libraries behind fsspec that are none of the operating system."""


@contextlib.contextmanager
def told(path: str | os.PathLike[str], what: str = "written") -> Iterator[None]:
    """Turn an error of the file system into one line that names the path and the way out."""
    try:
        yield
    except BiomedicaError:
        raise
    except failures() as error:
        said = getattr(error, "strerror", None) or error
        msg = (
            f"{os.fspath(path)} cannot be {what}: {said}; {_advice(error)} "
            "and run the same command again. What is finished stays valid."
        )
        raise StorageError(msg) from error


def failures() -> tuple[type[Exception], ...]:
    """Return the errors of file systems, those of libraries that were loaded too."""
    loaded = [(sys.modules[module], name) for module, name in _FOREIGN if module in sys.modules]
    return (OSError, *(getattr(module, name) for module, name in loaded))


def is_absent(error: StorageError) -> bool:
    """Whether what failed was that there is no such file or folder."""
    return isinstance(error.__cause__, (FileNotFoundError, NotADirectoryError))


def _advice(error: Exception) -> str:
    number = getattr(error, "errno", None)
    is_refused = isinstance(error, PermissionError) and number is None
    if is_refused or "Credentials" in type(error).__name__:
        return _CREDENTIALS
    return _ADVICE.get(number or 0, "see to it")
