"""Where a dataset folder may lie: here, on the web, on the Hub or in S3; all give byte ranges."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from biomedica_dataset.errors import ArchiveError, SourceError, UsageError
from biomedica_dataset.io.failures import plain
from biomedica_dataset.io.links import check_links
from biomedica_dataset.io.transfer import AbsentError, DamagedError, RefusedError, Traffic
from biomedica_dataset.io.web import Web

Read = TypeVar("Read")

_REPO = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
_COMMIT = re.compile("[0-9a-f]{40}")
_TRIES = 5  # of bytes that fail their check
_PAUSE = 0.25  # seconds before the second try, doubled with each further one
_QUICK = 3.0  # seconds: a store that failed sooner has hardly tried again by itself
_MOST_WHOLE = 2**26  # bytes of a file of unknown size


class Files(Protocol):
    """The files of a dataset folder.

    Attributes
    ----------
    base
        The address of the folder.
    traffic
        What was asked for and received so far.
    tries
        How often to read bytes that fail their check: those of a server may be right the next time.
    """

    base: str
    traffic: Traffic
    tries: int

    def whole(self, name: str) -> bytes:
        """Return a small file."""

    def range(self, name: str, start: int, length: int) -> Any:
        """Return a range of bytes of a file, all of it, good until this thread asks again."""

    def forget(self, name: str) -> None:
        """Forget what is known of a file whose bytes failed their check."""

    def close(self) -> None:
        """End what is under way."""


def until_valid(files: Files, name: str, read: Callable[[], Read]) -> Read:
    """Return what is read and checked, asking a server again for bytes that fail their check."""
    for attempt in range(files.tries - 1):
        try:
            return read()
        except (ArchiveError, DamagedError):
            files.forget(name)
            time.sleep(_PAUSE * 2**attempt)
    return read()


@dataclass(frozen=True, slots=True)
class Place:
    """The address of a dataset folder; it can be sent to another process.

    Parameters
    ----------
    url
        A local path, or an address with ``http``, ``https``, ``hf`` or ``s3``.
    """

    url: str

    @property
    def is_local(self) -> bool:
        """Whether it is a folder of this machine."""
        return "://" not in self.url

    def open(self, addresses: dict[str, str] | None = None) -> Files:
        """Return its files, for use in this process.

        Parameters
        ----------
        addresses
            Where files lie that a server redirects to; more are added.
        """
        if self.is_local:
            return _Local(self.url)
        if self.url.startswith("s3://"):
            return _Store(self.url)
        if not self.url.startswith("hf://"):
            return Web(self.url, addresses=addresses)
        from huggingface_hub import constants

        repo, _, commit = self.url.removeprefix("hf://datasets/").partition("@")
        return Web(f"{constants.ENDPOINT}/datasets/{repo}/resolve/{commit}", _token(), addresses)


def find(path_or_repo: str | os.PathLike[str]) -> Place:
    """Return the place that a path, an address or the name of a Hub repository means.

    A local folder wins. A repository is held to the commit that it has now.

    Raises
    ------
    UsageError
        There is no such folder or repository, or the address is of another kind.
    SourceError
        The Hub cannot be asked.
    """
    text = os.fspath(path_or_repo)
    scheme, separator, rest = text.partition("://")
    if separator:
        if scheme == "hf":
            return _repository(rest.removeprefix("datasets/"), text)
        if scheme in ("http", "https", "s3"):
            return Place(text.rstrip("/"))
        known = "give a folder, or an address with hf://, https://, http:// or s3://"
        msg = f"{text!r} has the scheme {scheme!r}; {known}"
        raise UsageError(msg)
    if Path(text).is_dir():
        return Place(str(Path(text).resolve()))
    if isinstance(path_or_repo, str) and text.count("/") == 1 and text[0] not in "./~":
        return _repository(text, text)
    msg = (
        f"{text} is not a folder; give a dataset folder, a repository such as org/name, hf://, "
        "https:// or s3://"
    )
    raise UsageError(msg)


def _repository(name: str, text: str) -> Place:
    from huggingface_hub import constants

    repo, _, revision = name.rstrip("/").partition("@")
    if not _REPO.fullmatch(repo) or ".." in revision.split("/"):
        msg = f"{text} is not a repository of the Hub such as hf://datasets/org/name@revision"
        raise UsageError(msg)
    with closing(Web(f"{constants.ENDPOINT}/api/datasets", _token())) as hub:
        try:
            answer = hub.whole(f"{repo}/revision/{revision or 'main'}")
            commit = _COMMIT.fullmatch(json.loads(answer)["sha"])[0]  # type: ignore[index]
        except (AbsentError, RefusedError) as error:
            msg = (
                f"{text} is neither a folder here nor a dataset repository on the Hub that you may "
                "read; if it is private, run `hf auth login`"
            )
            raise UsageError(msg) from error
        except (ValueError, KeyError, TypeError) as error:
            msg = f"{hub.base}/{repo}: the answer has no commit: {error!r}"
            raise SourceError(msg) from error
    return Place(f"hf://datasets/{repo}@{commit}")


def _token() -> dict[str, str]:
    """Return the header that says who is asking, by huggingface_hub's login or environment."""
    from huggingface_hub import get_token

    token = get_token()
    return {"Authorization": f"Bearer {token}"} if token else {}


class _Local:
    tries = 1

    def __init__(self, base: str) -> None:
        self.base, self.traffic = base, Traffic()

    def forget(self, name: str) -> None:
        """Do nothing: nothing is kept."""

    def close(self) -> None:
        """Do nothing: no file stays open."""

    def whole(self, name: str) -> bytes:
        return bytes(self.range(name, 0, -1))

    def range(self, name: str, start: int, length: int) -> bytes:
        check_links(self.base, name)
        try:
            with Path(self.base, name).open("rb", buffering=0) as file:
                there = max(0, os.fstat(file.fileno()).st_size - start)
                file.seek(start)
                data = file.read(min(length, there) if length >= 0 else there) or b""
        except FileNotFoundError as error:
            msg = f"{self.base} has no {name}; is it a dataset folder, and all of it there?"
            raise AbsentError(msg) from error
        except OSError as error:
            msg = f"{self.base}/{name} cannot be read: {error.strerror or error}"
            raise SourceError(msg) from error
        self.traffic.requests += 1
        self.traffic.received += len(data)
        if 0 <= length != len(data):
            msg = f"{self.base}/{name} is shorter than the index says; it is broken, or has changed"
            raise SourceError(msg)
        return data


class _Store:
    """A bucket of S3, through obstore, which repeats most failures by itself."""

    tries = _TRIES

    def __init__(self, base: str) -> None:
        from biomedica_dataset.io.objects import RetryPolicy, open_store

        self.base, self.traffic = base, Traffic()
        self._store, _folder = open_store(base, RetryPolicy(), signed=True)

    def forget(self, name: str) -> None:
        """Do nothing: nothing is kept."""

    def close(self) -> None:
        """Do nothing: the store closes its connections by itself."""

    def whole(self, name: str) -> bytes:
        return bytes(self._get(name, lambda: self._whole(name)))

    def _whole(self, name: str) -> Any:
        answer = self._store.get(name)
        if answer.meta["size"] > _MOST_WHOLE:
            msg = f"it has {answer.meta['size']:,} bytes; at most {_MOST_WHOLE:,} can be read"
            raise ValueError(msg)
        return answer.bytes()

    def range(self, name: str, start: int, length: int) -> Any:
        data = self._get(name, lambda: self._store.get_range(name, start=start, length=length))
        if len(data) != length:
            msg = f"{self.base}/{name} is shorter than the index says; it is broken, or has changed"
            raise DamagedError(msg)
        return data

    def _get(self, name: str, get: Callable[[], Any]) -> Any:
        from obstore import exceptions

        for attempt in range(1, _TRIES + 1):
            self.traffic.requests += 1
            started = time.monotonic()
            try:
                data = get()
            except (FileNotFoundError, exceptions.NotFoundError) as error:
                msg = f"{self.base}/{name}: there is no such file"
                raise AbsentError(msg) from error
            except (exceptions.BaseError, OSError, ValueError) as error:
                if attempt == _TRIES or time.monotonic() - started > _QUICK:
                    msg = f"{self.base}/{name} cannot be read: {plain(error)}"
                    raise SourceError(msg) from error
                time.sleep(_PAUSE * 2 ** (attempt - 1))
            else:
                break
        self.traffic.received += len(data)
        return data
