"""Connections to web servers, through the proxy that the environment names if there is one."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from biomedica_dataset.errors import UsageError


def connect(scheme: str, netloc: str, timeout: float) -> http.client.HTTPConnection:
    """Return a connection to a host, not yet opened.

    Parameters
    ----------
    timeout
        Seconds between two pieces of an answer.

    Raises
    ------
    UsageError
        The scheme is neither ``http`` nor ``https``.
    """
    if scheme not in ("http", "https"):
        msg = f"{scheme}://{netloc} is no address of a web server"
        raise UsageError(msg)
    secure = scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    proxy = getproxies().get(scheme)
    if not secure or proxy is None or proxy_bypass(urlsplit(f"//{netloc}").hostname or ""):
        return kind(netloc, timeout=timeout)
    connection = kind(urlsplit(proxy).netloc.rpartition("@")[2], timeout=timeout)
    connection.set_tunnel(netloc)
    return connection
