"""Serves a page on this machine: its files, its images and its requests."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from biomedica_dataset.errors import BiomedicaError, UsageError
from biomedica_dataset.extras import require

from .guard import Guard

_KINDS = {".css": "text/css", ".js": "text/javascript"}
_ANY = ("0.0.0.0", "::")
_LONGEST = 2**17  # bytes of a request
_KEPT = {"cache-control": "private, max-age=3600"}
_FRESH = {"cache-control": "no-store"}


@dataclass(frozen=True, slots=True)
class Page:
    """A page, and what it asks of its server.

    Parameters
    ----------
    files
        Scripts and styles.
    posts
        Functions that answer the requests, by path.
    """

    html: str
    files: tuple[Path, ...]
    posts: dict[str, Callable[[dict[str, Any]], dict[str, Any]]]


class Images(Protocol):
    """The images of a page by key: no name of a file comes from a request."""

    def thumbnail(self, key: str) -> tuple[bytes, str] | None:
        """Return a small image and its media type; ``None`` if there is none."""

    def original(self, key: str) -> tuple[bytes, str] | None:
        """Return the stored bytes and their media type; ``None`` if there are none."""


def serve(
    page: Page,
    images: Images,
    *,
    host: str = "127.0.0.1",
    port: int,
    ready: Callable[[str], None],
    close: Callable[[], None],
) -> None:
    """Serve the page until it is stopped.

    Parameters
    ----------
    page
        What is shown and asked.
    images
        The images that are given out.
    host
        Where to listen; if other machines reach it, the address holds a token.
    ready
        Called with the address when the server answers.
    close
        Called when the page is stopped.

    Raises
    ------
    UsageError
        A library is missing, or the page cannot be served there.
    """
    uvicorn = require("uvicorn", "review")
    guard = Guard.of(host)
    try:
        family, *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        msg = (
            f"the page cannot be served on port {port} of {host}: {error}; choose another with "
            "--port or --host"
        )
        raise UsageError(msg) from error
    name = socket.gethostname() if host in _ANY else f"[{host}]" if ":" in host else host
    query = f"?token={guard.token}" if guard.token else ""

    @contextlib.asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[None]:
        ready(f"http://{name}:{port}/{query}")
        yield
        close()

    app = guard.wrap(_application(page, images, lifespan))
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, proxy_headers=False,
        ws="none", limit_concurrency=200, timeout_graceful_shutdown=2,
    )  # fmt: skip
    with listening:
        uvicorn.Server(config).run(sockets=[listening])


def _application(page: Page, images: Images, lifespan: Any) -> Any:
    """Return the whole of what is answered: files, two kinds of images, three requests."""
    applications = require("starlette.applications", "review")
    routing = require("starlette.routing", "review")
    responses = require("starlette.responses", "review")

    def failed(_request: Any, error: BiomedicaError) -> Any:
        status = 400 if isinstance(error, UsageError) else 500
        return responses.JSONResponse({"error": str(error)}, status)

    return applications.Starlette(
        routes=[
            routing.Route("/", _file(page.html.encode(), "text/html")),
            *(
                routing.Route(f"/{path.name}", _file(path.read_bytes(), _KINDS[path.suffix]))
                for path in page.files
            ),
            *(routing.Route(at, _post(do), methods=["POST"]) for at, do in page.posts.items()),
            routing.Route("/thumbnails/{key}", _image(images.thumbnail)),
            routing.Route("/originals/{key}", _image(images.original)),
        ],
        exception_handlers={BiomedicaError: failed},
        lifespan=lifespan,
    )


def _file(data: bytes, kind: str) -> Callable[[Any], Any]:
    response = require("starlette.responses", "review").Response
    return lambda _request: response(data, media_type=kind, headers=_FRESH)


def _image(find: Callable[[str], tuple[bytes, str] | None]) -> Callable[[Any], Any]:
    response = require("starlette.responses", "review").Response

    def answered(request: Any) -> Any:  # in a thread, as it is no coroutine
        found = find(request.path_params["key"])
        if found is None:
            return response("there is no such image", 404)
        return response(found[0], media_type=found[1], headers=_KEPT)

    return answered


def _post(handler: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Any], Any]:
    response = require("starlette.responses", "review").JSONResponse
    in_thread = require("starlette.concurrency", "review").run_in_threadpool

    async def answered(request: Any) -> Any:
        return response(await in_thread(handler, await _sent(request)), headers=_FRESH)

    return answered


async def _sent(request: Any) -> dict[str, Any]:
    """Return what a request holds, within bounds."""
    is_json = request.headers.get("content-type", "").partition(";")[0] == "application/json"
    data = b""
    async for part in request.stream():
        data += part
        if len(data) > _LONGEST or not is_json:
            msg = f"a request must be JSON of at most {_LONGEST:,} bytes"
            raise UsageError(msg)
    try:
        sent = json.loads(data)
    except (ValueError, RecursionError) as error:
        msg = "a request must be JSON"
        raise UsageError(msg) from error
    if not isinstance(sent, dict):
        msg = "a request must be a JSON object"
        raise UsageError(msg)
    return sent
