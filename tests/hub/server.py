"""A small Hub on loopback, all in memory, with a log of calls and faults on demand.

It speaks what huggingface_hub and datasets ask of the Hub when they create, upload, tag, list and
read, with LFS transfers. It does not speak Xet, which the Hub prefers: clients must run with
``HF_HUB_DISABLE_XET=1``.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from dataclasses import dataclass
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

from .endpoints import Answer, Endpoints


@dataclass
class Fault:
    """What goes wrong at the requests that match, from the n-th to the last of them."""

    method: str
    path: str
    action: object
    first: int = 1
    last: int = 10**9
    seen: int = 0


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    status: int
    sent: int
    received: int


class Hub(ThreadingHTTPServer):
    """The server; its attributes are what it holds and what was asked of it."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.lock = threading.RLock()
        self.reset()

    def reset(self):
        """Forget everything."""
        self.repos, self.blobs = {}, {}
        self.calls, self.faults = [], []
        self.reached, self.released = threading.Event(), threading.Event()  # of a request held

    def uploads(self):
        """Return the digests that were put since the log was cleared."""
        return [
            c.path.rpartition("/")[2] for c in self.calls if c.method == "PUT" and c.status == 200
        ]

    def count(self, method, pattern):
        return sum(c.method == method and fnmatch(c.path, pattern) for c in self.calls)

    def handle_error(self, request, client_address):
        """Say nothing of clients that went away."""


class _Handler(Endpoints, BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def _any(self):
        hub, self.body = self.server, b""
        self.parts = urlsplit(self.path)
        self.query = parse_qs(self.parts.query)
        fault = self._fault()
        if fault == "hold":
            hub.reached.set()
            hub.released.wait(30)
        if fault in {"drop", "hold"}:
            self._drop()
            return
        self.body = self._read()
        try:
            if isinstance(fault, int):
                raise Answer(fault, {"error": "injected"})
            with hub.lock:
                answer = self.route()
        except Answer as wrong:
            answer = wrong
        if fault == "drop answer":
            self._drop()
        else:
            self._send(answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _any

    def _fault(self):
        for fault in self.server.faults:
            if fault.method == self.command and fnmatch(self.parts.path, fault.path):
                with self.server.lock:
                    fault.seen += 1
                if fault.first <= fault.seen <= fault.last:
                    return fault.action
        return None

    def _drop(self):
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _read(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            data = b""
            while size := int(self.rfile.readline(), 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _send(self, answer):
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        headers = {"Content-Type": "application/json", "Content-Length": len(body)}
        headers |= {name.replace("_", "-"): value for name, value in answer.headers.items()}
        call = Call(
            self.command, unquote(self.parts.path), answer.status, len(body), len(self.body)
        )
        self.server.calls.append(call)
        self.send_response(answer.status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
