"""Opens the object store at the address of a source."""

from __future__ import annotations

import atexit
import os
import re
import time
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from biomedica_dataset.errors import UsageError

from .addresses import Address

_REGION = "us-east-1"
_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
)
"""Environment variables from which the store reads credentials."""

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
_AMAZON = re.compile(
    r"(?:(?P<bucket>[a-z0-9.-]+)\.)?s3[.-](?:dualstack\.)?(?:(?P<region>[a-z0-9-]+)\.)?amazonaws\.com"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How long to wait for a request, and how often to retry it.

    Parameters
    ----------
    connect, silence
        Seconds to connect, and between two pieces of an answer.
    whole
        Seconds for one whole answer.
    retries
        After a 5xx or 429 answer, silence or a lost connection.
    first_pause, longest_pause
        Seconds before the first retry, doubled for each further one, and their maximum.
    """

    connect: float = 10
    silence: float = 30
    whole: float = 3600  # an inventory file has tens of MB
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


def open_store(url: str, policy: RetryPolicy, *, signed: bool = False) -> tuple[Any, Path | None]:
    """Return the store of a source, and its folder if it is local.

    As for the AWS tools, ``AWS_ENDPOINT_URL_S3`` or ``AWS_ENDPOINT_URL`` names an S3 endpoint other
    than Amazon's.

    Parameters
    ----------
    signed
        Whether to send a bucket the credentials of the environment, if any.

    Raises
    ------
    UsageError
        The address is not ``s3://bucket``, ``https://host/path``, ``http://host/path`` or a folder.
    """
    _linger_at_exit()
    scheme, separator, rest = url.partition("://")
    if not separator:
        return _open_folder(url)
    if scheme == "s3":
        bucket, _, prefix = rest.partition("/")
        names = _CREDENTIALS if signed else ()
        is_signed = any(name in os.environ for name in names)
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or _REGION
        return _open_s3(
            url, bucket, prefix, region if is_signed else _REGION, policy, is_signed=is_signed
        ), None
    if scheme in ("http", "https"):
        return _open_web(url, policy), None
    msg = f"SOURCE {url!r} has the scheme {scheme!r}; use s3, https, http or a folder"
    raise UsageError(msg)


@cache
def _linger_at_exit() -> None:
    """Give the client's threads a moment to release Python objects at exit.

    A thread that does so later finds no interpreter and aborts the process, whatever its exit
    status.
    """
    atexit.register(time.sleep, 0.15)


def _open_folder(url: str) -> tuple[Any, Path]:
    from obstore.store import LocalStore

    folder = Path(url)
    if not folder.is_dir():
        msg = f"SOURCE {url!r} is not a folder; give s3://bucket, https://host/path or a folder"
        raise UsageError(msg)
    return LocalStore(folder), folder


def _open_web(url: str, policy: RetryPolicy) -> Any:
    from obstore import exceptions
    from obstore.store import HTTPStore

    given = Address.of(url)
    host, _, path = given.url.partition("://")[2].partition("/")
    amazon = _AMAZON.fullmatch(host)
    if amazon:  # an S3 address, which can also be listed
        bucket, prefix = amazon["bucket"], path
        if bucket is None:
            bucket, _, prefix = path.partition("/")
        return _open_s3(url, bucket, prefix, amazon["region"] or _REGION, policy, is_signed=False)
    try:
        options = policy.options()
        options["client_options"]["default_headers"] = given.headers
        return HTTPStore.from_url(f"{given.url}?{given.query}".rstrip("?"), **options)
    except (exceptions.BaseError, ValueError) as error:
        msg = f"SOURCE {url!r} is not the address of a web server: {error}"
        raise UsageError(msg) from error


def _open_s3(
    url: str, bucket: str, prefix: str, region: str, policy: RetryPolicy, *, is_signed: bool
) -> Any:
    from obstore.store import S3Store

    if not bucket:
        msg = f"SOURCE {url!r} names no bucket; PMC's is s3://pmc-oa-opendata"
        raise UsageError(msg)
    if not _BUCKET.fullmatch(bucket):
        msg = (
            f"SOURCE {url!r} names the bucket {bucket!r}; only letters, digits, dots, hyphens "
            "and underscores are allowed"
        )
        raise UsageError(msg)
    options: Any = policy.options()
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        options["endpoint"] = endpoint
    return S3Store(
        bucket,
        prefix=prefix.strip("/") or None,
        region=region,
        skip_signature=not is_signed,
        **options,
    )


def _seconds(seconds: float) -> timedelta:
    from datetime import timedelta

    return timedelta(seconds=seconds)
