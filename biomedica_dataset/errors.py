"""The errors of this package, by their consequence.

::

    BiomedicaError            base class: what, where, what was allowed, what to do
    ├── UsageError            the caller's mistake: nothing was done (exit 2)
    ├── SourceError           the source or the network failed: try again later (exit 1)
    ├── StorageError          an output file cannot be written or read (exit 1)
    ├── WorkerDiedError       a process was killed, probably out of memory (exit 1)
    ├── TakenOverError        another run took over the output: this one stopped (exit 1)
    │   └── RunEndedError     another part finished the run: this one stopped (exit 0)
    ├── ArchiveError          an output file is damaged or of another version (exit 1)
    ├── DivergedError         the training loss is NaN or infinite (exit 1)
    ├── PreemptedError        training was asked to stop: start it again (exit 75)
    └── ArticleError          one article cannot be used: skip it, count it, continue
        ├── ReaderDefectError   the reader failed on it: report it
        └── JatsError         its XML cannot be read
            └── JatsTooLargeError   or exceeds the limits of one article
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

_LOGIN = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/'\"]*@", re.IGNORECASE)
_QUERY = re.compile(r"(\bhttps?://[^\s?'\"]*)\?[^\s'\"]*?(?=[:;,.)]*(?:[\s'\"]|$))", re.IGNORECASE)


def without_secrets(text: str) -> str:
    """Return text without the users, passwords and queries of the addresses in it.

    Examples
    --------
    >>> without_secrets("https://me:pw@host/file?token=abc cannot be read")
    'https://host/file cannot be read'
    """
    return _QUERY.sub(r"\1", _LOGIN.sub(r"\1", text))


class BiomedicaError(Exception):
    """Base class of the errors that this package raises; their text holds no secrets."""

    exit_code = 1

    def __init__(self, message: object = "") -> None:
        super().__init__(without_secrets(str(message)))


class UsageError(BiomedicaError, ValueError):
    """The caller made a mistake; nothing was done."""

    exit_code = 2


class SourceError(BiomedicaError, OSError):
    """The source or the network failed; finished work stays valid."""


class StorageError(BiomedicaError, OSError):
    """An output file cannot be written or read; finished work stays valid."""


class WorkerDiedError(BiomedicaError):
    """A worker process died; finished work stays valid."""


class TakenOverError(BiomedicaError):
    """Another run took over the output; finished work stays valid."""


class RunEndedError(TakenOverError):
    """Another part finished the run; nothing is left to do."""

    exit_code = 0


class ArchiveError(BiomedicaError):
    """A file of an archive or dataset folder is damaged or has another format version."""


class ArticleError(BiomedicaError):
    """One article cannot be used: it is skipped and counted, and the run continues."""


class ReaderDefectError(ArticleError):
    """The reader failed on an article, by a defect of its own: please report it."""


class JatsError(ArticleError):
    """The XML of an article cannot be read."""


class JatsTooLargeError(JatsError):
    """The XML of an article exceeds the limits of one article."""


class DivergedError(BiomedicaError):
    """The training loss is NaN or infinite; the last checkpoint stays valid."""


class PreemptedError(BiomedicaError):
    """Training was asked to stop and wrote a checkpoint: start it again (exit 75)."""

    exit_code = 75


_DEFECTS = (
    ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError,
    ValueError,
)  # fmt: skip


@contextmanager
def defects_reported() -> Iterator[None]:
    """Say where the reader failed, so that one article of millions does not end a run.

    Raises
    ------
    ReaderDefectError
        The code in the context raised what no document should make it raise.
    """
    try:
        yield
    except _DEFECTS as error:
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = (
            f" in {trace.tb_frame.f_globals['__name__']}, line {trace.tb_lineno}" if trace else ""
        )
        msg = (
            f"the reader failed{place} ({type(error).__name__}: {error}): "
            "report this with the PMCID"
        )
        raise ReaderDefectError(msg) from error
