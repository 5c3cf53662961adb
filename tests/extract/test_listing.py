"""What there is: inventories of all kinds, listings of a few ids, folders."""

from __future__ import annotations

import gzip
import pickle
import shutil
import time

import pytest

from biomedica_dataset.errors import SourceError, UsageError
from biomedica_dataset.pmc.inventory import Inventory, Version

from .helpers import DAY, REPORTS, BucketServer, fates, inventory_csv, run

FIRST = "2026-11-20T01-00Z"


@pytest.fixture
def s3(bucket, monkeypatch):
    with BucketServer(bucket.root, page=7) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
        yield server


def test_all_of_an_s3_bucket_comes_by_its_newest_inventory(s3, bucket, archive):
    report = run("s3://pmc-oa-opendata", archive)

    assert report.inventory == FIRST
    assert sorted(fates(archive)) == bucket.names()


def test_a_few_ids_are_listed(s3, bucket, archive):
    report = run("s3://pmc-oa-opendata", archive, pmcids=(9900034, 99000102, 99000340))

    assert sorted(fates(archive)) == [
        "PMC99000102.1", "PMC99000102.2", "PMC99000340.1", "PMC99000340.2",
    ]  # fmt: skip
    assert report.not_listed == ["PMC9900034"]
    assert "not in the source: PMC9900034" in str(report)
    assert not any("inventory" in key for key in s3.asked())
    assert (
        run("s3://pmc-oa-opendata", archive, pmcids=(9900034, 99000102, 99000340)).blocks_done == 0
    )


def test_a_bucket_that_forbids_listing_is_named(bucket, archive, monkeypatch):
    with BucketServer(bucket.root, listing=False) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)

        with pytest.raises(SourceError, match="s3://pmc-oa-opendata cannot be listed"):
            run("s3://pmc-oa-opendata", archive)
    assert not archive.exists()


@pytest.mark.slow
def test_a_plain_web_server_needs_a_named_inventory(bucket, archive):
    with BucketServer(bucket.root) as server:
        for options in ({}, {"pmcids": (99000205,)}):
            with pytest.raises(SourceError, match="--inventory DATE_OR_FILE"):
                run(server.url, archive, **options)
        assert not archive.exists()

        assert run(server.url, archive, inventory="2026-11-20").inventory == FIRST


def test_an_inventory_may_be_a_local_file(bucket, archive, tmp_path):
    table = inventory_csv({k: v for k, v in bucket.etags().items() if "PMC990020" in k})
    for name, data in (("list.csv.gz", table), ("list.csv", gzip.decompress(table))):
        (tmp_path / name).write_bytes(data)
        run(bucket.root, archive / name, inventory=str(tmp_path / name))
        assert sorted(fates(archive / name)) == ["PMC99002011.1", "PMC99002012.1"]


def test_the_newest_complete_inventory_is_taken(bucket, archive):
    (bucket.root / REPORTS / "hive").mkdir()
    (bucket.root / REPORTS / "2026-11-24T01-00Z").mkdir()  # still being written
    bucket.take_inventory("2026-11-22T01-00Z")
    torn = bucket.take_inventory("2026-11-23T01-00Z")
    torn.write_text(torn.read_text().replace("/data/", "/data/not-yet-"))

    assert run(bucket.root, archive).inventory == "2026-11-22T01-00Z"


@pytest.mark.parametrize(
    ("table", "md5", "what"),
    [
        (inventory_csv({"metadata/PMC1.1.json": "0" * 32})[:-9], None, "Truncated"),
        (gzip.compress(b""), None, "Empty CSV"),
        (gzip.compress(b"one,two\n"), None, "Expected 4 columns"),
        (b"", None, "Empty CSV"),
        (inventory_csv({"metadata/PMC1.1.json": "0" * 32}), "f" * 32, "differs from its MD5 ffff"),
        (inventory_csv({"something/else": "0" * 32}), None, "lists no articles"),
    ],
    ids=["truncated", "empty", "no inventory", "no bytes", "other MD5", "no article"],
)
def test_a_broken_inventory_changes_nothing(bucket, archive, table, md5, what):
    run(bucket.root, archive)
    bucket.put_inventory(DAY, table, md5)

    with pytest.raises(SourceError, match=what):
        run(bucket.root, archive)
    assert sorted(fates(archive)) == bucket.names()


@pytest.mark.parametrize("text", ["{", "[]", '{"files": [{}]}', '{"files": []}'])
def test_a_broken_manifest_changes_nothing(bucket, archive, text):
    run(bucket.root, archive)
    bucket.take_inventory().write_text(text)

    with pytest.raises(SourceError, match="inventory"):
        run(bucket.root, archive)
    assert sorted(fates(archive)) == bucket.names()


@pytest.mark.parametrize(
    ("which", "what"),
    [("yesterday", "not a file or a date"), ("2020-01-01", "no complete inventory of 2020")],
)
def test_an_invalid_inventory_is_refused(bucket, archive, which, what):
    with pytest.raises(UsageError, match=what):
        run(bucket.root, archive, inventory=which)


def test_a_local_inventory_that_is_broken_is_the_callers_mistake(bucket, archive, tmp_path):
    (tmp_path / "list.csv.gz").write_bytes(inventory_csv(bucket.etags())[:-9])

    with pytest.raises(UsageError, match=r"list\.csv\.gz is not a complete CSV"):
        run(bucket.root, archive, inventory=str(tmp_path / "list.csv.gz"))


def test_a_folder_without_an_inventory_is_listed(bucket, archive):
    names = bucket.names()
    shutil.rmtree(bucket.root / "inventory-reports")
    (bucket.root / "metadata" / "notes.txt").write_text("no metadata")
    report = run(bucket.root, archive)

    assert report.inventory is None
    assert sorted(fates(archive)) == names
    assert report.newer == 0
    assert run(bucket.root, archive).blocks_done == 0


def test_a_folder_that_is_no_bucket_is_refused(tmp_path, archive):
    (tmp_path / "photos").mkdir()
    for options in ({}, {"pmcids": (1,)}):
        with pytest.raises(UsageError, match="is not a copy of the PMC bucket"):
            run(tmp_path / "photos", archive, **options)


def test_the_newest_articles_stay_chosen(bucket, archive):
    run(bucket.root, archive, limit=3)
    chosen = sorted(fates(archive))
    assert chosen == bucket.names()[-3:]
    bucket.copy("PMC99003800.1", "PMC99003900.1")
    bucket.take_inventory()

    report = run(bucket.root, archive, limit=3)

    assert sorted(fates(archive)) == chosen
    assert (report.selection, report.blocks_done) == ("the newest 3 articles", 0)


def test_a_list_and_a_limit_are_one_too_many(bucket, archive):
    with pytest.raises(UsageError, match="give one of them"):
        run(bucket.root, archive, pmcids=(1,), limit=1)


def test_of_a_repeated_version_the_last_one_counts():
    found = Inventory.of([Version(5, 1, "a"), Version(3, 2, "b"), Version(5, 1, "c")])

    assert found.versions() == [Version(3, 2, "b"), Version(5, 1, "c")]


def test_blocks_are_cut_by_number_and_digests_tell_them_apart():
    versions = [Version(n, 1, f"{n:032x}") for n in (999, 1000, 1999, 5000)]
    blocks = dict(Inventory.of(versions).blocks(1000))

    assert {block: [v.pmcid for v in part.versions()] for block, part in blocks.items()} == {
        0: [999],
        1: [1000, 1999],
        5: [5000],
    }
    assert len({part.digest() for part in blocks.values()}) == 3


def test_a_part_of_an_inventory_travels_alone():
    whole = Inventory.of([Version(n, 1, "0" * 32) for n in range(1, 100_000)])
    part = dict(whole.blocks(1000))[7]
    sent = pickle.dumps(part)

    assert len(sent) < 100_000
    assert pickle.loads(sent).digest() == part.digest()


@pytest.mark.slow
def test_an_inventory_of_nine_million_is_read_in_a_minute():
    import numpy as np
    import pyarrow as pa

    ids = np.random.default_rng(0).permutation(9_300_000) + 10_000
    etags = pa.array(["0123456789abcdef0123456789abcdef"]).take(pa.array(np.zeros(len(ids), int)))
    began = time.monotonic()
    table = pa.table({"pmcid": ids, "version": np.ones(len(ids), np.int32), "etag": etags})
    found = Inventory(table, None)

    assert len([part.digest() for _block, part in found.blocks(1000)]) == 9300
    assert time.monotonic() - began < 60


def test_metadata_of_a_folder_that_cannot_be_read_stand_in_the_ledger(bucket, archive):
    names = [bucket.names()[0], bucket.names()[-1]]
    link, folder = (bucket.root / f"metadata/{name}.json" for name in names)
    for path in (link, folder):
        path.unlink()
    link.symlink_to("nowhere")
    folder.mkdir()

    run(bucket.root, archive)
    assert [fates(archive)[name] for name in names] == ["unavailable: metadata 404"] * 2
