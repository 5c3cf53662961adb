"""A server on loopback that plays ESearch and EFetch, and misbehaves on demand."""

from __future__ import annotations

import datetime
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from .made import TAIL, document

if TYPE_CHECKING:
    from collections.abc import Callable

HTML = (
    b"<!DOCTYPE html><html><head><title>Service unavailable</title></head><body>Sorry</body></html>"
)


@dataclass(frozen=True)
class Fault:
    """An answer that comes in place of the right one, or that one without ``cut`` bytes."""

    status: int = 200
    body: bytes | None = None
    retry_after: str | None = None
    cut: int = 0
    promise: int = 0


@dataclass
class Eutils:
    """What the server knows, does wrong, and was asked.

    Parameters
    ----------
    records
        XML by PMID.
    released
        Release day of each PMCID, for ESearch.
    faults
        Taken one a request, until there are no more.
    arrange
        Changes the records of an answer: leaves out, reorders, repeats.
    """

    records: dict[int, str] = field(default_factory=dict)
    released: dict[int, datetime.date] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    arrange: Callable[[list[str]], list[str]] = list
    lies: int = 0
    asked: list[dict[str, str]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, service: str, given: dict[str, str]) -> bytes:
        if service == "efetch":
            found = [self.records[int(i)] for i in given["id"].split(",") if int(i) in self.records]
            return document(*self.arrange(found))
        if service == "esummary":
            return self.summaries([int(i) for i in given["id"].split(",")])
        return self.search(given["term"], int(given["retmax"]))

    def search(self, term: str, most: int) -> bytes:
        ids = sorted(self.released, reverse=True)
        found = re.search(r"(\d+/\d+/\d+):(\d+/\d+/\d+)\[pmcrdat\]", term)
        if found:
            first, last = (datetime.date(*map(int, day.split("/"))) for day in found.groups())
            ids = [i for i in ids if first <= self.released[i] <= last]
        count = len(ids) + (0 if found else self.lies)
        listed = "".join(f"<Id>{i}</Id>\n" for i in ids[:most])
        return (
            f'<?xml version="1.0" encoding="UTF-8" ?>\n<eSearchResult><Count>{count}</Count>'
            f"<RetMax>{most}"
            f"</RetMax><RetStart>0</RetStart><IdList>{listed}</IdList><TranslationSet/>"
            f"<QueryTranslation>understood</QueryTranslation></eSearchResult>\n"
        ).encode()

    def summaries(self, ids: list[int]) -> bytes:
        docs = "".join(
            f'<DocSum><Id>{i}</Id><Item Name="Title" Type="String">Title of {i}</Item></DocSum>'
            for i in reversed(ids)
        )
        return f"<eSummaryResult>{docs}</eSummaryResult>".encode()


class EutilsServer:
    """Runs `Eutils` at ``url``, to be used as a context manager."""

    def __init__(self, eutils: Eutils) -> None:
        self.eutils = eutils
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(eutils))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/eutils"

    def __enter__(self) -> EutilsServer:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(eutils: Eutils) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            given = {name: values[0] for name, values in parse_qs(body).items()}
            service = self.path.rpartition("/")[2].removesuffix(".fcgi")
            with eutils.lock:
                eutils.times.append(time.time())
                eutils.asked.append({"service": service, "path": self.path, **given})
                fault = eutils.faults.pop(0) if eutils.faults else Fault()
                right = eutils.answer(service, given) if fault.body is None else fault.body
            data = right[: len(right) - fault.cut]
            self.send_response(fault.status)
            if fault.retry_after is not None:
                self.send_header("Retry-After", fault.retry_after)
            self.send_header("Content-Length", str(len(data) + fault.promise))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_arguments: object) -> None:
            pass

    return Handler


TRUNCATED = Fault(cut=len(TAIL))
