"""Limits the requests to a server, for all processes of a machine together.

A file contains the next free moment. Whoever wants to send takes it under a lock, writes the one
after it, and sleeps until its own has come.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from filelock import FileLock

from biomedica_dataset.io.failures import io_errors

_STALE = 600.0  # seconds: a moment further ahead was written before the clock was set back
_POLL = 0.005  # seconds


class RateLimit:
    """At most so many requests a second to one server from this machine.

    Parameters
    ----------
    server
        Its address: each server has a limit of its own.
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
        now, mine = self._change(lambda free, _now: free + self._gap)
        time.sleep(max(0.0, mine - now))

    def postpone(self, seconds: float) -> None:
        """Let nobody send for so many seconds: the server asked for it."""
        self._change(lambda free, now: max(free, now + min(seconds, _STALE)))

    def _change(self, after: Callable[[float, float], float]) -> tuple[float, float]:
        """Replace the next free moment; return what time it is, and the moment before."""
        with ExitStack() as stack:
            stack.enter_context(io_errors(self.path))
            stack.enter_context(FileLock(f"{self.path}.lock", poll_interval=_POLL))
            now = time.time()
            free = self._read(now)
            self.path.write_text(f"{after(free, now):.6f}")
            return now, free

    def _read(self, now: float) -> float:
        """Return the next free moment, now at the earliest."""
        try:
            stored = float(self.path.read_text())
        except (FileNotFoundError, ValueError):  # new, or a process was killed while it wrote
            return now
        return stored if now < stored <= now + _STALE else now


def runtime_folder() -> Path:
    """Return the user's folder for what the processes of a machine share."""
    for name, below in (("XDG_RUNTIME_DIR", ""), ("XDG_CACHE_HOME", ""), ("HOME", ".cache")):
        base = os.environ.get(name)
        if base and os.access(base, os.W_OK):
            return Path(base, below, "biomedica-dataset")
    owner = os.getuid() if hasattr(os, "getuid") else "user"
    return Path(tempfile.gettempdir(), f"biomedica-dataset-{owner}")
