"""What goes wrong with articles, blocks and the network, each under its own reason."""

from __future__ import annotations

import json
import socket

import pytest

from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.archive.selection import Selection, Wants
from biomedica_dataset.extraction.blocks import BlockFailedError, run_block, run_blocks
from biomedica_dataset.extraction.fetch import MAX_IMAGE, MAX_XML
from biomedica_dataset.extraction.options import ExtractOptions
from biomedica_dataset.extraction.tasks import Task, find_tasks
from biomedica_dataset.extraction.versions import list_versions
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.io.objects import RetryPolicy
from biomedica_dataset.jats import reader
from biomedica_dataset.pmc.inventory import Inventory, Version
from biomedica_dataset.pmc.source import Source, SourceError

from ..trees import tree
from .helpers import BucketServer, Fault, fates, images, inventory_csv, rows, run

FIRST = "2026-11-20T01-00Z"
SECOND = "2026-11-23T01-00Z"
QUICK = RetryPolicy(connect=1, silence=0.4, retries=1, first_pause=0.01, longest_pause=0.02)
NAME = "PMC99000205.1"


def no_tick(_units, _images, _received):
    pass


def start(folder):
    return Archive.create(Folder(folder), "x", Selection(), 1000)


def tasks_of(bucket, retry=False):
    inventory = list_versions(Source(str(bucket.root)), Selection(), None)
    return find_tasks(1000, inventory, ExtractOptions(retry=retry))


@pytest.mark.slow
def test_every_fault_of_the_real_bucket_ends_under_its_reason(real_buckets, archive):
    first, _second = real_buckets
    report = run(first, archive)

    faults = json.loads((first / "FAULTS.json").read_bytes())
    found = rows(archive)
    for pmcid, fault in faults.items():
        row = found[f"{pmcid}.1"]
        lost = [(e.status, e.reason) for e in row.images if e.status in ("unavailable", "corrupt")]
        fate = (row.status, row.reason)
        match fault["what"]:
            case "one jpg answers 404":
                assert fate == ("kept", None)
                assert set(lost) == {("unavailable", "404")}
                assert any(e.status == "kept" for e in row.images)
            case "one jpg differs from its md5" | "one jpg is cut short":
                assert fate == ("kept", None)
                assert set(lost) == {("corrupt", "MD5")}
            case "XML cut short (md5 differs)":
                assert fate == ("corrupt", "XML MD5")
            case "XML answers 404":
                assert fate == ("unavailable", "XML 404")
            case "metadata JSON is broken":
                assert fate == ("corrupt", "metadata")
            case "listed in the inventory, whole prefix gone":
                assert fate == ("unavailable", "metadata 404")
            case "JSON newer than the inventory says (other ETag)":
                assert fate == ("kept", None)
                assert row.newer
            case other:
                assert "not well-formed" in other
                xml = next((first / f"{pmcid}.1").glob("*.xml")).read_bytes()
                # A prefix that the document's DTD declares is no error.
                read = ("rejected", "no_figures") if b"<!DOCTYPE" in xml else None
                assert fate in (("corrupt", "XML not readable"), read)
    assert report.newer == 1
    assert b"not the bytes that the md5 promises" not in images(archive).values()


def test_a_defect_of_the_reader_costs_one_article(bucket, archive, monkeypatch, caplog):
    find_figures = reader.find_figures

    def failing(article, *given, **options):
        if "99000205" in article.xpath("string(.//article-id)"):
            raise IndexError("no such letter")
        return find_figures(article, *given, **options)

    monkeypatch.setattr(reader, "find_figures", failing)
    run(bucket.root, archive)
    found = fates(archive)
    row = rows(archive)[NAME]
    monkeypatch.undo()
    run(bucket.root, archive, retry=True)

    assert found == fates(archive) | {NAME: "corrupt: reader failed"}
    assert fates(archive)[NAME] == "kept"
    assert row.xml == rows(archive)[NAME].xml
    assert f"{NAME}: the reader failed in {__name__}, line" in caplog.text
    assert "(IndexError: no such letter)" in caplog.text


@pytest.mark.slow
def test_every_change_of_the_second_day_is_taken_at_the_cost_of_what_changed(
    real_buckets, archive, tmp_path
):
    first, second = real_buckets
    run(first, archive)
    before = rows(archive)
    with BucketServer(second) as server:
        run(server.url, archive, inventory=SECOND)
        log = [request for request in server.log if not request.key.startswith("inventory")]
    run(second, tmp_path / "fresh")
    changes = json.loads((second / "CHANGES.json").read_bytes())
    found = fates(archive)

    assert found == fates(tmp_path / "fresh")
    assert images(archive) == images(tmp_path / "fresh")
    for name, change in changes.items():
        match change:
            case "retracted":
                assert found[name] == "rejected: retracted"
            case "removed":
                assert name not in found
            case "relicensed to CC BY-NC-ND":
                assert b'"CC BY-NC-ND"' in rows(archive)[name].metadata
            case "a manuscript version beside the published one: version 1 stays current":
                assert found[name] == "rejected: manuscript"
                assert found[name.replace(".2", ".1")] == "kept"
            case _:
                assert found[name] == "kept"
    changed = _bytes_of_changes(before, rows(archive))
    assert sum(request.sent for request in log) <= 1.1 * changed
    assert {request.key.split("/")[-1].split(".")[0] for request in log} >= {
        name.split(".")[0] for name in changes if changes[name] != "removed"
    }


def _bytes_of_changes(before, after):
    """Return the bytes of JSON, XML and images that were added."""
    changed = 0
    for name, row in after.items():
        old = before.get(name)
        if row.metadata is not None and (old is None or old.metadata != row.metadata):
            changed += len(row.metadata)
        if row.xml is not None and (old is None or old.xml != row.xml):
            changed += len(row.xml)
        had = {e.md5 for e in old.images} if old else set()
        changed += sum(e.size for e in row.images if e.status == "kept" and e.md5 not in had)
    return changed


def test_a_server_that_falters_gives_the_same_bytes(bucket, tmp_path):
    run(bucket.root, tmp_path / "calm", pmcids=(99000205, 99001310, 99003007))
    with BucketServer(bucket.root, share=(0.2, Fault(503, times=1))) as server:
        run(
            server.url,
            tmp_path / "rough",
            pmcids=(99000205, 99001310, 99003007),
            inventory=FIRST,
        )
        assert any(request.status == 503 for request in server.log)

    assert images(tmp_path / "rough") == images(tmp_path / "calm")
    assert fates(tmp_path / "rough") == fates(tmp_path / "calm")


def test_wrong_bytes_are_asked_for_again(bucket, archive):
    key = f"{NAME}/{NAME}.xml"
    with BucketServer(bucket.root, faults={key: Fault(body=b"<a/>", times=2)}) as server:
        run(server.url, archive, inventory=FIRST, pmcids=(99000205,))
        assert server.asked().count(key) == 3

    assert fates(archive)[NAME] == "kept"


def test_too_large_is_dropped_unread(bucket, archive):
    run(bucket.root, archive)
    picture = next(e.name for e in rows(archive)[NAME].images if e.status == "kept")
    for path, size in (
        (f"{NAME}/{picture}", MAX_IMAGE),
        ("PMC99003007.1/PMC99003007.1.xml", MAX_XML),
    ):
        with (bucket.root / path).open("r+b") as file:
            file.truncate(size + 1)  # a hole: it takes no room, and no time unless it is read
    run(bucket.root, archive.parent / "second")

    found = rows(archive.parent / "second")
    entry = next(e for e in found[NAME].images if e.name == picture)
    assert (entry.status, entry.size) == ("too_large", None)
    assert (found[NAME].status, found["PMC99003007.1"].status) == ("kept", "too_large")
    assert found["PMC99003007.1"].reason == "XML"


def test_a_block_with_a_network_failure_is_not_written_and_the_others_are(bucket, archive):
    with BucketServer(bucket.root, faults={f"metadata/{NAME}.json": Fault(500)}) as server:
        source = Source(server.url, QUICK)
        failed = run_blocks(start(archive), source, tasks_of(bucket), no_tick).failed

        assert list(failed) == [99000]
        assert failed[99000].startswith("1 articles, the first PMC99000205: ")
        assert (
            server.asked().count(f"metadata/{NAME}.json") == 16
        )  # tried and retried, four times, twice
    assert Archive.open(archive).blocks() == [99001, 99002, 99003]


def test_what_failed_for_the_network_has_a_second_try_at_the_end(bucket, archive):
    with BucketServer(bucket.root, faults={f"{NAME}/{NAME}.xml": Fault(500, times=2)}) as server:
        header = run_block(start(archive), Source(server.url, QUICK), tasks_of(bucket)[0], no_tick)
        assert server.asked()[-1].startswith(NAME)
    assert header.counts["articles"]["kept"] == 5


def test_a_failed_block_names_itself(bucket, archive):
    with (
        BucketServer(bucket.root, share=(1.0, Fault(500))) as server,
        pytest.raises(BlockFailedError, match=r"4 articles|5 articles|6 articles"),
    ):
        run_block(start(archive), Source(server.url, QUICK), tasks_of(bucket)[0], no_tick)
    assert Archive.open(archive).blocks() == []
    assert [path.name for path in archive.rglob("*") if path.is_file()] == ["archive.json"]


def test_when_too_much_fails_the_rest_is_not_tried(tmp_path, archive):
    versions = [Version(n, 1, f"{n:032x}") for n in range(1, 1001)]
    task = Task(0, Inventory.of(versions), Wants())
    with BucketServer(tmp_path, share=(1.0, Fault(503))) as server:
        with pytest.raises(SourceError, match=r"requests to .* failed because of the network"):
            run_blocks(start(archive), Source(server.url, QUICK), [task], no_tick)
        assert len({request.key for request in server.log}) < 500


@pytest.mark.slow
def test_the_report_names_the_blocks_that_were_not_written(bucket, archive):
    keys = {f"metadata/PMC{n}.1.json": "0" * 32 for n in range(5_000_001, 5_002_001, 10)}
    (bucket.root / "list.csv.gz").write_bytes(inventory_csv(bucket.etags() | keys))
    with socket.socket() as closed:  # bound and not listening: connections are refused
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        report = run(url, archive, inventory=str(bucket.root / "list.csv.gz"))

    assert sorted(report.blocks_failed) == ["5000", "5001", "99000", "99001", "99002", "99003"]
    assert report.blocks_done == 0
    text = str(report)
    assert "6 blocks not written; run the same command again:" in text
    assert "5000-5001, 99000-99003: " in text
    assert run(bucket.root, archive).blocks_failed == {}


def test_a_dropped_article_stays_dropped_until_it_is_retried(bucket, archive):
    xml = bucket.root / NAME / f"{NAME}.xml"
    kept = xml.read_bytes()
    xml.unlink()
    run(bucket.root, archive)
    assert fates(archive)[NAME] == "unavailable: XML 404"
    xml.write_bytes(kept)

    # Other wishes are no new try: only what is newly wanted is fetched.
    run(bucket.root, archive, images="none")
    assert fates(archive)[NAME] == "unavailable: XML 404"
    run(bucket.root, archive, images="none", retry=True)
    assert fates(archive)[NAME] == "kept"


def test_an_article_without_xml_is_unavailable(bucket, archive):
    record = bucket.record(NAME)
    del record["xml_url"]
    bucket.put(NAME, json.dumps(record).encode())
    run(bucket.root, archive, pmcids=(99000205,))

    assert fates(archive) == {NAME: "unavailable: no XML"}


def test_retrying_what_stays_broken_changes_nothing(bucket, archive):
    (bucket.root / NAME / f"{NAME}.xml").write_bytes(b"<article>")
    run(bucket.root, archive)
    before = tree(archive)

    assert run(bucket.root, archive, retry=True).blocks_done == 1
    assert tree(archive) == before
