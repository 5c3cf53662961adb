"""The one client for NCBI: it names itself, keeps to the rate, asks again where that helps."""

from __future__ import annotations

import http.client
import logging
import os
import random
import time
import urllib.error
import urllib.request
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode, urlsplit

from biomedica_dataset.errors import SourceError, UsageError

from .rate_limit import Slots
from .responses import AnswerError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

Answer = TypeVar("Answer")

EUTILS = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"
TOOL = "biomedica-dataset"
_RATE, _RATE_WITH_KEY = 3.0, 10.0  # requests a second that NCBI permits
_PASSING = frozenset((408, 425, 429, 500, 502, 503, 504))
_LONGEST_WAIT = 120.0
_LONGEST_ANSWER = 512 * 2**20
_logger = logging.getLogger(__name__)


class Ncbi:
    """Sends requests to E-utilities.

    The address is that of ``NCBI_EUTILS_URL`` where it is set, the key that of ``NCBI_API_KEY``.
    The key travels in the body of a request, so that no log and no message holds it.

    Parameters
    ----------
    email
        Whom NCBI may write to; that of ``NCBI_EMAIL`` by default. None is allowed.
    timeout
        Seconds without a byte after which a request has failed.
    tries
        Of each request.
    pause
        Seconds before the second try; it doubles with each.
    slots_folder
        Where the processes of this machine agree on who sends next.

    Raises
    ------
    UsageError
        The address is no http or https URL.

    Attributes
    ----------
    requests
        Requests sent so far.
    """

    def __init__(
        self,
        *,
        email: str | None = None,
        timeout: float = 60.0,
        tries: int = 6,
        pause: float = 1.0,
        slots_folder: Path | None = None,
    ) -> None:
        self.url = (os.environ.get("NCBI_EUTILS_URL") or EUTILS).rstrip("/") + "/"
        if urlsplit(self.url).scheme not in ("http", "https"):
            msg = f"NCBI_EUTILS_URL is {self.url!r}; an http or https address was expected"
            raise UsageError(msg)
        self._email = email or os.environ.get("NCBI_EMAIL")
        self._key = os.environ.get("NCBI_API_KEY")
        self._timeout, self._tries, self._pause = timeout, tries, pause
        self._slots = Slots(self.url, _RATE_WITH_KEY if self._key else _RATE, slots_folder)
        self.requests = 0
        if not self._email:
            _logger.info("no e-mail is sent to NCBI: set NCBI_EMAIL, so that they can write first")

    def ask(
        self, service: str, parameters: Mapping[str, str], read: Callable[[bytes], Answer]
    ) -> Answer:
        """Return what ``read`` makes of the answer.

        Parameters
        ----------
        service
            Such as ``esearch``.
        read
            Raises `AnswerError` where the answer is not what was asked for.

        Raises
        ------
        SourceError
            The server cannot be reached, refuses, or gives no usable answer in all tries.
        """
        body = urlencode({**parameters, **self._identity()}).encode()
        for attempt in range(1, self._tries + 1):
            asked_to_wait = 0.0
            try:
                self._slots.wait()
                self.requests += 1
                return read(self._send(service, body))
            except AnswerError as error:
                if not error.is_passing:
                    raise
                why = str(error)
            except urllib.error.HTTPError as error:
                why = f"status {error.code} {_said(error)}".strip()
                if error.code not in _PASSING:
                    raise self._failed(service, why) from error
                asked_to_wait = _retry_after(error.headers.get("Retry-After"))
            except (OSError, http.client.HTTPException) as error:
                why = str(error) or type(error).__name__
            if attempt < self._tries:
                _logger.info("%s: %s; asked again", service, why)
                self._wait(attempt, asked_to_wait)
        raise self._failed(service, f"{why} ({self._tries} tries)")

    def _identity(self) -> dict[str, str]:
        given = {"tool": TOOL, "email": self._email, "api_key": self._key}
        return {name: value for name, value in given.items() if value}

    def _send(self, service: str, body: bytes) -> bytes:
        url, headers = f"{self.url}{service}.fcgi", {"User-Agent": f"{TOOL}/{version(TOOL)}"}
        request = urllib.request.Request(url, data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=self._timeout) as answer:
            data: bytes = answer.read(_LONGEST_ANSWER)
            promised = answer.headers.get("Content-Length")
        if promised is not None and promised.isdigit() and len(data) < int(promised):
            msg = f"the connection ended after {len(data):,} of {promised} bytes"
            raise AnswerError(msg, is_passing=True)
        return data

    def _wait(self, attempt: int, asked_to_wait: float) -> None:
        if asked_to_wait:
            self._slots.postpone(asked_to_wait)
            return
        longest = min(self._pause * 2 ** (attempt - 1), _LONGEST_WAIT)
        time.sleep(longest * random.uniform(0.5, 1.0))

    def _failed(self, service: str, why: str) -> SourceError:
        return SourceError(f"{self.url}{service}.fcgi gives no answer: {why}. Try again later.")


def _said(error: urllib.error.HTTPError) -> str:
    try:
        text = error.read(400).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return ""
    return "" if text.lstrip()[:1] == "<" else " ".join(text.split())[:200]


def _retry_after(value: str | None) -> float:
    """Return the seconds that a server asks to wait, 0 where it does not ask."""
    if not value:
        return 0.0
    if value.strip().isdigit():
        return min(float(value), _LONGEST_WAIT)
    try:
        seconds = parsedate_to_datetime(value).timestamp() - time.time()
    except ValueError:
        return 0.0
    return min(max(seconds, 0.0), _LONGEST_WAIT)
