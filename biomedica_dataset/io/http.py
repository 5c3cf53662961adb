"""Requests to web servers, over connections that stay open and the proxies of the environment.

They go through Python's own client: for a byte range of 64 kB urllib3 takes 1.6 times and httpx
4 times the processor time.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property, partial
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

from biomedica_dataset.errors import UsageError

from .addresses import basic_login, split_address
from .deadline import Deadline, TimedResponse
from .failures import plain

FAILURES = (OSError, http.client.HTTPException, ValueError)
"""What a connection fails with; a ValueError where a server breaks the protocol."""

TRANSIENT = {408, 425, 429, 500, 502, 503, 504}
"""Statuses of an answer that may be another one the next time."""

_LITTLE = 1 << 16  # bytes: to read so many costs less than another connection
_STEP = 1 << 20  # bytes
_CONNECT = 8.0  # seconds, at most
_SECONDS = re.compile(r"\s*(\d{1,9})(?:\.\d*)?\s*", re.ASCII)


class RetryableError(Exception):
    """The request may succeed when it is sent again.

    Parameters
    ----------
    wait
        Seconds that the server asks to wait; None where it does not say.
    """

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class Client:
    """Sends requests; each thread keeps one connection open to each host.

    Parameters
    ----------
    timeout
        Seconds without a byte after which a request has failed.

    Attributes
    ----------
    has_answer
        Whether any server has answered yet.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._channels: dict[tuple[int, int, str, str], _Channel] = {}
        self.has_answer = False

    def send(
        self, address: str, headers: Mapping[str, str], body: bytes | None = None, *, seconds: float
    ) -> http.client.HTTPResponse:
        """Return the answer to a GET, or to a POST where there is a body; redirects included.

        Its content is read by the caller, before this thread sends to the same host again.

        Parameters
        ----------
        seconds
            The most that the request may take, up to the last byte of the answer.

        Raises
        ------
        RetryableError
            The connection failed, or the server is busy.
        UsageError
            The address is not one of a web server, or the environment names a proxy, credentials
            or certificates that do not work.
        """
        parts = split_address(address)
        # By process, because a forked one must not use the connections of its parent.
        key = os.getpid(), threading.get_ident(), parts.scheme, parts.netloc
        channel = self._channels.get(key)
        if channel is None:
            channel = self._channels[key] = self._open(parts)
        was_open = channel.connection.sock is not None
        try:
            try:
                answer = channel.send(parts, headers, body, seconds)
            except ConnectionError:
                if not was_open:
                    raise
                channel.connection.close()  # the server had closed it meanwhile
                answer = channel.send(parts, headers, body, seconds)
        except UsageError:
            raise
        except FAILURES as error:
            channel.connection.close()
            said = plain(error) if isinstance(error, OSError) else repr(error)
            msg = f"the connection failed: {said}"
            raise RetryableError(msg) from error
        self.has_answer = True
        if answer.status in TRANSIENT:
            msg = f"the server answered {answer.status} {answer.reason}"
            raise RetryableError(msg, retry_after(answer.headers.get("Retry-After")))
        return answer

    def _open(self, parts: SplitResult) -> _Channel:
        proxy = _proxy(parts)
        login = {} if proxy is None else basic_login(proxy)
        credentials = {f"Proxy-{name}": value for name, value in login.items()}
        host = proxy.netloc.rpartition("@")[2] if proxy else parts.netloc
        deadline, connect = Deadline(self._timeout), min(self._timeout, _CONNECT)
        if parts.scheme == "http":
            unencrypted = http.client.HTTPConnection(host, timeout=connect)
            return _Channel(unencrypted, deadline, credentials, forwards=proxy is not None)
        secure = http.client.HTTPSConnection(host, timeout=connect, context=self._trust)
        if proxy:
            secure.set_tunnel(parts.netloc, headers=credentials)
        return _Channel(secure, deadline)

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """The trusted certificates, also of ``SSL_CERT_FILE``; read once, as it takes 30 ms."""
        context = ssl.create_default_context()
        bundle = os.environ.get("REQUESTS_CA_BUNDLE")
        try:
            if bundle:
                context.load_verify_locations(bundle)
        except OSError as error:
            msg = f"REQUESTS_CA_BUNDLE is {bundle}; a file of certificates was expected: {error}"
            raise UsageError(msg) from error
        return context

    def close(self) -> None:
        """End all requests, also those of other threads, and close the connections."""
        for (process, *_), channel in list(self._channels.items()):
            if process != os.getpid():
                continue
            if channel.connection.sock is not None:
                with contextlib.suppress(OSError):  # the other side may have been faster
                    channel.connection.sock.shutdown(socket.SHUT_RDWR)
            channel.connection.close()


@dataclass(slots=True)
class _Channel:
    """A connection, and the last answer that came on it.

    Parameters
    ----------
    deadline
        When the request under way has taken too long.
    headers
        For a proxy that requests are sent to.
    forwards
        Whether there is such a proxy; a proxy with a tunnel is part of the connection.
    """

    connection: http.client.HTTPConnection
    deadline: Deadline
    headers: dict[str, str] = field(default_factory=dict)
    forwards: bool = False
    answer: http.client.HTTPResponse | None = None

    def __post_init__(self) -> None:
        timed: type = partial(TimedResponse, self.deadline)  # type: ignore[assignment]
        self.connection.response_class = timed

    def send(
        self, parts: SplitResult, headers: Mapping[str, str], body: bytes | None, seconds: float
    ) -> http.client.HTTPResponse:
        self.deadline.begin(seconds, self.connection.sock)
        if self.answer is not None and not _is_finished(self.answer):
            self.connection.close()
        self.answer = None
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        target = f"{parts.scheme}://{parts.netloc}{path}" if self.forwards else path
        method = "GET" if body is None else "POST"
        try:
            self.connection.request(method, target, body, {**headers, **self.headers})
        except OSError as error:
            if "Tunnel connection failed: 407" in str(error):
                raise self._refused() from error
            raise
        self.answer = self.connection.getresponse()
        if self.forwards and self.answer.status == 407:
            raise self._refused()
        return self.answer

    def _refused(self) -> UsageError:
        scheme = "http" if self.forwards else "https"
        return UsageError(
            f"the proxy {self.connection.host}:{self.connection.port} answered 407 Proxy "
            f"Authentication Required: set {scheme}_proxy to http://USER:PASSWORD@HOST:PORT with "
            "a user and password that it accepts; write special characters as %XX"
        )


def _is_finished(answer: http.client.HTTPResponse) -> bool:
    """Read what little is left of an answer; return whether its connection can serve the next."""
    with contextlib.suppress(*FAILURES):
        answer.read(_LITTLE)
    return answer.isclosed() and not answer.length


def _proxy(parts: SplitResult) -> SplitResult | None:
    """Return the address of the proxy that the environment names for a host, if any."""
    address = getproxies().get(parts.scheme)
    if not address or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    proxy = urlsplit(address if "://" in address else f"http://{address}")
    if proxy.scheme != "http":
        msg = (
            f"{parts.scheme}_proxy names a proxy of the kind {proxy.scheme}://; only http:// is "
            "possible"
        )
        raise UsageError(msg)
    return proxy


def read_all(answer: http.client.HTTPResponse, most: int) -> bytes:
    """Return the content of an answer.

    Raises
    ------
    RetryableError
        The answer breaks off, or is longer than ``most`` bytes.
    """
    parts, size = [], 0
    try:
        while part := answer.read(_STEP):
            parts.append(part)
            size += len(part)
            if size > most:
                msg = f"the answer is longer than {most:,} bytes"
                raise RetryableError(msg)
    except FAILURES as error:
        msg = f"the answer broke off: {error!r}"
        raise RetryableError(msg) from error
    if answer.length:
        msg = f"the answer ended {answer.length:,} bytes early"
        raise RetryableError(msg)
    return b"".join(parts)


def retry_after(value: str | None) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for: a number or a date.

    Examples
    --------
    >>> retry_after("120"), retry_after("-1"), retry_after("soon")
    (120.0, None, None)
    """
    if value is None:
        return None
    if number := _SECONDS.fullmatch(value):
        return float(number[1])
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None
