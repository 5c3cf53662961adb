"""The one client for NCBI: it names itself, keeps to the rate, asks again where that helps."""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlencode

from biomedica_dataset.errors import SourceError, UsageError
from biomedica_dataset.io.addresses import Address
from biomedica_dataset.io.http import Client, RetryableError, read_all

from .rate_limit import RateLimit
from .responses import AnswerError

Answer = TypeVar("Answer")

EUTILS = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"
TOOL = "biomedica-dataset"
_RATE, _RATE_WITH_KEY = 3.0, 10.0  # requests a second that NCBI permits
_LONGEST_WAIT = 120.0
_LONGEST_ANSWER = 512 * 2**20  # bytes
_LONGEST_REQUEST = 600.0  # seconds: NCBI prepares a large answer before its first byte
_SILENT = 7.5  # seconds after which a server that has never answered is not asked again
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
        given = Address.of(os.environ.get("NCBI_EUTILS_URL") or EUTILS)
        self.url, self._login = f"{given.url}/", given.headers
        if not self.url.startswith(("http://", "https://")):
            msg = f"NCBI_EUTILS_URL is {self.url!r}; an http or https address was expected"
            raise UsageError(msg)
        self._email = email or os.environ.get("NCBI_EMAIL")
        self._key = os.environ.get("NCBI_API_KEY")
        self._client, self._tries, self._pause = Client(timeout), tries, pause
        self._rate_limit = RateLimit(self.url, _RATE_WITH_KEY if self._key else _RATE, slots_folder)
        self.requests = 0
        if not self._email:
            _logger.info("set NCBI_EMAIL, so that NCBI can write to you before it blocks requests")

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
        body, started = urlencode({**parameters, **self._identity()}).encode(), time.monotonic()
        for attempt in range(1, self._tries + 1):
            asked_to_wait = None
            try:
                self._rate_limit.wait()
                self.requests += 1
                return read(self._send(service, body))
            except AnswerError as error:
                if not error.is_passing:
                    raise
                why = str(error)
            except RetryableError as error:
                why, asked_to_wait = str(error), error.wait
            if not self._client.has_answer and time.monotonic() - started > _SILENT:
                break
            if attempt < self._tries:
                _logger.info("%s: %s; asked again", service, why)
                self._wait(attempt, asked_to_wait)
        raise self._failed(service, f"{why} ({attempt} tries)")

    def _identity(self) -> dict[str, str]:
        given = {"tool": TOOL, "email": self._email, "api_key": self._key}
        return {name: value for name, value in given.items() if value}

    def _send(self, service: str, body: bytes) -> bytes:
        headers = {
            "User-Agent": f"{TOOL}/{version(TOOL)}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Connection": "close",  # the next request may come after NCBI has lost patience
            **self._login,
        }
        answer = self._client.send(
            f"{self.url}{service}.fcgi", headers, body, seconds=_LONGEST_REQUEST
        )
        data = read_all(answer, _LONGEST_ANSWER)
        if answer.status != 200:
            raise self._failed(service, f"status {answer.status} {_words(data)}".strip())
        return data

    def _wait(self, attempt: int, asked_to_wait: float | None) -> None:
        if asked_to_wait:
            _logger.warning("NCBI asks to wait %.0f s", asked_to_wait)
            self._rate_limit.postpone(min(asked_to_wait, _LONGEST_WAIT))
            return
        most = _LONGEST_WAIT if self._client.has_answer else 2.0
        longest = min(self._pause * 2 ** (attempt - 1), most)
        time.sleep(longest * random.uniform(0.5, 1.0))

    def _failed(self, service: str, why: str) -> SourceError:
        return SourceError(f"{self.url}{service}.fcgi gives no answer: {why}. Try again later.")


def _words(data: bytes) -> str:
    """Return the first words of an answer, unless it is a page."""
    text = data[:400].decode("utf-8", "replace")
    return "" if text.lstrip()[:1] == "<" else " ".join(text.split())[:200]
