"""A server that redirects each file to an address that expires, as the Hub does."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

COMMIT = "c0ffee" * 6 + "c0ff"


class RedirectingServer:
    """Serves ``/repo/NAME`` by redirecting to ``/signed/TERM/NAME``, good until the term ends."""

    def __init__(self, root: Path) -> None:
        self.root, self.term, self.resolved = root, 0, Counter()
        self.headers: list[str | None] = []
        handler = type("Handler", (_Handler,), {"owner": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/repo"

    def __enter__(self) -> RedirectingServer:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    owner: RedirectingServer

    def log_message(self, *_: object) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        if self.path == "/api/datasets/org/name/revision/main":
            self._answer(200, json.dumps({"sha": COMMIT}).encode())
            return
        if self.path.startswith("/api/"):
            self._answer(401, b"no such repository, or not for you")
            return
        self.path = self.path.replace(f"/datasets/org/name/resolve/{COMMIT}/", "/repo/")
        kind, _, rest = self.path.lstrip("/").partition("/")
        if kind == "repo":
            self.owner.resolved[rest] += 1
            self._answer(302, b"moved", Location=f"/signed/{self.owner.term}/{rest}")
            return
        term, _, name = rest.partition("/")
        if int(term) != self.owner.term:
            self._answer(403, b"expired")
            return
        data, status, headers = (self.owner.root / name).read_bytes(), 200, {}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range") or "")
        if wanted:
            start, stop = int(wanted[1]), min(int(wanted[2]) + 1, len(data))
            headers = {"Content-Range": f"bytes {start}-{stop - 1}/{len(data)}"}
            data, status = data[start:stop], 206
        self._answer(status, data, **headers)

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
