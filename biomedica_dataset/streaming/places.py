"""Where a dataset folder may lie: here, on the web, on the Hub or in S3; all give byte ranges."""

from __future__ import annotations

import json
import os
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from biomedica_dataset.errors import SourceError, UsageError
from biomedica_dataset.io.transfer import AbsentError, RefusedError, Traffic
from biomedica_dataset.io.web import Web


class Files(Protocol):
    """The files of a dataset folder.

    Attributes
    ----------
    base
        The address of the folder.
    traffic
        What was asked for and received so far.
    """

    base: str
    traffic: Traffic

    def whole(self, name: str) -> bytes:
        """Return a small file."""

    def range(self, name: str, start: int, length: int) -> Any:
        """Return a range of bytes of a file, all of it, good until this thread asks again."""

    def close(self) -> None:
        """End what is under way."""


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
        known = "a folder, hf://, https://, http:// and s3:// are possible"
        msg = f"{text!r} has the scheme {scheme!r}; {known}"
        raise UsageError(msg)
    if Path(text).is_dir():
        return Place(str(Path(text).resolve()))
    if isinstance(path_or_repo, str) and text.count("/") == 1 and text[0] not in "./~":
        return _repository(text, text)
    msg = (
        f"{text} is no folder; give a dataset folder, a repository such as org/name, hf://, "
        "https:// or s3://"
    )
    raise UsageError(msg)


def _repository(name: str, text: str) -> Place:
    from huggingface_hub import constants

    repo, _, revision = name.rstrip("/").partition("@")
    with closing(Web(f"{constants.ENDPOINT}/api/datasets", _token())) as hub:
        try:
            commit = json.loads(hub.whole(f"{repo}/revision/{revision or 'main'}"))["sha"]
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
    def __init__(self, base: str) -> None:
        self.base, self.traffic = base, Traffic()

    def close(self) -> None:
        """Do nothing: no file stays open."""

    def whole(self, name: str) -> bytes:
        return bytes(self.range(name, 0, -1))

    def range(self, name: str, start: int, length: int) -> bytes:
        try:
            with Path(self.base, name).open("rb", buffering=0) as file:
                file.seek(start)
                data = file.read(length) or b""
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
    """A bucket of S3, through obstore, which retries by itself."""

    def __init__(self, base: str) -> None:
        from biomedica_dataset.io.objects import RetryPolicy, open_store

        self.base, self.traffic = base, Traffic()
        self._store, _folder = open_store(base, RetryPolicy(), signed=True)

    def close(self) -> None:
        """Do nothing: the store closes its connections by itself."""

    def whole(self, name: str) -> bytes:
        return bytes(self._get(name, lambda: self._store.get(name).bytes()))

    def range(self, name: str, start: int, length: int) -> Any:
        data = self._get(name, lambda: self._store.get_range(name, start=start, length=length))
        if len(data) != length:
            msg = f"{self.base}/{name} is shorter than the index says; it is broken, or has changed"
            raise SourceError(msg)
        return data

    def _get(self, name: str, get: Any) -> Any:
        from obstore import exceptions

        self.traffic.requests += 1
        try:
            data = get()
        except (exceptions.BaseError, OSError, ValueError) as error:
            msg = f"{self.base}/{name} cannot be read: {str(error).splitlines()[0]}"
            absent = isinstance(error, (FileNotFoundError, exceptions.NotFoundError))
            raise (AbsentError if absent else SourceError)(msg) from error
        self.traffic.received += len(data)
        return data
