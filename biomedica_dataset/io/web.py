"""Byte ranges from a web server: resumed at the byte reached, addresses resolved once."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from functools import lru_cache
from http.client import HTTPResponse
from urllib.parse import quote, urljoin, urlsplit

from biomedica_dataset.errors import SourceError

from .addresses import Address
from .deadline import seconds_for
from .http import FAILURES, Client, RetryableError, read_all
from .transfer import AbsentError, Memory, RangeRequest, RefusedError, SharedState, Traffic

_TRIES = 6  # without a byte gained
_PAUSE = 0.25  # seconds before the second try, doubled with each further one
_SILENCE = 30.0  # seconds without a byte
_LONGEST_WAIT = 300.0  # seconds: the Hub counts requests per five minutes
_UNSAID = 5.0  # seconds: a longer wait is logged
_PATIENCE = 600.0  # seconds, beside those for the bytes, after which a request is not sent again
_SILENT = 3.5  # the same where no server has answered yet
_MOST_WHOLE = 2**26  # bytes of a file of unknown size,
_UNKNOWN = 2**23  # and how many the time is reckoned for
_STEP = 1 << 21  # bytes: at most so many are lost with a connection
_REDIRECTED = {301, 302, 303, 307, 308}
_EXPIRED = {400, 401, 403, 404, 410}  # of an address that a redirect gave, when its time is over
_MOST_REDIRECTS = 5
_PERMISSION = (
    "it may not be read without permission; for the Hub accept its terms and run `hf auth login`"
)
_logger = logging.getLogger(__name__)
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
        The address of the folder. Its user and password, or its query, give access.
    headers
        Sent to its host, and to no other.
    addresses
        Where files lie in truth, as found so far; more are added.
    """

    tries = 5

    def __init__(
        self,
        base: str,
        headers: Mapping[str, str] | None = None,
        addresses: dict[str, str] | None = None,
    ) -> None:
        given = Address.of(base)
        self.base, self._query = given.url, f"?{given.query}" if given.query else ""
        self.traffic = Traffic()
        self.addresses = {} if addresses is None else addresses
        self._host, self._headers = _origin(self.base), {**given.headers, **(headers or {})}
        self._client, self._memory, self._shared = Client(_SILENCE), Memory(), SharedState()
        self._closed = threading.Event()

    def whole(self, name: str) -> bytes:
        """Return a small file of unknown size, of 64 MB at most.

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

    def forget(self, name: str) -> None:
        """Forget the ETag of a file and where it lies, as its bytes were not those expected."""
        self._shared.etags.pop(name, None)
        self.addresses.pop(name, None)

    def _until_whole(self, name: str, wanted: RangeRequest | None) -> bytes | memoryview:
        tries, before, started = 0, 0, time.monotonic()
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
                spent = time.monotonic() - started
                patience = _PATIENCE + seconds_for(_size(wanted))
                patience = patience if self._client.has_answer else _SILENT
                if tries >= _TRIES or spent > patience:
                    msg = (
                        f"{self.base}/{name}: {error} ({tries} tries in {spent:.0f} s); run the "
                        "same command again to resume"
                    )
                    raise SourceError(msg) from error
                self._wait(error.wait, tries)

    def _wait(self, asked: float | None, tries: int) -> None:
        if asked is None:
            self._closed.wait(min(_PAUSE * 2 ** (tries - 1), 10))
            return
        seconds = min(asked, _LONGEST_WAIT)
        if seconds > _UNSAID:
            said = f", which asks for {asked:,.0f} s" if asked > seconds else ""
            _logger.warning("waiting %.0f s for %s%s", seconds, self.base, said)
        with self._shared.lock:  # the other threads wait too
            until = time.monotonic() + seconds
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
            address, answer = self._follow(address, answer, wanted)
        self._check_status(name, answer, address)
        self.addresses[name] = address
        # The Hub redirects large files alone, and those are never asked for as a whole.
        self._shared.is_direct = wanted is not None and address == first
        return answer

    def _follow(
        self, address: str, answer: HTTPResponse, wanted: RangeRequest | None
    ) -> tuple[str, HTTPResponse]:
        location = answer.headers["Location"] or ""
        try:
            target = urljoin(address, location)
            return target, self._ask(target, wanted)
        except ValueError as error:  # UsageError too: the server named that address, not the user
            msg = f"it was redirected to {location[:200]!r}, which is not an address"
            raise RetryableError(msg) from error

    def _ask(self, address: str, wanted: RangeRequest | None) -> HTTPResponse:
        headers = {"User-Agent": "biomedica-dataset", "Accept-Encoding": "identity"}
        if _origin(address) == self._host:
            headers |= self._headers
        if address.startswith(f"{self.base}/") and "?" not in address:
            address += self._query
        if wanted is not None:
            headers["Range"] = wanted.header
        self.traffic.requests += 1
        return self._client.send(address, headers, seconds=seconds_for(_size(wanted)))

    def _check_status(self, name: str, answer: HTTPResponse, address: str) -> None:
        if answer.status in (200, 206):
            return
        said = f"{answer.status} {answer.reason}"
        if answer.status in _EXPIRED and address != f"{self.base}/{quote(name)}":
            self.addresses.pop(name, None)
            msg = f"the address it was redirected to answered {said}"
            raise RetryableError(msg)
        if answer.status < 400:  # no content, or redirects without end
            msg = f"the server answered {said} and no data"
            raise RetryableError(msg)
        kind, advice = _ERRORS.get(answer.status, (SourceError, "it cannot be read"))
        msg = f"{self.base}/{name}: {said}: {advice}"
        raise kind(msg)

    def _check_state(self, name: str, answer: HTTPResponse, wanted: RangeRequest | None) -> None:
        self._check_form(answer, wanted)
        etag = answer.headers.get("ETag")
        if etag and self._shared.etags.setdefault(name, etag) != etag:
            msg = f"{self.base}/{name} has changed since it was first read; open the dataset again"
            raise SourceError(msg)

    def _check_form(self, answer: HTTPResponse, wanted: RangeRequest | None) -> None:
        """Tell the bytes that were asked for from others that a proxy or a broken server sends."""
        coding = answer.headers.get("Content-Encoding", "identity")
        if coding.strip().lower() != "identity":
            msg = f"the answer has the encoding {coding[:50]!r}, which was not asked for"
            raise RetryableError(msg)
        if wanted is None:
            if answer.status != 200:
                msg = "the answer is a part of the file, which was asked for as a whole"
                raise RetryableError(msg)
            return
        if answer.status == 200 and wanted.start + wanted.received == 0:
            return
        expected = wanted.header.replace("=", " ")
        given = answer.headers.get("Content-Range")
        if answer.status == 200 or not (given or "").startswith(f"{expected}/"):
            came = given or answer.headers.get("Content-Type", "")[:50]
            msg = (
                f"{expected} was asked for, the answer is "
                f"{'the whole file' if answer.status == 200 else came or 'something else'}: the "
                "server gives no byte ranges, or the file is shorter than the index says"
            )
            raise RetryableError(msg)

    def _receive(self, answer: HTTPResponse, wanted: RangeRequest | None) -> bytes | memoryview:
        if wanted is None:
            whole = read_all(answer, _MOST_WHOLE)
            self.traffic.received += len(whole)
            return whole
        data = wanted.data
        try:
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


def _size(wanted: RangeRequest | None) -> int:
    """Return the bytes that an answer may still have."""
    return _UNKNOWN if wanted is None else len(wanted.data) - wanted.received


@lru_cache(1024)
def _origin(address: str) -> tuple[str, str]:
    """Return scheme and host, to which what gives access is sent: no other host, no plain text."""
    parts = urlsplit(address)
    return parts.scheme, parts.netloc
