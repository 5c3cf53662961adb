"""Limits the time of a request: silence, and all of it up to the last byte of the answer."""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any

_LEAST_SPEED = 2**15  # bytes a second
_REPLY = 60.0  # seconds, beside the bytes


def seconds_for(size: int) -> float:
    """Return the most seconds that a request for so many bytes may take.

    Examples
    --------
    >>> seconds_for(2**20)
    92.0
    """
    return _REPLY + size / _LEAST_SPEED


class Deadline:
    """When the request of a connection has taken too long.

    Parameters
    ----------
    silence
        Seconds without a byte after which it has failed.
    """

    def __init__(self, silence: float) -> None:
        self._silence, self._seconds, self._end = silence, 0.0, 0.0

    def begin(self, seconds: float, sock: socket.socket | None) -> None:
        """Start the time of a request, on a connection that may be open already."""
        self._seconds, self._end = seconds, time.monotonic() + seconds
        if sock is not None:
            sock.settimeout(self._silence)

    def limit(self, sock: socket.socket) -> None:
        """Let the next read wait as long as both limits allow.

        Raises
        ------
        TimeoutError
            The request has taken too long.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            msg = f"the answer is not complete after {self._seconds:.0f} s"
            raise TimeoutError(msg)
        sock.settimeout(min(self._silence, left))


class TimedResponse(http.client.HTTPResponse):
    """An answer whose every read keeps to a deadline, those of its headers too."""

    def __init__(self, deadline: Deadline, sock: socket.socket, **options: Any) -> None:
        super().__init__(sock, **options)
        self.fp = io.BufferedReader(_TimedReader(self.fp.detach(), sock, deadline))


class _TimedReader(io.RawIOBase):
    def __init__(self, raw: Any, sock: socket.socket, deadline: Deadline) -> None:
        super().__init__()
        self._raw, self._sock, self._deadline = raw, sock, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._deadline.limit(self._sock)
        count: int | None = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()
