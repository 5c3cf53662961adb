"""What can go wrong, named by its consequence.

::

    BiomedicaError            base of all: what, where, what was allowed, what to do
    ├── UsageError            the caller's mistake: nothing was done (exit 2)
    ├── SourceError           the source or the network failed: try again later (exit 1)
    ├── StorageError          a file of ours cannot be written or read (exit 1)
    ├── WorkerDiedError       a process was killed, mostly for want of memory (exit 1)
    ├── TakenOverError        another run has the output now: this one has stopped (exit 1)
    │   └── RunEndedError     another part has found all done: this one has stopped (exit 0)
    ├── ArchiveError          a file of ours is broken or of another version (exit 1)
    ├── DivergedError         a training's loss is no number any more (exit 1)
    ├── PreemptedError        a training was asked to end: start it again (exit 75)
    └── ArticleError          one article cannot be used: drop it, count it, go on
        └── JatsError         its XML cannot be read
            └── JatsTooLargeError   or asks for more than one article may
"""

from __future__ import annotations


class BiomedicaError(Exception):
    """Base of the errors that this package raises on purpose."""

    exit_code = 1


class UsageError(BiomedicaError, ValueError):
    """The caller asked for something that cannot be; nothing was done."""

    exit_code = 2


class SourceError(BiomedicaError, OSError):
    """The source or the network failed; what was finished before stays valid."""


class StorageError(BiomedicaError, OSError):
    """A file of ours could not be written or read; what was finished before stays valid."""


class WorkerDiedError(BiomedicaError):
    """A process of the pool ended without a word; what was finished before stays valid."""


class TakenOverError(BiomedicaError):
    """Another run took the output over; what this one finished stays valid."""


class RunEndedError(TakenOverError):
    """Another part of this run found all done and ended it; nothing is left to do here."""

    exit_code = 0


class ArchiveError(BiomedicaError):
    """A file of an archive or of a dataset folder is broken or has another format version."""


class ArticleError(BiomedicaError):
    """One article cannot be used: it is dropped, counted, and the run goes on."""


class JatsError(ArticleError):
    """The XML of an article cannot be read."""


class JatsTooLargeError(JatsError):
    """The XML of an article asks for more than one article may."""


class DivergedError(BiomedicaError):
    """A training's loss is no number any more; its last checkpoint stays valid."""


class PreemptedError(BiomedicaError):
    """A training was asked to end, and wrote a checkpoint: start it again (exit 75)."""

    exit_code = 75
