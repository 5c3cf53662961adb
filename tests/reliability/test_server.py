"""A server that misbehaves: everything arrives, or stands in the ledger under the right reason."""

from __future__ import annotations

import gzip
import time

import pytest

from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.archive.selection import Selection
from biomedica_dataset.errors import BiomedicaError
from biomedica_dataset.extraction.blocks import run_blocks
from biomedica_dataset.extraction.fetch import MAX_IMAGE, MAX_XML
from biomedica_dataset.extraction.options import ExtractOptions
from biomedica_dataset.extraction.tasks import find_tasks
from biomedica_dataset.extraction.versions import list_versions
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.io.objects import RetryPolicy
from biomedica_dataset.jats.limits import MAX_MARKS
from biomedica_dataset.pmc.source import Source

from ..extract.helpers import REPORTS, Bucket, fates, images, rows, run
from ..servers import BucketServer, Fault
from ..trees import tree
from .buckets import NAMESPACE, article, figure, put

FIRST = "2026-11-20T01-00Z"
NAME = "PMC99000205.1"
QUICK = RetryPolicy(connect=5, silence=1.5, retries=2, first_pause=0.01, longest_pause=0.02)
PASSING = {
    "500": Fault(500, times=2),
    "503": Fault(503, times=2),
    "retry-after": Fault(503, times=1, retry_after=1),
    "429": Fault(429, times=1, retry_after=1),
    "stall": Fault(stall=2.5, times=1),
    "pause": Fault(pause=2.5, times=1),
    "reset": Fault(reset=True, times=2),
    "short": Fault(extra_length=99, times=2),
    "other bytes": Fault(body=b"other bytes", times=2),
}
LASTING = {
    "404": (Fault(404), "unavailable", "404"),
    "403": (Fault(403), "unavailable", "403"),
    "other bytes": (Fault(body=b"other bytes"), "corrupt", "MD5"),
}


@pytest.fixture(scope="module")
def calm(sample_bucket, tmp_path_factory):
    """An archive of the sample, nothing having gone wrong."""
    archive = tmp_path_factory.mktemp("calm") / "archive"
    run(sample_bucket, archive, inventory=FIRST)
    return archive


def run_impatiently(url, bucket, archive):
    """Extract all, waiting no longer than a test may."""
    opened = Archive.create(Folder(archive), url, Selection(), 1000)
    inventory = list_versions(Source(str(bucket)), Selection(), FIRST)
    tasks = find_tasks(1000, inventory, ExtractOptions())
    return run_blocks(opened, Source(url, QUICK), tasks, lambda *_: None).failed


def keys_of(archive):
    """Return the keys of the metadata, the document and a picture of one article."""
    picture = next(e.name for e in rows(archive)[NAME].images if e.status == "kept")
    return [f"metadata/{NAME}.json", f"{NAME}/{NAME}.xml", f"{NAME}/{picture}"]


@pytest.mark.slow
@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_trouble_that_passes_costs_time_and_no_row(sample_bucket, calm, tmp_path, fault):
    keys = keys_of(calm)
    if fault.body:
        keys = keys[1:]  # a metadata JSON has its ETag alone, and what is none is read once more
    if fault.extra_length:
        keys = keys[2:]  # a short answer is not asked for again before the end of the block
    faults = dict.fromkeys(keys, fault)
    with BucketServer(sample_bucket, faults=faults) as server:
        assert run_impatiently(server.url, sample_bucket, tmp_path / "rough") == {}

    assert fates(tmp_path / "rough") == fates(calm)
    assert images(tmp_path / "rough") == images(calm)


@pytest.mark.parametrize(("fault", "status", "reason"), LASTING.values(), ids=LASTING)
def test_trouble_that_lasts_stands_in_the_ledger(
    sample_bucket, calm, tmp_path, fault, status, reason
):
    json, xml, picture = keys_of(calm)
    found = {}
    for key in (json, xml, picture):
        archive = tmp_path / key.replace("/", "-")
        with BucketServer(sample_bucket, faults={key: fault}) as server:
            assert run_impatiently(server.url, sample_bucket, archive) == {}
        found[key] = rows(archive)[NAME]
    entry = next(e for e in found[picture].images if e.name == picture.partition("/")[2])

    assert (found[json].status, found[json].reason) in (
        (status, f"metadata {reason}"), (status, "metadata"),
    )  # fmt: skip
    assert (found[xml].status, found[xml].reason) == (status, f"XML {reason}")
    assert (found[picture].status, entry.status, entry.reason) == ("kept", status, reason)


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault", [Fault(500), Fault(reset=True), Fault(pause=2.5), Fault(extra_length=9)]
)
def test_what_the_network_never_gives_leaves_its_block_to_the_next_run(
    sample_bucket, calm, tmp_path, fault
):
    archive = tmp_path / "rough"
    with BucketServer(sample_bucket, faults={keys_of(calm)[1]: fault}) as server:
        failed = run_impatiently(server.url, sample_bucket, archive)
    assert list(failed) == [99000]
    assert "PMC99000205" in failed[99000]
    run(sample_bucket, archive, inventory=FIRST)

    assert fates(archive) == fates(calm)


@pytest.mark.parametrize(
    "fault",
    [Fault(503), Fault(500), Fault(reset=True), Fault(extra_length=99), Fault(503, retry_after=1)],
    ids=["503", "500", "reset", "short", "retry-after"],
)
def test_trouble_on_five_percent_of_requests_costs_no_row(sample_bucket, calm, tmp_path, fault):
    with BucketServer(sample_bucket, share=(0.05, fault)) as server:
        assert run_impatiently(server.url, sample_bucket, tmp_path / "rough") == {}
        requests = server.log

    assert len(requests) > 100
    assert fates(tmp_path / "rough") == fates(calm)
    assert images(tmp_path / "rough") == images(calm)


@pytest.mark.slow
def test_what_is_too_large_is_dropped_from_its_header(tmp_path):
    bucket, picture = tmp_path / "bucket", b"\x89PNG"
    put(
        bucket,
        1,
        article(figure("g.png") + figure("h.png", number=1)),
        {"g.png": picture, "h.png": picture},
    )
    put(bucket, 2, article(figure("g.png")), {"g.png": picture})
    large = [(bucket / "PMC1.1/h.png", MAX_IMAGE), (bucket / "PMC2.1/PMC2.1.xml", MAX_XML)]
    for path, size in large:
        with path.open("r+b") as file:
            file.truncate(size + 1)
    Bucket(bucket).root.joinpath(REPORTS, "data").mkdir(parents=True)
    Bucket(bucket).take_inventory(FIRST)
    keys = [str(path.relative_to(bucket)) for path, _size in large]
    faults = dict.fromkeys(keys, Fault(pause=1.5))
    with BucketServer(bucket, faults=faults) as server:
        started = time.monotonic()
        run(server.url, tmp_path / "archive", inventory=FIRST)
        spent = time.monotonic() - started
        # The server notes what it sent when it is through.
        while not set(keys) <= (sent := {r.key: r.sent for r in server.log}).keys():
            assert time.monotonic() < started + 120, sent
            time.sleep(0.05)

    assert fates(tmp_path / "archive") == {"PMC1.1": "kept", "PMC2.1": "too_large: XML"}
    assert [entry.status for entry in rows(tmp_path / "archive")["PMC1.1"].images] == [
        "kept",
        "too_large",
    ]
    assert [sent[key] for key in keys] == [0, 0]
    assert spent < 60


def test_a_document_of_very_many_tags_is_too_large(tmp_path):
    xml = f"<article {NAMESPACE}>{'<p/>' * MAX_MARKS}</article>"
    put(tmp_path / "bucket", 1, xml.encode(), {})
    run(tmp_path / "bucket", tmp_path / "archive")

    assert fates(tmp_path / "archive") == {"PMC1.1": "too_large: XML"}
    assert rows(tmp_path / "archive")["PMC1.1"].xml is None


def test_an_inventory_that_changes_while_it_is_read_is_read_again_or_refused(bucket, tmp_path):
    bucket.take_inventory(FIRST)
    key = f"{REPORTS}/data/{FIRST}.csv.gz"
    other = Fault(body=gzip.compress(b'"b","metadata/PMC1.1.json","x","0"\n'), times=1)
    with BucketServer(bucket.root, faults={key: other}) as server:
        run(server.url, tmp_path / "archive", inventory=FIRST)
        server.forget()
        server.faults[key] = Fault(body=other.body)
        with pytest.raises(BiomedicaError, match=r"inventory"):
            run(server.url, tmp_path / "other", inventory=FIRST)
    run(bucket.root, tmp_path / "calm", inventory=FIRST)

    assert {**fates(tmp_path / "archive")} == fates(tmp_path / "calm")
    assert tree(tmp_path / "archive").keys() == tree(tmp_path / "calm").keys()
