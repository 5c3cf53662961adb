"""Byte ranges from a web server: retried from the byte reached, addresses resolved once.

Python's own client is used, because nothing above it tells how far an answer came, what
``Retry-After`` asks for and where a redirection led. All are needed for an epoch that is whole or
ends in an error.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin, urlsplit

from biomedica_dataset.errors import SourceError

from .answers import (
    AbsentError,
    Known,
    Memory,
    Piece,
    RefusedError,
    RetryableError,
    Traffic,
    retry_after,
)
from .proxies import connect

if TYPE_CHECKING:
    from collections.abc import Mapping

_TRIES = 6  # without a byte gained
_PAUSE = 0.25  # seconds before the second try, doubled with each further one
_SILENCE = 30.0  # seconds between two pieces of an answer
_LONGEST_WAIT = 300.0  # seconds: the Hub counts requests per five minutes
_REDIRECTED = {301, 302, 303, 307, 308}
_BUSY = {408, 425, 429, 500, 502, 503, 504}
_REFUSED = {401, 403}
_EXPIRED = {
    400,
    401,
    403,
    404,
    410,
}  # what an address that a redirection gave answers when its time is over
_MOST_REDIRECTIONS = 5


class Web:
    """Files below one address.

    Parameters
    ----------
    base
        The address of the folder.
    headers
        Sent to its host, and to no other.
    addresses
        Where files lie in truth, as found so far; more are added.
    """

    def __init__(
        self,
        base: str,
        headers: Mapping[str, str] | None = None,
        addresses: dict[str, str] | None = None,
    ) -> None:
        self.base = base.rstrip("/")
        self.traffic = Traffic()
        self._host = urlsplit(self.base).netloc
        self._headers = dict(headers or {})
        self._shared = Known()
        self.addresses = {} if addresses is None else addresses
        self._connections, self._memory = threading.local(), Memory()
        self._opened: list[http.client.HTTPConnection] = []
        self._closed = threading.Event()

    def whole(self, name: str) -> bytes:
        """Return a small file of unknown size.

        Raises
        ------
        SourceError
            It is not there, may not be read, or cannot be had after all retries.
        """
        return bytes(self._until_whole(name, None))

    def range(self, name: str, start: int, length: int) -> bytes | memoryview:
        """Return a range of bytes of a file, all of it, good until this thread asks for another.

        Raises
        ------
        SourceError
            The file ends before, has changed since it was first read, may not be read, or cannot be
            had after all retries.
        """
        return self._until_whole(name, Piece(start, self._memory.take(length))) if length else b""

    def close(self) -> None:
        """End all requests, those under way too, and close the connections."""
        self._closed.set()
        for connection in self._opened:
            if connection.sock is not None:
                with contextlib.suppress(OSError):  # the other side may have been faster
                    connection.sock.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _until_whole(self, name: str, piece: Piece | None) -> bytes | memoryview:
        tries, before = 0, 0
        while True:
            try:
                return self._attempt(name, piece)
            except RetryableError as error:
                reached = piece.reached if piece else 0
                tries = 1 if reached > before else tries + 1
                before = reached
                if tries >= _TRIES:
                    msg = (
                        f"{self.base}/{name}: {error} ({tries} tries); run the same again to go on"
                    )
                    raise SourceError(msg) from error
                self._wait(error.wait, tries)

    def _wait(self, asked: float | None, tries: int) -> None:
        if asked is None:
            self._closed.wait(min(_PAUSE * 2 ** (tries - 1), 10))
            return
        with self._shared.lock:  # the others are to be silent too
            until = time.monotonic() + min(asked, _LONGEST_WAIT)
            self._shared.silent_until = max(self._shared.silent_until, until)

    def _attempt(self, name: str, piece: Piece | None) -> bytes | memoryview:
        while (rest := self._shared.silent_until - time.monotonic()) > 0:
            self._closed.wait(rest)
            if self._closed.is_set():
                break
        if self._closed.is_set():
            msg = f"{self.base}/{name} is read no more"
            raise SourceError(msg)
        connection, answer = self._answer(name, piece)
        self._check_state(name, answer, piece)
        return self._take(connection, answer, piece)

    def _answer(
        self, name: str, piece: Piece | None
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        """Return a good answer; of many that ask for a file first, one finds out where it lies."""
        address = self.addresses.get(name)
        if address is None and self._shared.is_direct:  # as every file so far: nobody waits
            address = f"{self.base}/{quote(name)}"
        if address is None:
            with self._shared.resolving(name):
                if name not in self.addresses:
                    return self._resolve(name, piece)
            address = self.addresses.get(name)
        if address is None:
            msg = "its address has expired"
            raise RetryableError(msg)
        connection, answer = self._ask(address, piece)
        if answer.status in _REDIRECTED:
            self._let_go(connection, answer)
            self.addresses.pop(name, None)
            self._shared.is_direct = False
            msg = "it has moved once more"
            raise RetryableError(msg, wait=0)
        if answer.status not in (200, 206):
            self._refuse(name, connection, answer, address)
        return connection, answer

    def _resolve(
        self, name: str, piece: Piece | None
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        address = f"{self.base}/{quote(name)}"
        for _ in range(_MOST_REDIRECTIONS + 1):
            connection, answer = self._ask(address, piece)
            if answer.status not in _REDIRECTED:
                break
            self._let_go(connection, answer)
            address = urljoin(address, answer.headers["Location"] or "")
        if answer.status not in (200, 206):
            self._refuse(name, connection, answer, address)
        self.addresses[name] = address
        # The Hub redirects large files alone, and those are never asked for as a whole.
        self._shared.is_direct = piece is not None and address == f"{self.base}/{quote(name)}"
        return connection, answer

    def _ask(
        self, address: str, piece: Piece | None
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        parts = urlsplit(address)
        connection = self._connection(parts.scheme, parts.netloc)
        headers = {"User-Agent": "biomedica-dataset", "Accept-Encoding": "identity"}
        if parts.netloc == self._host:
            headers |= self._headers
        if piece is not None:
            headers["Range"] = piece.header
        self.traffic.requests += 1
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        try:
            connection.request("GET", path, headers=headers)
            return connection, connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            msg = f"the connection failed: {error!r}"
            raise RetryableError(msg) from error

    def _connection(self, scheme: str, netloc: str) -> http.client.HTTPConnection:
        known: dict[tuple[int, str, str], http.client.HTTPConnection]
        known = self._connections.__dict__.setdefault("known", {})
        key = os.getpid(), scheme, netloc  # a forked process must not speak on its parent's
        if key not in known:
            known[key] = connect(scheme, netloc, _SILENCE)
            self._opened.append(known[key])
        return known[key]

    @staticmethod
    def _let_go(connection: http.client.HTTPConnection, answer: http.client.HTTPResponse) -> None:
        """Read what little is left of an answer, so that its connection can serve the next."""
        try:
            answer.read(1 << 16)
        except (OSError, http.client.HTTPException):
            connection.close()
        if not answer.isclosed():
            connection.close()

    def _refuse(
        self,
        name: str,
        connection: http.client.HTTPConnection,
        answer: http.client.HTTPResponse,
        address: str,
    ) -> None:
        self._let_go(connection, answer)
        if answer.status in _BUSY:
            msg = f"the server answered {answer.status} {answer.reason}"
            raise RetryableError(msg, retry_after(answer.headers.get("Retry-After")))
        is_redirected = address != f"{self.base}/{quote(name)}"
        if is_redirected and answer.status in _EXPIRED:
            self.addresses.pop(name, None)
            msg = f"the address it was redirected to answered {answer.status} {answer.reason}"
            raise RetryableError(msg)
        advice = {
            404: "there is no such file; is it a dataset folder, and all of it there?",
            416: "it is shorter than the index says: the folder has changed since its manifest "
            "was read; open it again",
        }.get(answer.status, "it cannot be read")
        if answer.status in _REFUSED:
            advice = (
                "it may not be read without permission; for the Hub accept its terms and run "
                "`hf auth login`"
            )
        msg = f"{self.base}/{name}: {answer.status} {answer.reason}: {advice}"
        if answer.status in _REFUSED:
            raise RefusedError(msg)
        raise (AbsentError if answer.status == 404 else SourceError)(msg)

    def _check_state(
        self, name: str, answer: http.client.HTTPResponse, piece: Piece | None
    ) -> None:
        etag = answer.headers.get("ETag")
        if etag and self._shared.etags.setdefault(name, etag) != etag:
            answer.close()
            msg = f"{self.base}/{name} has changed since it was first read; open the dataset again"
            raise SourceError(msg)
        if piece is None or (answer.status == 200 and piece.start + piece.reached == 0):
            return
        wanted = f"{piece.header.replace('=', ' ')}/"
        if not (answer.headers.get("Content-Range") or "").startswith(wanted):
            answer.close()
            msg = (
                f"{self.base}/{name}: {wanted[:-1]} was asked for, the answer is "
                f"{answer.headers.get('Content-Range') or 'the whole file'}: the server gives "
                "no byte ranges, "
                "or the file is shorter than the index says"
            )
            raise SourceError(msg)

    def _take(
        self,
        connection: http.client.HTTPConnection,
        answer: http.client.HTTPResponse,
        piece: Piece | None,
    ) -> bytes | memoryview:
        try:
            if piece is None:
                data = answer.read()
                self.traffic.received += len(data)
                return data
            view = piece.data
            while piece.reached < len(view) and (count := answer.readinto(view[piece.reached :])):
                piece.reached += count
                self.traffic.received += count
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            msg = f"the answer broke off: {error!r}"
            raise RetryableError(msg) from error
        if piece.reached < len(view):
            connection.close()
            msg = f"the answer ended {len(view) - piece.reached} bytes early"
            raise RetryableError(msg)
        if not answer.isclosed() and answer.length:  # more than was asked for
            connection.close()
        return piece.data
