"""No server holds a request for ever, fills memory, or passes something else off as data."""

from __future__ import annotations

import contextlib
import time
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biomedica_dataset.errors import SourceError, UsageError
from biomedica_dataset.io.addresses import Address, split_address
from biomedica_dataset.io.http import retry_after
from biomedica_dataset.io.web import Web

from ..servers import BucketServer, Fault
from ..servers.rude import ENDLESS, OK, RudeServer, says

DATA = bytes(range(256)) * 40
PART = b"HTTP/1.1 206 Partial Content\r\n"


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    """Make all limits small."""
    for name, value in {
        "_PAUSE": 0.01, "_SILENCE": 0.2, "_PATIENCE": 0.3, "_SILENT": 0.3, "_MOST_WHOLE": 10**6,
        "_UNKNOWN": 1,
    }.items():  # fmt: skip
        monkeypatch.setattr(f"biomedica_dataset.io.web.{name}", value)
    monkeypatch.setattr("biomedica_dataset.io.deadline._REPLY", 0.3)


@pytest.mark.parametrize("answer", ENDLESS.values(), ids=ENDLESS)
def test_an_answer_without_an_end_ends_in_an_error(answer):
    started = time.monotonic()
    with RudeServer(answer) as server, closing(Web(server.url)) as web:
        with pytest.raises(SourceError, match=f"^{server.url}/file: .*run the same command again"):
            web.whole("file")
        with pytest.raises(SourceError, match=f"^{server.url}/file: .*run the same command again"):
            web.range("file", 10, 100)
    assert time.monotonic() - started < 15


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", "204 No Content and no data"),
        (OK + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd", "encoding 'gzip'"),
        (PART + b"Content-Type: multipart/byteranges\r\nContent-Length: 10\r\n\r\n" + b"x" * 10,
         "multipart/byteranges"),
        (OK + b"Content-Length: 10\r\n\r\n" + b"x" * 10, "the whole file"),
        (PART + b"Content-Range: bytes 0-9/20\r\nContent-Length: 10\r\n\r\n" + b"x" * 10,
         "bytes 0-9/20"),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /again\r\n\r\n", "302 Found"),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: http://[::1/x\r\n\r\n",
         "is not an address"),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: file:///etc/passwd\r\n\r\n",
         "is not an address"),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: http://h:99999/\r\n\r\n",
         "is not an address"),
        (PART + b"Content-Range: bytes 10-19/20\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nxx",
         "broke off"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "BadStatusLine"),
    ],
)  # fmt: skip
def test_what_is_not_the_bytes_asked_for_is_asked_for_again_and_never_returned(answer, message):
    with RudeServer(says(answer)) as server, closing(Web(server.url)) as web:
        with pytest.raises(SourceError, match=message):
            web.range("file", 10, 10)
        assert len(server.heads) > 1


def test_a_part_is_not_taken_for_the_whole_file():
    answer = PART + b"Content-Range: bytes 0-9/20\r\nContent-Length: 10\r\n\r\n" + b"x" * 10
    with (
        RudeServer(says(answer)) as server,
        closing(Web(server.url)) as web,
        pytest.raises(SourceError, match="a part of the file"),
    ):
        web.whole("file")


def test_a_huge_retry_after_is_cut_and_said(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("biomedica_dataset.io.web._LONGEST_WAIT", 0.4)
    monkeypatch.setattr("biomedica_dataset.io.web._UNSAID", 0.3)
    (tmp_path / "file").write_bytes(DATA)
    fault = Fault(status=503, times=1, retry_after=10**8)
    with BucketServer(tmp_path, faults={"file": fault}) as server, closing(Web(server.url)) as web:
        monkeypatch.setattr("biomedica_dataset.io.web._PATIENCE", 60)
        assert web.range("file", 0, 10) == DATA[:10]
    assert "waiting 0 s for" in caplog.text
    assert "asks for 100,000,000 s" in caplog.text


@given(st.text() | st.integers().map(str) | st.from_regex(r"[²³٣\d+-]{1,40}"))
def test_any_retry_after_is_seconds_or_nothing(value):
    seconds = retry_after(value)
    assert seconds is None or 0 <= seconds < 1e12


@given(st.text(), st.sampled_from(["", "http://", "https://", "http://[", "http://a@"]))
def test_any_address_is_taken_apart_or_refused(text, scheme):
    with contextlib.suppress(UsageError):
        assert "@" not in split_address(Address.of(scheme + text).url).netloc


def test_user_password_and_query_go_to_their_host_alone_and_stand_in_no_message(tmp_path):
    (tmp_path / "file").write_bytes(DATA)
    with BucketServer(tmp_path) as other:
        location = f"Location: {other.url}/file\r\n".encode()
        answer = says(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n" + location + b"\r\n")
        with RudeServer(answer) as server:
            secret = f"http://me:s%40cret@127.0.0.1:{server.port}/data?token=hidden"
            with closing(Web(secret)) as web:
                assert web.range("file", 0, 10) == DATA[:10]
                assert web.base == f"http://127.0.0.1:{server.port}/data"
    (head,) = server.heads
    assert head.startswith("GET /data/file?token=hidden HTTP/1.1")
    assert "Authorization: Basic bWU6c0BjcmV0" in head
    assert f"Host: 127.0.0.1:{server.port}" in head
    (request,) = other.log
    assert "Authorization" not in request.headers
    assert "hidden" not in request.key
    assert "cret" not in repr(Address.of(secret))
    assert "hidden" not in repr(Address.of(secret))


def test_errors_hold_no_secrets():
    error = SourceError("https://me:p@ss@host/x?sig=abc: 403; see hf://u:pw@org/name")
    assert str(error) == "https://host/x: 403; see hf://org/name"
    assert "p@ss" not in repr(error)
