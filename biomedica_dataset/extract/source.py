"""The source of the articles: objects by key, from S3, a web server or a folder.

obstore was measured 10 to 30 times cheaper per small object than s3fs, boto3 and httpx; it retries 5xx answers,
timeouts and lost connections with backoff.
"""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

from ..errors import SourceError, UsageError
from ..files import is_safe_name

DEFAULT_SOURCE = "s3://pmc-oa-opendata"
_REGION = "us-east-1"
MAX_IN_FLIGHT = 128
_MAX_BYTES_IN_FLIGHT = (
    192 * 2**20
)  # bodies being read; larger single objects wait until they are alone
_TIMEOUT = timedelta(seconds=30)
_FAILURES_OF = 200  # requests before their share of failures says something
_MAX_FAILED_SHARE = 0.1


class UnavailableError(Exception):
    """The object is not there or may not be read: its text is the HTTP status."""


class TooLargeError(Exception):
    """The object is above the limit; it was not read. Its text says the size."""


class NetworkFailedError(Exception):
    """The request failed for the network, after all retries."""


class Source:
    """Objects by key.

    Parameters
    ----------
    url
        ``s3://bucket``, ``https://host/path``, ``http://host/path`` or a folder.

    Attributes
    ----------
    requests, received, failures
        Requests made, bytes received and requests that failed for the network, so far.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests = self.received = self.failures = 0
        self._store, self.folder = _open(url)
        self._slots: asyncio.Semaphore | None = None
        self._budget: _Budget | None = None

    async def get(self, key: str, *, limit: int) -> bytes:
        """Return an object of at most ``limit`` bytes.

        Raises
        ------
        UnavailableError, TooLargeError, NetworkFailedError
            As they say.
        SourceError
            More than a tenth of at least 200 requests failed for the network.
        """
        if self._slots is None or self._budget is None:  # bound to the running event loop
            self._slots, self._budget = (
                asyncio.Semaphore(MAX_IN_FLIGHT),
                _Budget(_MAX_BYTES_IN_FLIGHT),
            )
        async with self._slots:
            self.requests += 1
            try:
                return await self._get(key, limit, self._budget)
            except NetworkFailedError as error:
                self.failures += 1
                if (
                    self.requests >= _FAILURES_OF
                    and self.failures > _MAX_FAILED_SHARE * self.requests
                ):
                    msg = (
                        f"{self.failures} of {self.requests} requests to {self.url} failed for the network, the last "
                        f"with: {error}. Finished blocks are valid; run the same command again to go on."
                    )
                    raise SourceError(msg) from error
                raise

    async def _get(self, key: str, limit: int, budget: _Budget) -> bytes:
        from obstore import exceptions

        try:
            answer = await self._store.get_async(key)
            size = answer.meta["size"]
            if size > limit:
                msg = f"{size} bytes, {limit} are allowed"
                raise TooLargeError(msg)
            async with budget.reserve(size):
                body = bytes(await answer.bytes_async())
        except (exceptions.NotFoundError, FileNotFoundError) as error:
            raise UnavailableError("404") from error  # noqa: EM101 - a status, not a sentence
        except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as error:
            raise UnavailableError("403") from error  # noqa: EM101
        except (exceptions.BaseError, OSError, TimeoutError) as error:
            raise NetworkFailedError(_first_line(error)) from error
        if len(body) != size:
            msg = f"{len(body)} of {size} bytes of {key} arrived"
            raise NetworkFailedError(msg)
        self.received += len(body)
        return body

    async def size(self, key: str) -> int | None:
        """Return the bytes of an object without reading it, or ``None`` where it cannot be had."""
        from obstore import exceptions

        self.requests += 1
        try:
            return int((await self._store.head_async(key))["size"])
        except (exceptions.BaseError, OSError):
            return None

    async def list_after(self, prefix: str, offset: str, count: int) -> list[tuple[str, str]]:
        """Return (key, ETag) of the first ``count`` objects of a folder-like prefix after a key, in order.

        Raises
        ------
        SourceError
            The source cannot be listed.
        """
        self.requests += 1
        stream = self._store.list(prefix, offset=offset, chunk_size=count)
        try:
            async for batch in stream:
                return [(str(o["path"]), str(o["e_tag"] or "").strip('"')) for o in batch]
        except Exception as error:
            if type(error).__module__.startswith("obstore"):
                raise _cannot_list(self.url, error) from error
            raise
        return []

    async def folders(self, prefix: str) -> list[str]:
        """Return the names of the folders directly below a prefix, sorted.

        Raises
        ------
        SourceError
            The source cannot be listed.
        """
        from obstore import exceptions

        self.requests += 1
        try:
            found = await self._store.list_with_delimiter_async(prefix)
        except (exceptions.BaseError, OSError) as error:
            raise _cannot_list(self.url, error) from error
        return sorted(str(path).rstrip("/").rpartition("/")[2] for path in found["common_prefixes"])

    def local_versions(self, pmcid: int) -> list[tuple[str, str]]:
        """Return (key, MD5) of the metadata files of one PMCID in a folder."""
        if self.folder is None:
            return []
        paths = sorted((self.folder / "metadata").glob(f"PMC{pmcid}.*.json"))
        return [
            (f"metadata/{p.name}", hashlib.md5(p.read_bytes()).hexdigest())  # noqa: S324 - PMC's ETag
            for p in paths
            if is_safe_name(p.name)
        ]


class _Budget:
    """Bytes that may be in memory at once; what is larger than all of it waits until it is alone."""

    def __init__(self, total: int) -> None:
        self._total = self._free = total
        self._changed = asyncio.Condition()

    def reserve(self, size: int) -> _Reservation:
        return _Reservation(self, min(size, self._total))

    async def take(self, size: int) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._free >= size)
            self._free -= size

    async def give(self, size: int) -> None:
        async with self._changed:
            self._free += size
            self._changed.notify_all()


class _Reservation:
    def __init__(self, budget: _Budget, size: int) -> None:
        self._budget, self._size = budget, size

    async def __aenter__(self) -> None:
        await self._budget.take(self._size)

    async def __aexit__(self, *_: object) -> None:
        await self._budget.give(self._size)


def _open(url: str) -> tuple[Any, Path | None]:
    from obstore.store import HTTPStore, LocalStore, S3Store

    options: Any = {
        "client_options": {
            "connect_timeout": timedelta(seconds=10),
            "timeout": 10 * _TIMEOUT,
            "read_timeout": _TIMEOUT,
            "allow_http": True,
            "user_agent": "biomedica-dataset",
        },
        "retry_config": {
            "max_retries": 5,
            "retry_timeout": timedelta(seconds=120),
            "backoff": {
                "init_backoff": timedelta(milliseconds=200),
                "max_backoff": timedelta(seconds=10),
                "base": 2,
            },
        },
    }
    scheme, separator, rest = url.partition("://")
    if not separator:
        folder = Path(url)
        if not folder.is_dir():
            msg = f"SOURCE {url!r} is no folder; give s3://bucket, https://host/path or a folder"
            raise UsageError(msg)
        return LocalStore(folder), folder
    if scheme == "s3":
        bucket, _, prefix = rest.partition("/")
        return S3Store(
            bucket, prefix=prefix or None, region=_REGION, skip_signature=True, **options
        ), None
    if scheme in ("http", "https"):
        host = rest.partition("/")[0]
        if host.endswith(".amazonaws.com"):  # speaks S3, so that it can be listed too
            bucket = host.partition(".s3")[0]
            return S3Store(bucket, region=_REGION, skip_signature=True, **options), None
        return HTTPStore.from_url(url.rstrip("/"), **options), None
    msg = f"SOURCE {url!r} has the scheme {scheme!r}; s3, https, http or a folder are possible"
    raise UsageError(msg)


def _cannot_list(url: str, error: BaseException) -> SourceError:
    return SourceError(
        f"{url} cannot be listed ({_first_line(error)}); where a plain web server serves the bucket, say which "
        "inventory to read: --inventory DATE"
    )


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0][:300]
