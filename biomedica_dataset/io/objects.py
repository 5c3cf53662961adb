"""From the address of a source to the store that speaks to it."""

from __future__ import annotations

import atexit
import os
import re
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biomedica_dataset.errors import UsageError

if TYPE_CHECKING:
    from datetime import timedelta

_REGION = "us-east-1"
_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
)
"""What the store itself takes credentials from."""

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
_AMAZON = re.compile(
    r"(?:(?P<bucket>[a-z0-9.-]+)\.)?s3[.-](?:dualstack\.)?(?:(?P<region>[a-z0-9-]+)\.)?amazonaws\.com"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How long a request is waited for.

    Parameters
    ----------
    connect, silence
        Seconds to connect, and between two pieces of an answer.
    whole
        Seconds for one answer, however steadily it comes.
    retries
        After a 5xx or 429 answer, silence or a lost connection.
    first_pause, longest_pause
        Seconds before the first retry, which double with each, and at most.
    """

    connect: float = 10
    silence: float = 30
    whole: float = 3600  # a file of the inventory has tens of MB
    retries: int = 5
    first_pause: float = 0.2
    longest_pause: float = 10

    def options(self) -> dict[str, Any]:
        """Return the options of a store."""
        return {
            "client_options": {
                "connect_timeout": _seconds(self.connect),
                "read_timeout": _seconds(self.silence),
                "timeout": _seconds(self.whole),
                "allow_http": True,
                "user_agent": "biomedica-dataset",
            },
            "retry_config": {
                "max_retries": self.retries,
                "retry_timeout": _seconds(self.silence * (self.retries + 1)),
                "backoff": {
                    "init_backoff": _seconds(self.first_pause),
                    "max_backoff": _seconds(self.longest_pause),
                    "base": 2,
                },
            },
        }


def open_store(url: str, patience: RetryPolicy, *, signed: bool = False) -> tuple[Any, Path | None]:
    """Return the store of a source, and its folder where it is one.

    An S3 endpoint other than Amazon's is named by the environment as for the AWS tools:
    ``AWS_ENDPOINT_URL_S3`` or ``AWS_ENDPOINT_URL``.

    Parameters
    ----------
    signed
        Whether to show the credentials that the environment has, if any, to a bucket.

    Raises
    ------
    UsageError
        The address is none of ``s3://bucket``, ``https://host/path``, ``http://host/path`` and a
        folder.
    """
    _linger_at_exit()
    scheme, separator, rest = url.partition("://")
    if not separator:
        return _open_folder(url)
    if scheme == "s3":
        bucket, _, prefix = rest.partition("/")
        names = _CREDENTIALS if signed else ()
        shown = any(name in os.environ for name in names)
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or _REGION
        return _open_s3(
            url, bucket, prefix, region if shown else _REGION, patience, shown=shown
        ), None
    if scheme in ("http", "https"):
        return _open_web(url, rest, patience), None
    msg = f"SOURCE {url!r} has the scheme {scheme!r}; s3, https, http or a folder are possible"
    raise UsageError(msg)


@cache
def _linger_at_exit() -> None:
    """Give the threads of the client a moment to let go of Python's objects at its end.

    One that does so later finds no interpreter, and aborts the process whatever its exit status
    was.
    """
    atexit.register(time.sleep, 0.15)


def _open_folder(url: str) -> tuple[Any, Path]:
    from obstore.store import LocalStore

    folder = Path(url)
    if not folder.is_dir():
        msg = f"SOURCE {url!r} is no folder; give s3://bucket, https://host/path or a folder"
        raise UsageError(msg)
    return LocalStore(folder), folder


def _open_web(url: str, rest: str, patience: RetryPolicy) -> Any:
    from obstore import exceptions
    from obstore.store import HTTPStore

    host, _, path = rest.partition("/")
    amazon = _AMAZON.fullmatch(host)
    if amazon:  # speaks S3, so that it can be listed too
        bucket, prefix = amazon["bucket"], path
        if bucket is None:
            bucket, _, prefix = path.partition("/")
        return _open_s3(url, bucket, prefix, amazon["region"] or _REGION, patience, shown=False)
    try:
        return HTTPStore.from_url(url.rstrip("/"), **patience.options())
    except (exceptions.BaseError, ValueError) as error:
        msg = f"SOURCE {url!r} is no address of a web server: {error}"
        raise UsageError(msg) from error


def _open_s3(
    url: str, bucket: str, prefix: str, region: str, patience: RetryPolicy, *, shown: bool
) -> Any:
    from obstore.store import S3Store

    if not bucket:
        msg = f"SOURCE {url!r} names no bucket; s3://pmc-oa-opendata is PMC's"
        raise UsageError(msg)
    if not _BUCKET.fullmatch(bucket):
        msg = (
            f"SOURCE {url!r} names the bucket {bucket!r}; letters, digits, dots, hyphens and "
            "underscores are possible"
        )
        raise UsageError(msg)
    options: Any = patience.options()
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        options["endpoint"] = endpoint
    return S3Store(
        bucket, prefix=prefix.strip("/") or None, region=region, skip_signature=not shown, **options
    )


def _seconds(seconds: float) -> timedelta:
    from datetime import timedelta

    return timedelta(seconds=seconds)
