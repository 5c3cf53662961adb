"""An output belongs to one run at a time.

A launcher writes ``.run.json`` into the output, which only one of two can do: by a hard link, on S3
by a put on condition. Its workers, and the parts that share its name, look whether it still stands
there before each block. The launcher keeps a file locked as long as it lives, so that one killed on
this machine is told from one that works.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
from contextlib import ExitStack, contextmanager
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

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .launch import Launch


@dataclass(frozen=True, slots=True, kw_only=True)
class _Holder:
    """What ``.run.json`` says.

    Parameters
    ----------
    run
        Name of the run.
    host, pid, since
        Of the launcher that began it, to tell people.
    shared
        Whether other launchers may belong to it.
    lock
        File on that host that the launcher keeps locked.
    """

    run: str
    host: str
    pid: int
    since: str
    shared: bool
    lock: str


@dataclass(frozen=True, slots=True)
class RunLock:
    """The lock of a run on an output, as its workers carry it.

    Parameters
    ----------
    url
        The output.
    run
        Name of the run.
    shared
        Whether other launchers may belong to it.
    is_first
        Whether this launcher began it.
    """

    url: str
    run: str
    shared: bool
    is_first: bool = True

    def check(self) -> None:
        """Raise an error where another run has the output now.

        Raises
        ------
        TakenOverError
            Another has, or has had and ended.
        RunEndedError
            None has: the part that found all done let go of it. A newer run may have begun and
            ended since, whose files this one is not to replace.
        """
        holder = _read(Folder(self.url))
        if holder is None and self.shared:
            msg = (
                f"The run {self.run} of {self.url} has ended: another part found all done. This "
                "one has stopped; what it finished stays valid."
            )
            raise RunEndedError(msg)
        if holder is None or holder.run != self.run:
            by = f"{holder.run} on {holder.host}" if holder else "another that has ended"
            msg = (
                f"{self.url} was taken over from this run, {self.run}, by {by}; this one has "
                "stopped. What it finished stays valid."
            )
            raise TakenOverError(msg)

    def release(self) -> None:
        """Give the output free, when all of it is done."""
        folder = Folder(self.url)
        holder = _read(folder)
        if holder is not None and holder.run == self.run:
            folder.remove(RUN)


@contextmanager
def acquire(folder: Folder, launch: Launch) -> Iterator[RunLock]:
    """Lock an output until the body ends; as a member of a shared run until `RunLock.release`.

    Who begins a run sweeps what killed ones left behind.

    Raises
    ------
    UsageError
        Another run holds it.
    """
    lock = RunLock(folder.url, launch.run_id or secrets.token_hex(8), launch.run_id is not None)
    with ExitStack() as stack:
        lock = replace(lock, is_first=_take(folder, lock, stack, take_over=launch.take_over))
        if lock.is_first:
            folder.sweep()
        try:
            yield lock
        except UsageError:  # nothing was done, and no other part will do better
            if lock.is_first:
                lock.release()
            raise
        finally:
            if not lock.shared:
                folder.sweep()  # what processes that were stopped had begun
                lock.release()


def _take(folder: Folder, lock: RunLock, stack: ExitStack, *, take_over: bool) -> bool:
    """Make the output that of a run; return whether it was not before."""
    while True:
        if _begin(folder, lock, stack):
            return True
        holder = _read(folder)
        if holder is None:
            continue  # it has ended meanwhile
        if holder.run == lock.run:
            return False
        if take_over:
            folder.remove(RUN)
        elif not _remove_dead(folder, holder) and _read(folder) == holder:
            msg = (
                f"{folder.url} is held by another run, {holder.run} (host {holder.host}, process "
                f"{holder.pid}, since {holder.since}). Wait for its end; or, where it has died or "
                "is to stop, take the output over: the same command with --take-over."
            )
            if holder.shared:
                msg += f" To work along with it: --run-id {holder.run}."
            raise UsageError(msg)


def _remove_dead(folder: Folder, holder: _Holder) -> bool:
    """Remove what a run left whose only launcher was one of this machine and lives no more."""
    if holder.shared or holder.host != platform.node():
        return False
    lock = Path(holder.lock)
    with abandoned(lock) as is_abandoned:  # so that only one does it
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
        return _Holder(**json.loads(folder.read_bytes(RUN)))
    except StorageError as error:
        if is_absent(error):
            return None
        raise
    except (ValueError, TypeError, RecursionError) as error:
        msg = f"{folder.path(RUN)} cannot be read: {error}. Remove it where no run is going on."
        raise ArchiveError(msg) from error
