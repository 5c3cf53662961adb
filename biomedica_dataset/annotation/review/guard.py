"""Which requests the review page answers: those of its own page, and no other's."""

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from biomedica_dataset.extras import require

_COOKIE = "biomedica-review"
_HEADERS = {
    # Captions and names are text of strangers: nothing may run or be fetched from elsewhere.
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_OTHERS = "requests of other pages are refused"


def is_loopback(host: str) -> bool:
    """Whether a host is this machine alone.

    Examples
    --------
    >>> is_loopback("localhost"), is_loopback("::1"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_of_page(headers: Mapping[str, str]) -> bool:
    """Whether the page itself sent a request, or a person who entered an address."""
    return headers.get("sec-fetch-site", "none") in ("none", "same-origin")


@dataclass(frozen=True, slots=True)
class Guard:
    """Refuses requests that other pages, or people without the token, have sent.

    Parameters
    ----------
    names
        Names of the machine that is served: a name of the web that leads to it is not one.
    token
        What the address must hold, if anything; a cookie keeps it.
    """

    names: frozenset[str]
    token: str | None = None

    @classmethod
    def of(cls, host: str) -> Guard:
        """Return the guard of a host: with a new token, if other machines reach it."""
        if is_loopback(host):
            return cls(frozenset({"localhost"}))
        names = {"localhost", host.lower(), socket.gethostname().lower(), socket.getfqdn().lower()}
        return cls(frozenset(names), secrets.token_urlsafe(16))

    def refusal(self, method: str, path: str, headers: Mapping[str, str]) -> str | None:
        """Return why a request is refused, ``None`` if it is not.

        Examples
        --------
        >>> Guard.of("127.0.0.1").refusal("GET", "/", {"host": "rebound.example:7860"})
        'this page is not served as rebound.example:7860'
        >>> Guard.of("127.0.0.1").refusal("GET", "/", {"host": "localhost:7860"})
        """
        host = headers.get("host", "")
        if not self._is_own(host):
            return f"this page is not served as {host[:80]}"
        origin = headers.get("origin")
        if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
            return _OTHERS
        is_link = (method, path, headers.get("sec-fetch-dest")) == ("GET", "/", "document")
        return None if is_link or _is_of_page(headers) else _OTHERS

    def _is_own(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        # An address is not looked up, so nobody can bend it to this machine.
        return name in self.names or _is_address(name)

    def is_admitted(self, given: str | None) -> bool:
        """Whether a token, of the address or of the cookie, is the right one."""
        return self.token is None or secrets.compare_digest(
            (given or "").encode(), self.token.encode()
        )

    def wrap(self, app: Any) -> Any:
        """Return an ASGI application that answers what is not refused."""
        requests = require("starlette.requests", "review")
        responses = require("starlette.responses", "review")

        async def guarded(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return

            async def sealed(message: Any) -> None:
                if message["type"] == "http.response.start":
                    own = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                    message["headers"] = [*message["headers"], *own]
                await send(message)

            request = requests.Request(scope)
            told = self.refusal(request.method, scope["path"], request.headers)
            given = request.query_params.get("token")
            is_of_page = _is_of_page(request.headers)
            rest = request.url.remove_query_params("token").query if is_of_page else ""
            if told is not None:
                answer = responses.PlainTextResponse(told, 403)
            elif self.token and given and self.is_admitted(given):
                answer = responses.RedirectResponse(f"/?{rest}", 303)
                answer.set_cookie(_COOKIE, given, httponly=True, samesite="lax")
            elif not self.is_admitted(request.cookies.get(_COOKIE)):
                told = "open the address that the command printed: it holds the token of this page"
                answer = responses.PlainTextResponse(told, 403)
            elif request.url.query and not is_of_page:  # no other page names an annotator
                answer = responses.RedirectResponse("/", 303)
            else:
                answer = app
            await answer(scope, receive, sealed)

        return guarded
