"""Addresses of folders on web servers, apart from what gives access to them."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import SplitResult, unquote, urlsplit

from biomedica_dataset.errors import UsageError, without_secrets


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a folder, and what is sent to its host alone.

    Parameters
    ----------
    url
        The address without user, password and query: it may be printed and written.
    headers
        The login that its user and password give.
    query
        Its query, such as a token, which each request repeats.

    Examples
    --------
    >>> Address.of("https://me:secret@host/data/?token=abc").url
    'https://host/data'
    """

    url: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    query: str = field(default="", repr=False)

    @classmethod
    def of(cls, url: str) -> Address:
        """Take an address apart.

        Raises
        ------
        UsageError
            It is not the address of a web server.
        """
        try:
            parts = urlsplit(url)
            public = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="")
            return cls(public.geturl().rstrip("/"), basic_login(parts), parts.query)
        except ValueError as error:
            msg = f"{without_secrets(url)} is not the address of a web server: {error}"
            raise UsageError(msg) from None


def basic_login(parts: SplitResult) -> dict[str, str]:
    """Return the header that gives a server the user and password of its address, if any.

    Examples
    --------
    >>> basic_login(urlsplit("http://user:pw@host/"))
    {'Authorization': 'Basic dXNlcjpwdw=='}
    """
    if parts.username is None:
        return {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


@lru_cache(1024)
def split_address(address: str) -> SplitResult:
    """Return the parts of the address of a web server, without user and password.

    Raises
    ------
    UsageError
        It is not one.
    """
    try:
        parts = urlsplit(address)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            parts.hostname.encode("idna")
            return parts._replace(netloc=parts.netloc.rpartition("@")[2])
    except ValueError:  # brackets, a port or a name that cannot be
        pass
    msg = f"{address[:200]} is not an http or https address"
    raise UsageError(msg)
