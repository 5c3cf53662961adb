"""Byte ranges from a web server: resumed at the byte reached, addresses resolved once."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin, urlsplit

from biomedica_dataset.errors import SourceError

from .http import FAILURES, Client, RetryableError
from .transfer import AbsentError, Memory, RangeRequest, RefusedError, SharedState, Traffic

if TYPE_CHECKING:
    from collections.abc import Mapping
    from http.client import HTTPResponse

_TRIES = 6  # without a byte gained
_PAUSE = 0.25  # seconds before the second try, doubled with each further one
_SILENCE = 30.0  # seconds without a byte
_LONGEST_WAIT = 300.0  # seconds: the Hub counts requests per five minutes
_STEP = 1 << 21  # bytes: at most so many are lost with a connection
_REDIRECTED = {301, 302, 303, 307, 308}
_EXPIRED = {400, 401, 403, 404, 410}  # of an address that a redirect gave, when its time is over
_MOST_REDIRECTS = 5
_PERMISSION = (
    "it may not be read without permission; for the Hub accept its terms and run `hf auth login`"
)
_ERRORS: dict[int, tuple[type[SourceError], str]] = {
    401: (RefusedError, _PERMISSION),
    403: (RefusedError, _PERMISSION),
    404: (AbsentError, "there is no such file; is it a dataset folder, and all of it there?"),
    416: (
        SourceError,
        "it is shorter than the index says: the folder has changed since its manifest was read; "
        "open it again",
    ),
}


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
        self.addresses = {} if addresses is None else addresses
        self._host, self._headers = urlsplit(self.base).netloc, dict(headers or {})
        self._client, self._memory, self._shared = Client(_SILENCE), Memory(), SharedState()
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
        if not length:
            return b""
        return self._until_whole(name, RangeRequest(start, self._memory.take(length)))

    def close(self) -> None:
        """End all requests, those under way too, and close the connections."""
        self._closed.set()
        self._client.close()

    def _until_whole(self, name: str, wanted: RangeRequest | None) -> bytes | memoryview:
        tries, before = 0, 0
        while True:
            try:
                self._hold_back(name)
                answer = self._answer(name, wanted)
                self._check_state(name, answer, wanted)
                return self._receive(answer, wanted)
            except RetryableError as error:
                received = wanted.received if wanted else 0
                tries = 1 if received > before else tries + 1
                before = received
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
        with self._shared.lock:  # the other threads wait too
            until = time.monotonic() + min(asked, _LONGEST_WAIT)
            self._shared.silent_until = max(self._shared.silent_until, until)

    def _hold_back(self, name: str) -> None:
        """Return when a request may be sent."""
        while (rest := self._shared.silent_until - time.monotonic()) > 0:
            if self._closed.wait(rest):
                break
        if self._closed.is_set():
            msg = f"{self.base}/{name} is read no more"
            raise SourceError(msg)

    def _answer(self, name: str, wanted: RangeRequest | None) -> HTTPResponse:
        """Return a good answer; of many that ask for a file first, one finds out where it lies."""
        address = self.addresses.get(name)
        if address is None and self._shared.is_direct:  # as every file so far: nobody waits
            address = f"{self.base}/{quote(name)}"
        if address is None:
            with self._shared.resolving(name):
                if name not in self.addresses:
                    return self._resolve(name, wanted)
            address = self.addresses.get(name)
        if address is None:
            msg = "its address has expired"
            raise RetryableError(msg)
        answer = self._ask(address, wanted)
        if answer.status in _REDIRECTED:
            self.addresses.pop(name, None)
            self._shared.is_direct = False
            msg = "it has moved once more"
            raise RetryableError(msg, wait=0)
        self._check_status(name, answer, address)
        return answer

    def _resolve(self, name: str, wanted: RangeRequest | None) -> HTTPResponse:
        first = address = f"{self.base}/{quote(name)}"
        answer = self._ask(address, wanted)
        for _ in range(_MOST_REDIRECTS):
            if answer.status not in _REDIRECTED:
                break
            address = urljoin(address, answer.headers["Location"] or "")
            answer = self._ask(address, wanted)
        self._check_status(name, answer, address)
        self.addresses[name] = address
        # The Hub redirects large files alone, and those are never asked for as a whole.
        self._shared.is_direct = wanted is not None and address == first
        return answer

    def _ask(self, address: str, wanted: RangeRequest | None) -> HTTPResponse:
        headers = {"User-Agent": "biomedica-dataset", "Accept-Encoding": "identity"}
        if urlsplit(address).netloc == self._host:
            headers |= self._headers
        if wanted is not None:
            headers["Range"] = wanted.header
        self.traffic.requests += 1
        return self._client.send(address, headers)

    def _check_status(self, name: str, answer: HTTPResponse, address: str) -> None:
        if answer.status in (200, 206):
            return
        said = f"{answer.status} {answer.reason}"
        if answer.status in _EXPIRED and address != f"{self.base}/{quote(name)}":
            self.addresses.pop(name, None)
            msg = f"the address it was redirected to answered {said}"
            raise RetryableError(msg)
        kind, advice = _ERRORS.get(answer.status, (SourceError, "it cannot be read"))
        msg = f"{self.base}/{name}: {said}: {advice}"
        raise kind(msg)

    def _check_state(self, name: str, answer: HTTPResponse, wanted: RangeRequest | None) -> None:
        etag = answer.headers.get("ETag")
        if etag and self._shared.etags.setdefault(name, etag) != etag:
            msg = f"{self.base}/{name} has changed since it was first read; open the dataset again"
            raise SourceError(msg)
        if wanted is None or (answer.status == 200 and wanted.start + wanted.received == 0):
            return
        expected = wanted.header.replace("=", " ")
        given = answer.headers.get("Content-Range") or "the whole file"
        if not given.startswith(f"{expected}/"):
            msg = (
                f"{self.base}/{name}: {expected} was asked for, the answer is {given}: the server "
                "gives no byte ranges, or the file is shorter than the index says"
            )
            raise SourceError(msg)

    def _receive(self, answer: HTTPResponse, wanted: RangeRequest | None) -> bytes | memoryview:
        try:
            if wanted is None:
                whole = answer.read()
                self.traffic.received += len(whole)
                return whole
            data = wanted.data
            while rest := data[wanted.received : wanted.received + _STEP]:
                count = answer.readinto(rest)
                if not count:
                    break
                wanted.received += count
                self.traffic.received += count
        except FAILURES as error:
            msg = f"the answer broke off: {error!r}"
            raise RetryableError(msg) from error
        if wanted.received < len(data):
            msg = f"the answer ended {len(data) - wanted.received} bytes early"
            raise RetryableError(msg)
        return data
