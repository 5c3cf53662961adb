"""Turns file system errors into one line that names the path and what to do."""

from __future__ import annotations

import contextlib
import errno
import html
import os
import re
import socket
import sys
from collections.abc import Iterable, Iterator

from biomedica_dataset.errors import ArchiveError, BiomedicaError, SourceError, StorageError

_ADVICE = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
    errno.EROFS: "name a writable folder",
    errno.EACCES: "name a writable folder",
    errno.EPERM: "name a writable folder",
}
_CREDENTIALS = (
    "give credentials with access, as the tools of that store read them (for S3: AWS_PROFILE, "
    "or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)"
)
_BROKEN = (
    *(ValueError, LookupError, TypeError, AttributeError),
    *(RecursionError, NotImplementedError),
)
"""Errors that Arrow, JSON and our own records raise for damaged bytes."""

_SENTENCE = re.compile(r"<(?:message|title)[^>]*>(.*?)</", re.DOTALL | re.IGNORECASE)
_MARKUP = re.compile(r"(?=<[!?/a-z])", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")
_NOISE = re.compile(
    r"Generic \w+ error: |Error performing (?:list request: )?"
    r"|, max_retries: \d+, retry_timeout: [\w.]+"
)

_NETWORK = (
    *(("httpx", "TransportError"), ("httpx2", "TransportError")),
    *(("requests", "ConnectionError"), ("requests", "Timeout")),
)
"""Errors of libraries that load models and data, where a server cannot be reached."""

_FOREIGN = (
    ("aiohttp", "ClientError"),
    ("botocore.exceptions", "BotoCoreError"),
    ("httpx", "HTTPError"),
    ("httpx2", "HTTPError"),
)
"""Errors of libraries behind fsspec that are not OSErrors."""


@contextlib.contextmanager
def io_errors(path: str | os.PathLike[str], what: str = "written") -> Iterator[None]:
    """Turn a file system error into one line that names the path and what to do."""
    try:
        yield
    except BiomedicaError:
        raise
    except failures() as error:
        below = error.__cause__ if isinstance(error.__cause__, OSError) else error
        reason = getattr(below, "strerror", None) or below
        msg = (
            f"{os.fspath(path)} cannot be {what}: {reason}; {_advice(error)} "
            "and run the same command again. What is finished stays valid."
        )
        raise StorageError(msg) from error


@contextlib.contextmanager
def reading(path: str | os.PathLike[str], advice: str) -> Iterator[None]:
    """Turn the errors of a damaged or missing file into one line that names it and what to do.

    Parameters
    ----------
    advice
        What to do about it, as a sentence.

    Raises
    ------
    ArchiveError
        The file does not exist, or is not what the body expects.
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
    reason = getattr(error, "strerror", None) or str(error).partition("\n")[0] or repr(error)
    if isinstance(error, LookupError):
        reason = repr(error)  # str() would be the bare key
    reason = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in reason[:300])
    return ArchiveError(f"{os.fspath(path)} cannot be read: {reason.rstrip('.')}. {advice}")


def plain(error: BaseException) -> str:
    """Return what is useful in the text of an error: no page of HTML, no XML, no debug output.

    Examples
    --------
    >>> plain(OSError("Generic S3 error: 503 Slow: <Error><Message>Slow down.</Message></Error>"))
    '503 Slow: Slow down.'
    >>> plain(OSError("502: <!DOCTYPE html><html><title>Bad gateway</title></html>"))
    '502: Bad gateway'
    """
    text = str(error).strip().partition("\n\nDebug source:")[0]
    before, *markup = _MARKUP.split(text, maxsplit=1)
    found = _SENTENCE.search("".join(markup))
    sentence = _TAG.sub(" ", html.unescape(found[1])) if found else ""
    words = " ".join(f"{_NOISE.sub('', before)} {sentence}".split())
    return words[:300].rstrip(" :") or type(error).__name__


def failures() -> tuple[type[Exception], ...]:
    """Return the errors of file systems, including those of loaded libraries."""
    return (OSError, *_loaded(_FOREIGN))


def _loaded(names: Iterable[tuple[str, str]]) -> list[type[Exception]]:
    found = [(sys.modules[module], name) for module, name in names if module in sys.modules]
    return [getattr(module, name) for module, name in found]


def is_network(error: BaseException | None) -> bool:
    """Whether an error, or one that led to it, means that a server could not be reached."""
    network = _loaded(_NETWORK)
    while error is not None:
        if isinstance(
            error, (SourceError, ConnectionError, TimeoutError, socket.gaierror, *network)
        ):
            return True
        error = error.__cause__ or error.__context__
    return False


def is_absent(error: StorageError) -> bool:
    """Whether an error means that there is no such file or folder.

    fsspec raises the same for an unreachable web server, but with the cause.
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
    return _ADVICE.get(number or 0, "fix the cause")
