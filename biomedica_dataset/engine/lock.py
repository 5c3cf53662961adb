"""An output belongs to one run at a time.

A launcher writes ``.run.json`` into the output by a hard link, or on S3 by a conditional put, so
that only one of two launchers succeeds. Its workers, and the parts that share its name, check the
file before each block. The launcher keeps a file locked while it
lives, which distinguishes a launcher that was killed on this machine from a running one.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from biomedica_dataset.errors import (
    ArchiveError,
    RunEndedError,
    StorageError,
    TakenOverError,
    UsageError,
)
from biomedica_dataset.io.failures import is_absent
from biomedica_dataset.io.folders import RUN, Folder
from biomedica_dataset.io.partial import abandoned
from biomedica_dataset.io.rules import Count  # noqa: TC001 - for pydantic
from biomedica_dataset.io.typed import typed

if TYPE_CHECKING:
    from .launch import Launch


@dataclass(frozen=True, slots=True, kw_only=True)
class _Holder:
    """The contents of ``.run.json``.

    Parameters
    ----------
    run
        Name of the run.
    host, pid, since
        Of the launcher that started it, for messages.
    shared
        Whether other launchers may join it.
    lock
        File on that host that the launcher keeps locked.
    """

    run: str
    host: str
    pid: Count
    since: str
    shared: bool
    lock: str


@dataclass(frozen=True, slots=True)
class RunLock:
    """The lock of a run on an output, as passed to its workers.

    Parameters
    ----------
    url
        The output.
    run
        Name of the run.
    shared
        Whether other launchers may join it.
    is_first
        Whether this launcher started it.
    """

    url: str
    run: str
    shared: bool
    is_first: bool = True

    def check(self) -> None:
        """Raise an error if another run now has the output.

        Raises
        ------
        TakenOverError
            Another run has the output, or had it and has ended.
        RunEndedError
            No run has it: the part that found everything done released it. A newer run may have
            ended since, whose files this one must not replace.
        """
        holder = _read(Folder(self.url))
        if holder is None and self.shared:
            msg = (
                f"The run {self.run} of {self.url} has ended: another part found everything "
                "done. This part has stopped; what it finished stays valid."
            )
            raise RunEndedError(msg)
        if holder is None or holder.run != self.run:
            by = f"{holder.run} on {holder.host}" if holder else "another that has ended"
            msg = (
                f"{self.url} was taken over from this run, {self.run}, by {by}; this run has "
                "stopped. What it finished stays valid."
            )
            raise TakenOverError(msg)

    def is_held(self) -> bool:
        """Whether this run has the output now."""
        holder = _read(Folder(self.url))
        return holder is not None and holder.run == self.run

    def release(self) -> None:
        """Release the output, when all of it is done."""
        if self.is_held():
            Folder(self.url).remove(RUN)


@contextmanager
def acquire(folder: Folder, launch: Launch) -> Iterator[RunLock]:
    """Lock an output until the body ends, or, in a shared run, until `RunLock.release`.

    The launcher that starts a run sweeps the files that killed runs left behind.

    Raises
    ------
    UsageError
        Another run holds the output.
    """
    lock = RunLock(folder.url, launch.run_id or secrets.token_hex(8), launch.run_id is not None)
    with ExitStack() as stack:
        root = Path(folder.root)
        if folder.is_local and not root.exists():
            stack.callback(_remove_empty, root)  # what is refused leaves no folder
        lock = replace(lock, is_first=_take(folder, lock, stack, take_over=launch.take_over))
        if lock.is_first:
            folder.sweep()
        try:
            yield lock
        except UsageError:  # nothing was done, and other parts would fail too
            if lock.is_first:
                lock.release()
            raise
        finally:
            if not lock.shared:
                folder.sweep()  # unfinished files of stopped processes
                lock.release()


def _remove_empty(root: Path) -> None:
    with suppress(OSError):  # it has files, or is no more
        root.rmdir()


def _take(folder: Folder, lock: RunLock, stack: ExitStack, *, take_over: bool) -> bool:
    """Give the output to a run; return whether the run did not have it before."""
    while True:
        if _begin(folder, lock, stack):
            return True
        holder = _read(folder)
        if holder is None:
            continue  # it has ended in the meantime
        if holder.run == lock.run:
            return False
        if take_over:
            folder.remove(RUN)
        elif not _remove_dead(folder, holder) and _read(folder) == holder:
            msg = (
                f"{folder.url} is held by another run, {holder.run} (host {holder.host}, process "
                f"{holder.pid}, since {holder.since}). Wait for it to end; if it has died or "
                "should stop, take the output over: run the same command with --take-over."
            )
            if holder.shared:
                msg += f" To join it: --run-id {holder.run}."
            raise UsageError(msg)


def _remove_dead(folder: Folder, holder: _Holder) -> bool:
    """Remove the lock of a run whose only launcher ran on this machine and has died."""
    if holder.shared or holder.host != platform.node():
        return False
    lock = Path(holder.lock)
    with abandoned(lock) as is_abandoned:  # so that only one launcher removes it
        if is_abandoned or not (folder.is_local or lock.exists()):
            folder.remove(RUN)
            return True
    return False


def _begin(folder: Folder, lock: RunLock, stack: ExitStack) -> bool:
    with ExitStack() as own:
        file = own.enter_context(folder.create())
        holder = _Holder(
            run=lock.run,
            host=platform.node(),
            pid=os.getpid(),
            since=datetime.now(UTC).isoformat(timespec="seconds"),
            shared=lock.shared,
            lock=folder.path(RUN) if folder.is_local else str(file.path),
        )
        file.write(json.dumps(asdict(holder), indent=1).encode())
        if not file.claim(RUN):
            return False
        stack.push(own.pop_all())  # the file stays locked until the run ends
        return True


def _read(folder: Folder) -> _Holder | None:
    try:
        return typed(_Holder, folder.read_bytes(RUN))
    except StorageError as error:
        if is_absent(error):
            return None
        raise
    except ValueError as error:
        msg = f"{folder.path(RUN)} cannot be read: {error}. Remove it if no run is active."
        raise ArchiveError(msg) from error
