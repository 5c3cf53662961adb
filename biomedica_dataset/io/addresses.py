"""Addresses of folders on web servers, apart from what gives access to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from biomedica_dataset.errors import UsageError, without_secrets

from .http import basic_login


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
