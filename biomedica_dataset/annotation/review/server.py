"""Serves a page on which experts answer: its files, its images and its requests."""

from __future__ import annotations

import contextlib
import json
import socket
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from biomedica_dataset.errors import BiomedicaError, UsageError
from biomedica_dataset.extras import require

from .guard import Guard
from .originals import read_original

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from biomedica_dataset.archive.ledger import Archive
    from biomedica_dataset.io.folders import Folder

    from .thumbnails import Card
    from .work import Work

_DATA = Path(__file__).with_name("data")
_KINDS = {".css": "text/css", ".js": "text/javascript"}
_SHARED = (_DATA / "page.css", _DATA / "work.js")
_ANY = ("0.0.0.0", "::")
_LONGEST = 2**17  # bytes of a request
_KEPT = {"cache-control": "private, max-age=3600"}
_FRESH = {"cache-control": "no-store"}


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows and asks.

    Parameters
    ----------
    items
        What one goes through, such as ``Clusters``.
    body
        HTML file of what is shown of an item; the head and the form for the name are shared.
    files
        Scripts and styles; a script and a style have the name of the HTML file.
    posts
        Functions that answer the requests, by path.
    """

    items: str
    body: Path
    files: tuple[Path, ...]
    posts: dict[str, Callable[[dict[str, Any]], dict[str, Any]]]

    def html(self) -> str:
        """Return the page as HTML."""
        shell = Template((_DATA / "page.html").read_text(encoding="utf-8"))
        body = self.body.read_text(encoding="utf-8")
        return shell.substitute(items=self.items, name=self.body.stem, body=body)


class Images:
    """Answers with images by the keys of the sheets: no name of a file comes from a request.

    Parameters
    ----------
    cards
        Images by key.
    folder
        Folder of the sheets, which has the thumbnails.
    archive
        Where the images are stored.
    """

    def __init__(self, cards: Mapping[str, Card], folder: Folder, archive: Archive) -> None:
        self._cards, self._archive = cards, archive
        self._folder = Path(folder.root).resolve()
        self._response = require("starlette.responses", "review").Response

    def thumbnail(self, request: Any) -> Any:
        """Answer with the thumbnail of a key."""
        card = self._cards.get(request.path_params["key"])
        path = (self._folder / ((card and card.thumbnail) or "")).resolve()
        if not path.is_file() or not path.is_relative_to(self._folder / "thumbs"):
            return self._response("there is no such image", 404)
        return self._response(path.read_bytes(), media_type="image/jpeg", headers=_KEPT)

    def original(self, request: Any) -> Any:
        """Answer with the stored bytes of a key."""
        card = self._cards.get(request.path_params["key"])
        found = read_original(self._archive, card) if card else None
        if found is None:
            return self._response("the archive holds no such image", 404)
        data, kind = found
        return self._response(data, media_type=kind, headers=_KEPT)


def serve(
    page: Page,
    session: Work[Any, Any],
    images: Images,
    *,
    host: str = "127.0.0.1",
    port: int,
    ready: Callable[[str], None],
) -> None:
    """Serve the page until it is stopped.

    Parameters
    ----------
    page
        What is shown and asked.
    session
        Closed when the page is stopped.
    images
        The images that are given out.
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

    files = [*_SHARED, *page.files]
    return applications.Starlette(
        routes=[
            routing.Route("/", _file(page.html().encode(), "text/html")),
            *(
                routing.Route(f"/{path.name}", _file(path.read_bytes(), _KINDS[path.suffix]))
                for path in files
            ),
            *(routing.Route(at, _post(do), methods=["POST"]) for at, do in page.posts.items()),
            routing.Route("/thumbnails/{key}", images.thumbnail),
            routing.Route("/originals/{key}", images.original),
        ],
        exception_handlers={BiomedicaError: failed},
        lifespan=lifespan,
    )


def _file(data: bytes, kind: str) -> Callable[[Any], Any]:
    response = require("starlette.responses", "review").Response
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
