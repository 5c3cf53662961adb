"""A fast web server over a folder, for timing: an event loop, files in memory, a latency.

::

    python tests/servers/fast.py FOLDER [--latency SECONDS]

Prints its port on a line, and serves until its standard input ends.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Callable

_FILES_IN_MEMORY = 30_000


def loader(root: Path) -> Callable[[bytes], tuple[bytes, bytes]]:
    """Return a function from the path of a request to head and body of its answer."""

    @lru_cache(_FILES_IN_MEMORY)
    def load(path: bytes) -> tuple[bytes, bytes]:
        file = root / unquote(path.decode()).lstrip("/")
        if not file.is_file():
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", b""
        body = file.read_bytes()
        head = (
            f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n"
            f'ETag: "{hashlib.md5(body).hexdigest()}"\r\n'
            "Last-Modified: Thu, 19 Nov 2026 11:47:59 GMT\r\n\r\n"
        )
        return head.encode(), body

    return load


class _Connection(asyncio.Protocol):
    def __init__(self, load: Callable[[bytes], tuple[bytes, bytes]], latency: float) -> None:
        self._load, self._latency, self._rest = load, latency, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *requests, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for request in requests:
            if self._latency:
                asyncio.get_running_loop().call_later(self._latency, self._answer, request)
            else:
                self._answer(request)

    def _answer(self, request: bytes) -> None:
        method, path, _version = request.partition(b"\r\n")[0].split(b" ")
        head, body = self._load(path)
        if not self._transport.is_closing():
            self._transport.writelines([head] if method == b"HEAD" else [head, body])


async def serve(root: Path, latency: float) -> None:
    """Serve a folder until standard input ends."""
    loop = asyncio.get_running_loop()
    load = loader(root)
    server = await loop.create_server(
        lambda: _Connection(load, latency), "127.0.0.1", 0, backlog=1024
    )
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--latency", type=float, default=0.0)
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.folder, arguments.latency))
