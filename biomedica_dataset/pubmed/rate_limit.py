"""Hands out the moments at which requests may be sent, shared by all processes of a machine.

A file holds the next free moment. Whoever wants to send takes it under a lock, writes the one after
it, and sleeps until its own has come: so the rate is that of the machine, however many processes
and threads there are.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

from biomedica_dataset.io.failures import io_errors

try:
    import fcntl
except ImportError:  # not on Windows: there the rate is that of the process
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterator

_STALE = 600.0  # seconds: a moment further ahead was written before the clock was set back
_in_process = threading.Lock()


class Slots:
    """Moments for requests to one server, at most so many a second on this machine.

    Parameters
    ----------
    server
        Its address: each server has moments of its own.
    per_second
        Requests a second.
    folder
        Where the file lies; `runtime_folder` by default.
    """

    def __init__(self, server: str, per_second: float, folder: Path | None = None) -> None:
        self._gap = 1.0 / per_second
        name = hashlib.sha256(server.encode()).hexdigest()[:12]
        self.path = (folder or runtime_folder()) / f"slots-{name}"
        with io_errors(self.path.parent):
            self.path.parent.mkdir(parents=True, exist_ok=True)

    def wait(self) -> None:
        """Sleep until the next free moment, which is this caller's."""
        with self._held() as file:
            now = time.time()
            mine = _read(file, now)
            _write(file, mine + self._gap)
        time.sleep(max(0.0, mine - now))

    def postpone(self, seconds: float) -> None:
        """Let nobody send for so many seconds: the server asked for it."""
        with self._held() as file:
            now = time.time()
            _write(file, max(_read(file, now), now + min(seconds, _STALE)))

    @contextlib.contextmanager
    def _held(self) -> Iterator[IO[bytes]]:
        with _in_process, io_errors(self.path), self.path.open("a+b", buffering=0) as file:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX)
            yield file


def runtime_folder() -> Path:
    """Return the user's folder for what the processes of a machine share."""
    for name, below in (("XDG_RUNTIME_DIR", ""), ("XDG_CACHE_HOME", ""), ("HOME", ".cache")):
        base = os.environ.get(name)
        if base and os.access(base, os.W_OK):
            return Path(base, below, "biomedica-dataset")
    owner = os.getuid() if hasattr(os, "getuid") else "user"
    return Path(tempfile.gettempdir(), f"biomedica-dataset-{owner}")


def _read(file: IO[bytes], now: float) -> float:
    """Return the next free moment, now at the earliest."""
    file.seek(0)
    try:
        stored = float(file.read())
    except ValueError:  # new, or of a process that was killed while it wrote
        return now
    return stored if now < stored <= now + _STALE else now


def _write(file: IO[bytes], moment: float) -> None:
    file.truncate(0)  # what is appended then is all there is
    file.write(f"{moment:.6f}".encode())
