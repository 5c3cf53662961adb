"""The page on which experts answer: its addresses, and the server that answers them."""

from __future__ import annotations

import contextlib
import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biomedica_dataset.errors import BiomedicaError, UsageError
from biomedica_dataset.extras import require

from .guard import Guard
from .handlers import Handlers
from .originals import read_original

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from biomedica_dataset.archive.ledger import Archive

    from .session import ReviewSession

_DATA = Path(__file__).with_name("data")
_FILES = {
    "/": ("page.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/viewer.js": ("viewer.js", "text/javascript"),
}
_ANY = ("0.0.0.0", "::")
_LONGEST = 2**17  # bytes of a request
_KEPT = {"cache-control": "private, max-age=3600"}
_FRESH = {"cache-control": "no-store"}


def serve(
    session: ReviewSession,
    archive: Archive,
    *,
    host: str = "127.0.0.1",
    port: int,
    ready: Callable[[str], None],
) -> None:
    """Serve the page until it is stopped.

    Parameters
    ----------
    archive
        Where the images are stored.
    host
        Where to listen; if other machines reach it, the address holds a token.
    ready
        Called with the address when the server answers.

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
        session.close()

    app = guard.wrap(_application(session, archive, lifespan))
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, proxy_headers=False,
        ws="none", limit_concurrency=200, timeout_graceful_shutdown=2,
    )  # fmt: skip
    with listening:
        uvicorn.Server(config).run(sockets=[listening])


def _application(session: ReviewSession, archive: Archive, lifespan: Any) -> Any:
    """Return the whole of what is answered: four files, two kinds of images, three requests."""
    applications = require("starlette.applications", "review")
    routing = require("starlette.routing", "review")
    responses = require("starlette.responses", "review")
    handlers = Handlers(session)

    def failed(_request: Any, error: BiomedicaError) -> Any:
        status = 400 if isinstance(error, UsageError) else 500
        return responses.JSONResponse({"error": str(error)}, status)

    posts = {"/join": handlers.join, "/show": handlers.show, "/answer": handlers.answer}
    images = _Images(session, archive)
    return applications.Starlette(
        routes=[
            *(routing.Route(path, _file(*file)) for path, file in _FILES.items()),
            *(routing.Route(path, _post(do), methods=["POST"]) for path, do in posts.items()),
            routing.Route("/thumbnails/{key}", images.thumbnail),
            routing.Route("/originals/{key}", images.original),
        ],
        exception_handlers={BiomedicaError: failed},
        lifespan=lifespan,
    )


def _file(name: str, kind: str) -> Callable[[Any], Any]:
    response = require("starlette.responses", "review").Response
    data = (_DATA / name).read_bytes()
    return lambda _request: response(data, media_type=kind, headers=_FRESH)


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


class _Images:
    """Answers with images by the keys of the sheets: no name of a file comes from a request."""

    def __init__(self, session: ReviewSession, archive: Archive) -> None:
        self._cards, self._archive = session.review.cards, archive
        self._folder = Path(session.review.folder.root).resolve()
        self._response = require("starlette.responses", "review").Response

    def thumbnail(self, request: Any) -> Any:
        card = self._cards.get(request.path_params["key"])
        path = (self._folder / ((card and card.thumbnail) or "")).resolve()
        if not path.is_file() or not path.is_relative_to(self._folder / "thumbs"):
            return self._response("there is no such image", 404)
        return self._response(path.read_bytes(), media_type="image/jpeg", headers=_KEPT)

    def original(self, request: Any) -> Any:
        card = self._cards.get(request.path_params["key"])
        found = read_original(self._archive, card) if card else None
        if found is None:
            return self._response("the archive holds no such image", 404)
        data, kind = found
        return self._response(data, media_type=kind, headers=_KEPT)
