"""A threaded web server over a folder: ETag, Range, latency, a log, and faults on demand."""

from __future__ import annotations

import contextlib
import hashlib
import re
import socket
import struct
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from .s3 import error_xml, list_objects

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUCKET = "pmc-oa-opendata"


@dataclass(frozen=True)
class Fault:
    """What goes wrong with a request.

    Parameters
    ----------
    status
        Answer with this status and no object; ``None`` to answer with the object, spoilt as
        follows.
    times
        How many requests of a key it strikes; ``None`` for all.
    retry_after
        Seconds in a ``Retry-After`` header.
    pause, stall
        Seconds of silence between the header and the body, and in the middle of the body.
    reset
        Tear the connection down in the middle of the body.
    body
        Bytes to serve in place of the object's, with the object's ETag.
    extra_length
        Bytes that ``Content-Length`` promises too many; the connection is closed after the body.
    garbled
        Flip the highest bit of each byte.
    location
        Where a redirect leads.
    headers
        Further headers.
    """

    status: int | None = None
    times: int | None = None
    retry_after: int | None = None
    pause: float = 0.0
    stall: float = 0.0
    reset: bool = False
    body: bytes | None = None
    extra_length: int = 0
    garbled: bool = False
    location: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


def trouble(stall: float = 0.0) -> tuple[Fault, ...]:
    """Return what a bad server or proxy does to an answer, one kind as often as another.

    Parameters
    ----------
    stall
        Seconds of silence; more than the client waits for.
    """
    return (
        Fault(reset=True),
        Fault(extra_length=99),
        Fault(stall=stall),
        Fault(body=b""),
        Fault(garbled=True),
        Fault(429, retry_after=0),
        Fault(500),
        Fault(503),
        Fault(302, location="/loop"),
    )


@dataclass(frozen=True)
class Request:
    """A request that was answered: bytes of body that were sent, and the client's headers."""

    method: str
    key: str
    status: int
    sent: int
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class _State:
    root: Path
    latency: float
    listing: bool
    page: int
    faults: dict[str, Fault]
    share: tuple[float, Fault | tuple[Fault, ...]] | None = None
    salt: int = 0
    spoilt: int = 0
    log: list[Request] = field(default_factory=list)
    struck: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)
    etags: dict[tuple[str, int, int], str] = field(default_factory=dict)

    active: int = 0

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Count a request as being answered: it is logged when its last byte is on its way."""
        with self.lock:
            self.active += 1
        try:
            yield
        finally:
            with self.lock:
                self.active -= 1

    def settled(self) -> list[Request]:
        """Return the log once no request is being answered."""
        end = time.monotonic() + 5
        while self.active and time.monotonic() < end:
            time.sleep(0.005)
        return list(self.log)

    def fault(self, key: str) -> Fault | None:
        """Return what goes wrong with this request, and count it."""
        found = self.faults.get(key)
        if found is None and self.share is not None:
            chance, common = self.share
            # By the key and the number of its tries, not by the order in which threads come.
            draw = hashlib.sha256(f"{key} {self.struck[key]} {self.salt}".encode()).digest()
            kinds = common if isinstance(common, tuple) else (common,)
            if int.from_bytes(draw[:4], "big") < chance * 2**32:
                found = kinds[int.from_bytes(draw[4:8], "big") % len(kinds)]
        with self.lock:
            tries = self.struck[key]
            self.struck[key] += 1
            self.spoilt += found is not None
        return (
            None if found is None or (found.times is not None and tries >= found.times) else found
        )

    def etag(self, path: Path) -> str:
        stat = path.stat()
        known = (str(path), stat.st_mtime_ns, stat.st_size)
        if known not in self.etags:
            self.etags[known] = hashlib.md5(path.read_bytes()).hexdigest()
        return self.etags[known]


class BucketServer:
    """A folder served on a loopback port, to be used as a context manager.

    It is a plain web server at ``url`` and an S3 endpoint at ``endpoint`` whose one bucket is
    ``pmc-oa-opendata``.

    Parameters
    ----------
    root
        The folder.
    latency
        Seconds before each answer.
    listing
        Whether the S3 side answers listings; the plain side never does.
    page
        Keys a page of a listing at most.
    faults
        By key.
    share
        Chance and kind, or kinds, of a fault of any other request, drawn by key and number of the
        try.
    salt
        Changes the draws.
    """

    def __init__(
        self,
        root: Path,
        *,
        latency: float = 0.0,
        listing: bool = True,
        page: int = 1000,
        faults: dict[str, Fault] | None = None,
        share: tuple[float, Fault | tuple[Fault, ...]] | None = None,
        salt: int = 0,
    ) -> None:
        self._state = _State(root, latency, listing, page, faults or {}, share, salt)
        handler = type("Handler", (_Handler,), {"state": self._state})
        self._server = _Server(("127.0.0.1", 0), handler)
        self.endpoint = self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> BucketServer:
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def log(self) -> list[Request]:
        """Requests answered so far."""
        return self._state.settled()

    @property
    def faults(self) -> dict[str, Fault]:
        """Faults by key; may be changed at any time."""
        return self._state.faults

    @property
    def spoilt(self) -> int:
        """Requests that a fault struck so far."""
        return self._state.spoilt

    def forget(self) -> None:
        """Empty the log and begin to count tries anew."""
        self._state.log.clear()
        self._state.struck.clear()

    def sent(self) -> int:
        """Return the bytes of all bodies sent so far."""
        return sum(request.sent for request in self.log)

    def asked(self) -> list[str]:
        """Return the keys asked for so far, in order, with repeats and without listings."""
        return [request.key for request in self.log if not request.key.startswith("?")]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    state: _State

    def log_message(self, *_: object) -> None:
        """The log of the server is its list of requests."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_PROPFIND(self) -> None:
        self._answer(405, b"", "?propfind")

    def do_GET(self) -> None:
        with self.state.at_work():
            self._get()

    def _get(self) -> None:
        if self.state.latency:
            time.sleep(self.state.latency)
        parts = urlsplit(self.path)
        path = unquote(parts.path).strip("/")
        s3 = path == BUCKET or path.startswith(f"{BUCKET}/")
        key = path.removeprefix(BUCKET).lstrip("/") if s3 else path
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if s3 and query.get("list-type") == "2":
            self._list(query)
            return
        fault = self.state.fault(key)
        if fault is not None and fault.status is not None:
            body = fault.body if fault.body is not None else error_xml(fault.status, key)
            self._answer(fault.status, body, key, fault)
            return
        if key == "loop":
            self._answer(302, b"", key, Fault(location="/loop"))
            return
        file = self.state.root / key
        if ".." in key or not file.is_file():
            self._answer(404, error_xml(404, key), key)
            return
        self._object(file, key, fault or Fault())

    def _list(self, query: dict[str, str]) -> None:
        fault = self.state.fault("?list")
        if fault is not None and fault.status is not None:
            self._answer(fault.status, error_xml(fault.status, ""), "?list", fault)
        elif not self.state.listing:
            self._answer(403, error_xml(403, ""), "?list")
        else:
            answer = list_objects(self.state.root, query, self.state.page, self.state.etag)
            self._answer(200, answer, "?list")

    def _object(self, file: Path, key: str, fault: Fault) -> None:
        body, status = fault.body if fault.body is not None else file.read_bytes(), 200
        headers = {"ETag": f'"{self.state.etag(file)}"', "Accept-Ranges": "bytes"}
        headers |= dict(fault.headers)
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if wanted:
            start, end = int(wanted[1]), min(int(wanted[2] or len(body) - 1), len(body) - 1)
            headers["Content-Range"] = f"bytes {start}-{end}/{len(body)}"
            body, status = body[start : end + 1], 206
        if fault.garbled:
            body = bytes(byte ^ 0x80 for byte in body)
        self._start(status, len(body) + fault.extra_length, headers)
        sent = 0
        try:
            if self.command != "HEAD":
                sent = self._body(body, fault)
        finally:  # also when the client closes the connection
            self._log(key, status, sent)

    def _body(self, body: bytes, fault: Fault) -> int:
        half = len(body) // 2
        if fault.pause:
            self.wfile.flush()
            time.sleep(fault.pause)
            if self._has_gone():
                self.close_connection = True
                return 0
        if fault.stall or fault.reset:
            self.wfile.write(body[:half])
            self.wfile.flush()
            time.sleep(fault.stall)
        if fault.reset:
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return half
        self.wfile.write(body[half:] if fault.stall else body)
        self.close_connection = self.close_connection or bool(fault.extra_length)
        return len(body)

    def _has_gone(self) -> bool:
        """Whether the client has closed the connection."""
        try:
            return not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _answer(self, status: int, body: bytes, key: str, fault: Fault | None = None) -> None:
        headers = {"Content-Type": "application/xml"}
        if fault is not None and fault.retry_after is not None:
            headers["Retry-After"] = str(fault.retry_after)
        if fault is not None and fault.location is not None:
            headers["Location"] = fault.location
        self._start(status, len(body), headers)
        if self.command != "HEAD":
            self.wfile.write(body)
        self._log(key, status, len(body))

    def _start(self, status: int, length: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(length), **headers}.items():
            self.send_header(name, value)
        self.send_header("Last-Modified", "Thu, 19 Nov 2026 11:47:59 GMT")
        self.end_headers()

    def _log(self, key: str, status: int, sent: int) -> None:
        self.state.log.append(Request(self.command, key, status, sent, dict(self.headers)))
