"""Objects by key from S3, web servers and folders, and what goes wrong with them."""

from __future__ import annotations

import asyncio
import socket

import pytest

from biomedica_dataset.errors import SourceError, UsageError
from biomedica_dataset.io.objects import RetryPolicy
from biomedica_dataset.pmc.source import (
    CorruptError,
    NetworkFailedError,
    Source,
    TooLargeError,
    UnavailableError,
)

from .helpers import BucketServer, Fault

QUICK = RetryPolicy(connect=1, silence=0.4, retries=2, first_pause=0.01, longest_pause=0.05)
KEY = "PMC99000205.1/PMC99000205.1.xml"
LIMIT = 2**24


def get(source, key=KEY, **options):
    return asyncio.run(source.get(key, **{"limit": LIMIT, **options}))


@pytest.fixture
def server(sample_bucket):
    with BucketServer(sample_bucket) as server:
        yield server


@pytest.fixture(params=["http", "s3"])
def source(request, server, monkeypatch):
    """The same bucket as a plain web server and as S3."""
    if request.param == "s3":
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
        return Source("s3://pmc-oa-opendata", QUICK)
    return Source(server.url, QUICK)


def test_an_object_comes_whole(source, sample_bucket):
    assert get(source) == (sample_bucket / KEY).read_bytes()
    assert (source.requests, source.failures) == (1, 0)
    assert source.received == (sample_bucket / KEY).stat().st_size


@pytest.mark.parametrize("status", [404, 403])
def test_what_is_not_there_or_forbidden_is_unavailable(source, server, status):
    server.faults[KEY] = Fault(status)

    with pytest.raises(UnavailableError, match=str(status)):
        get(source)
    assert len(server.log) == 1
    assert source.failures == 0


@pytest.mark.parametrize(
    "fault",
    [
        Fault(500, times=2),
        Fault(503, times=1, retry_after=1),
        Fault(429, times=1),
        Fault(reset=True, times=1),
        Fault(stall=1.0, times=1),
    ],
    ids=["500", "503 SlowDown", "429", "reset", "stall"],
)
def test_what_passes_is_tried_again(source, server, sample_bucket, fault):
    server.faults[KEY] = fault

    assert get(source) == (sample_bucket / KEY).read_bytes()
    assert source.failures == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault",
    [Fault(500), Fault(503), Fault(reset=True), Fault(stall=1.0), Fault(extra_length=9)],
    ids=["500", "503 SlowDown", "reset", "stall", "longer than sent"],
)
def test_what_stays_is_a_network_failure(source, server, fault):
    server.faults[KEY] = fault

    with pytest.raises(NetworkFailedError):
        get(source)
    assert source.failures == 1


def test_an_object_above_the_limit_is_not_read(source, server, sample_bucket):
    size = (sample_bucket / KEY).stat().st_size

    with pytest.raises(TooLargeError, match=f"{size} bytes exceed the limit of 100"):
        get(source, limit=100)
    assert source.received == 0


def test_bytes_that_are_not_of_their_etag_are_corrupt(source, server):
    server.faults[KEY] = Fault(body=b"something else")

    with pytest.raises(CorruptError):
        get(source, as_tagged=True)
    assert get(source) == b"something else"


def test_names_come_as_they_are(tmp_path, monkeypatch):
    names = ["a b.jpg", "a%20b.jpg", "a#b.jpg", "a?b.jpg", "ä.jpg", "a+b.jpg", "a&b.jpg", "[x].jpg"]
    for name in names:
        (tmp_path / name).write_text(name)
    with BucketServer(tmp_path) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
        for url in (server.url, "s3://pmc-oa-opendata", str(tmp_path)):
            source = Source(url, QUICK)
            assert [get(source, name).decode() for name in names] == names


def test_one_source_serves_several_event_loops(sample_bucket):
    source = Source(str(sample_bucket))

    async def crowd():
        found = await asyncio.gather(*(source.get(KEY, limit=LIMIT) for _ in range(300)))
        return {len(data) for data in found}

    assert asyncio.run(crowd()) == asyncio.run(crowd())


@pytest.mark.slow
def test_too_many_failures_stop_the_run(tmp_path):
    with BucketServer(tmp_path, share=(1.0, Fault(500))) as server:
        source = Source(server.url, QUICK)

        async def crowd():
            for _ in range(199):
                with pytest.raises(NetworkFailedError):
                    await source.get(KEY, limit=LIMIT)
            await source.get(KEY, limit=LIMIT)

        with pytest.raises(SourceError, match=r"200 of 200 requests to http://.* failed"):
            asyncio.run(crowd())


def test_missing_objects_do_not_stop_the_run(tmp_path):
    source = Source(str(tmp_path))

    async def crowd():
        for _ in range(300):
            with pytest.raises(UnavailableError):
                await source.get(KEY, limit=LIMIT)

    asyncio.run(crowd())
    assert (source.requests, source.failures) == (300, 0)


def test_no_network_is_one_clear_line():
    with socket.socket() as closed:  # bound and not listening: connections are refused
        closed.bind(("127.0.0.1", 0))
        source = Source(f"http://127.0.0.1:{closed.getsockname()[1]}", QUICK)

        with pytest.raises(SourceError, match=r"cannot be listed; .*--inventory") as told:
            asyncio.run(source.folders("x"))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("ftp://host/x", "scheme 'ftp'"),
        ("no/such/folder", "is not a folder"),
        ("s3://", "names no bucket"),
    ],
)
def test_an_invalid_address_is_refused(url, what):
    with pytest.raises(UsageError, match=what):
        Source(url)


@pytest.mark.parametrize(
    ("url", "prefix"),
    [
        ("https://pmc-oa-opendata.s3.amazonaws.com", None),
        ("https://pmc-oa-opendata.s3.us-east-1.amazonaws.com/", None),
        ("https://s3.amazonaws.com/pmc-oa-opendata", None),
        ("https://s3.eu-west-1.amazonaws.com/pmc-oa-opendata/copy", "copy"),
        ("s3://pmc-oa-opendata/copy/", "copy"),
    ],
)
def test_amazons_web_addresses_are_read_as_s3(url, prefix):
    from obstore.store import S3Store

    store = Source(url)._store
    assert isinstance(store, S3Store)
    assert store.config["bucket"] == "pmc-oa-opendata"
    assert store.prefix == prefix
