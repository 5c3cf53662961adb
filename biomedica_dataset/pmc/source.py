"""The source of the articles: objects by key, from S3, a web server or a folder.

In measurements obstore cost 10 to 30 times less per small object than s3fs, boto3 and httpx. It
retries 5xx responses, timeouts and lost connections with backoff, and resumes interrupted bodies.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

from biomedica_dataset.errors import SourceError, without_secrets
from biomedica_dataset.io.deadline import seconds_for
from biomedica_dataset.io.failures import plain
from biomedica_dataset.io.objects import RetryPolicy, open_store

from .etags import is_md5, md5_of

Answer = TypeVar("Answer")

DEFAULT_SOURCE = "s3://pmc-oa-opendata"
MAX_IN_FLIGHT = 128
_MAX_BYTES_IN_FLIGHT = 192 * 2**20  # bodies being read; a larger object is read alone
_FAILURES_OF = 200  # requests before the share of failures is meaningful
_STRUCK_OF = 10  # objects that came otherwise than they should, before it is
_MAX_FAILED_SHARE = 0.1
_TRIES = 4  # of a request that fails sooner than the store would repeat it
_QUICK = 3.0  # seconds
_LONGEST_LISTING = 120.0  # seconds: a bucket has 30 inventories


class UnavailableError(Exception):
    """The object does not exist or is forbidden; the text is the HTTP status."""


class TooLargeError(Exception):
    """The object exceeds the limit and was not read; the text gives its size."""


class CorruptError(Exception):
    """The bytes differ from their digest."""


class NetworkFailedError(Exception):
    """The request failed because of the network, after all retries."""


class Source:
    """Objects by key.

    Parameters
    ----------
    url
        ``s3://bucket``, ``https://host/path``, ``http://host/path`` or a folder.

    Attributes
    ----------
    requests, received, failures, struck
        Requests made, bytes received, network failures, and objects that came otherwise than the
        source itself says, so far.
    folder
        The folder, if the source is a folder.
    """

    def __init__(self, url: str, patience: RetryPolicy | None = None) -> None:
        self.url = without_secrets(url)
        self.requests = self.received = self.failures = self.struck = 0
        policy = patience or RetryPolicy()
        self._store, self.folder, self._pause = *open_store(url, policy), policy.first_pause
        self._loop: asyncio.AbstractEventLoop | None = None

    async def get(self, key: str, *, limit: int, as_tagged: bool = False) -> bytes:
        """Return an object of at most ``limit`` bytes.

        Parameters
        ----------
        as_tagged
            Whether to check the bytes against the ETag of the response, if that is an MD5.

        Raises
        ------
        UnavailableError, TooLargeError, NetworkFailedError
            See their docstrings.
        CorruptError
            The bytes differ from the ETag.
        SourceError
            Too many requests failed; see `strike` also.
        """
        self._bind()
        async with self._slots:
            self.requests += 1
            try:
                return await self._repeated(lambda: self._get(key, limit, as_tagged=as_tagged))
            except NetworkFailedError as error:
                self.failures += 1
                self._give_up(str(error))
                raise

    async def _repeated(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Ask again what fails sooner than the store would have repeated it."""
        loop = asyncio.get_running_loop()
        started, tries = loop.time(), 1
        while True:
            try:
                return await ask()
            except NetworkFailedError:
                if tries == _TRIES or loop.time() - started > _QUICK:
                    raise
            await asyncio.sleep(self._pause * 2 ** (tries - 1))
            tries += 1

    def strike(self, key: str, error: Exception) -> None:
        """Count an object that was refused, or came with other bytes than the source itself says.

        Raises
        ------
        SourceError
            So did more than a tenth: something between changes or withholds them.
        """
        if self.folder is None and not isinstance(error, TooLargeError) and str(error) != "404":
            self.struck += 1
            self._give_up(f"{key}: {error}")

    def _bind(self) -> None:
        """Create a new semaphore and budget for each event loop, since they bind to one."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop = loop
            self._slots = asyncio.Semaphore(MAX_IN_FLIGHT)
            self._budget = _Budget(_MAX_BYTES_IN_FLIGHT)

    async def _get(self, key: str, limit: int, *, as_tagged: bool) -> bytes:
        from obstore import exceptions

        try:
            answer = await self._store.get_async(key)
            size: int = answer.meta["size"]
            if size > limit:
                msg = f"{size} bytes exceed the limit of {limit}"
                raise TooLargeError(msg)
            await self._budget.take(2 * size)  # the received buffer and its Python copy
            try:
                async with asyncio.timeout(seconds_for(size)):
                    body = bytes(await answer.bytes_async())
            finally:
                self._budget.give(2 * size)
        except (FileNotFoundError, exceptions.InvalidPathError) as error:
            raise UnavailableError("404") from error  # noqa: EM101 - a status, not a sentence
        except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError, PermissionError):
            raise UnavailableError("403") from None  # noqa: EM101
        except (exceptions.BaseError, OSError) as error:
            raise NetworkFailedError(plain(error)) from error
        self.received += len(body)
        if len(body) != size:
            msg = f"received {len(body)} of {size} bytes of {key}"
            raise NetworkFailedError(msg)
        etag = str(answer.meta["e_tag"]).strip('"')
        if as_tagged and is_md5(etag) and md5_of(body) != etag:
            msg = "ETag"
            raise CorruptError(msg)
        return body

    def _give_up(self, last: str) -> None:
        wrong = self.failures + self.struck
        is_enough = self.requests >= _FAILURES_OF or self.struck >= _STRUCK_OF
        if is_enough and wrong > _MAX_FAILED_SHARE * self.requests:
            why = (
                "came otherwise than its inventory and metadata say: a proxy or a login page may "
                "change or withhold them"
                if self.struck > self.failures
                else "failed because of the network"
            )
            msg = (
                f"{wrong} of {self.requests} requests to {self.url} {why}; the last: {last}. "
                "Finished blocks are valid; run the same command again to resume."
            )
            raise SourceError(msg)

    async def size(self, key: str) -> int | None:
        """Return the size of an object without reading it, or ``None`` if it is unavailable."""
        from obstore import exceptions

        self._bind()
        async with self._slots:
            self.requests += 1
            try:
                return int((await self._store.head_async(key))["size"])
            except (exceptions.BaseError, OSError):
                return None

    async def listed_after(self, prefix: str, offset: str) -> AsyncGenerator[tuple[str, str], None]:
        """Yield (key, ETag) of the objects below a prefix that follow a key, in order.

        Raises
        ------
        SourceError
            The source cannot be listed.
        """
        from obstore import exceptions

        self.requests += 1

        async def page() -> list[tuple[str, str]]:
            try:
                async for batch in self._store.list(prefix, offset=offset, chunk_size=50):
                    return [(str(f["path"]), str(f["e_tag"] or "").strip('"')) for f in batch]
            except (exceptions.BaseError, OSError) as error:
                raise NetworkFailedError(plain(error)) from error
            return []

        try:
            while found := await self._repeated(page):
                if found[-1][0] <= offset:
                    msg = "the listing does not end"
                    raise NetworkFailedError(msg)
                for key, etag in found:
                    yield key, etag
                offset = found[-1][0]
        except NetworkFailedError as error:
            raise self._cannot_list(error) from error

    async def folders(self, prefix: str) -> list[str]:
        """Return the names of the folders directly below a prefix, sorted.

        Raises
        ------
        SourceError
            The source cannot be listed.
        """
        from obstore import exceptions

        self.requests += 1

        async def ask() -> list[str]:
            try:
                async with asyncio.timeout(_LONGEST_LISTING):
                    found = await self._store.list_with_delimiter_async(prefix)
            except FileNotFoundError:
                return []
            except (exceptions.BaseError, OSError) as error:
                raise NetworkFailedError(plain(error)) from error
            return [str(path) for path in found["common_prefixes"]]

        try:
            found = await self._repeated(ask)
        except NetworkFailedError as error:
            raise self._cannot_list(error) from error
        return sorted(path.rstrip("/").rpartition("/")[2] for path in found)

    def _cannot_list(self, error: BaseException) -> SourceError:
        advice = "check the address and the network"
        if type(self._store).__name__ == "HTTPStore":
            given = "give an inventory with --inventory DATE_OR_FILE"
            advice = f"a plain web server cannot list files: {given}"
        return SourceError(f"{self.url} cannot be listed; {advice} ({plain(error)})")


class _Budget:
    """Limits the bytes in memory at once, in the order of requests.

    A request larger than the limit waits until it is alone.
    """

    def __init__(self, total: int) -> None:
        self._total = self._free = total
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, size: int) -> None:
        size = min(size, self._total)
        if not self._waiting and size <= self._free:
            self._free -= size
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give(size)
            else:
                self._waiting = deque(w for w in self._waiting if w[1] is not turn)
            raise

    def give(self, size: int) -> None:
        self._free += min(size, self._total)
        while self._waiting and self._waiting[0][0] <= self._free:
            size, turn = self._waiting.popleft()
            if not turn.done():
                self._free -= size
                turn.set_result(None)
