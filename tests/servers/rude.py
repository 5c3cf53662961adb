"""A server whose every answer is written byte by byte: what no web server would send."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Answer = Callable[[socket.socket], None]

OK = b"HTTP/1.1 200 OK\r\nLast-Modified: Thu, 19 Nov 2026 11:47:59 GMT\r\n"


class RudeServer:
    """Answers every request by one function, to be used as a context manager.

    Attributes
    ----------
    heads
        Request lines and headers received.
    """

    def __init__(self, answer: Answer) -> None:
        self._answer, self.heads = answer, []
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._open: list[socket.socket] = []

    def __enter__(self) -> RudeServer:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self._socket, *self._open):
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _from = self._socket.accept()
            except OSError:  # the test is over
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += connection.recv(1)
            self.heads.append(head.decode())
            self._answer(connection)
        except OSError:  # the client has had enough
            pass
        finally:
            connection.close()


def says(*parts: bytes) -> Answer:
    """Return an answer that sends bytes and closes the connection."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(b"".join(parts))
        time.sleep(0.05)

    return answer


def without_end(begin: bytes, again: bytes, pause: float = 0.0) -> Answer:
    """Return an answer that never ends."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(begin)
        while True:
            connection.sendall(again)
            time.sleep(pause)

    return answer


ENDLESS = {
    "body": without_end(OK + b"\r\n", b"x" * 65536),
    "chunks": without_end(
        OK + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n"
    ),
    "headers": without_end(OK, b"X-A: " + b"x" * 4000 + b"\r\n"),
    "one header": without_end(OK + b"X-A: ", b"x" * 4000),
    "100 Continue": without_end(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.0005),
    "silence": without_end(b"", b"", 0.05),
    "silence in a header": without_end(OK + b"Content-Le", b"", 0.05),
    "silence in the body": without_end(OK + b"Content-Length: 100\r\n\r\nxx", b"", 0.05),
    "a byte of a header at a time": without_end(OK + b"X-A: ", b"x", 0.02),
    "a byte of the body at a time": without_end(OK + b"Content-Length: 99999\r\n\r\n", b"x", 0.02),
}
"""Answers that hold a client for ever, or fill its memory."""
