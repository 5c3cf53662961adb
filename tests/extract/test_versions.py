"""Which version of an article counts."""

from __future__ import annotations

from .helpers import fates, rows, run

NAME = "PMC99000205"


def test_the_highest_version_counts(bucket, archive):
    bucket.copy(f"{NAME}.1", f"{NAME}.12")
    bucket.copy(f"{NAME}.1", f"{NAME}.3")
    run(bucket.root, archive, pmcids=(99000205,))

    assert fates(archive) == {
        f"{NAME}.1": "rejected: superseded",
        f"{NAME}.3": "rejected: superseded",
        f"{NAME}.12": "kept",
    }


def test_below_a_manuscript_the_next_version_counts(bucket, archive):
    bucket.copy(f"{NAME}.1", f"{NAME}.2", is_manuscript=True)
    bucket.copy(f"{NAME}.1", f"{NAME}.3", license_code="TDM")
    run(bucket.root, archive, pmcids=(99000205,))

    assert fates(archive) == {
        f"{NAME}.1": "kept",
        f"{NAME}.2": "rejected: manuscript",
        f"{NAME}.3": "rejected: manuscript",
    }


def test_a_sole_manuscript_that_is_open_is_kept(bucket, archive):
    bucket.change(f"{NAME}.1", is_manuscript=True)
    run(bucket.root, archive, pmcids=(99000205,))

    assert fates(archive) == {f"{NAME}.1": "kept"}


def test_a_sole_manuscript_for_text_mining_is_not(bucket, archive):
    bucket.change(f"{NAME}.1", is_manuscript=True, license_code="TDM")
    run(bucket.root, archive, pmcids=(99000205,))

    assert fates(archive) == {f"{NAME}.1": "rejected: text_mining_only"}


def test_of_a_retracted_article_no_version_counts(bucket, archive):
    bucket.copy(f"{NAME}.1", f"{NAME}.2", is_retracted=True)
    run(bucket.root, archive, pmcids=(99000205,))

    assert fates(archive) == {
        f"{NAME}.1": "rejected: superseded",
        f"{NAME}.2": "rejected: retracted",
    }


def test_a_retracted_manuscript_retracts_the_article(bucket, archive):
    bucket.copy(f"{NAME}.1", f"{NAME}.2", is_retracted=True, is_manuscript=True)
    run(bucket.root, archive, pmcids=(99000205,))

    assert fates(archive)[f"{NAME}.2"] == "rejected: retracted"


def test_flags_may_be_words(bucket, archive):
    bucket.change(f"{NAME}.1", is_pmc_openaccess="yes", is_retracted="no")
    run(bucket.root, archive, pmcids=(99000205,))

    assert fates(archive) == {f"{NAME}.1": "kept"}


def test_metadata_newer_than_the_inventory_is_taken_and_counted(bucket, archive):
    old = bucket.etags()
    bucket.change(f"{NAME}.1", title="A newer title")
    bucket.take_inventory(etags=old)
    report = run(bucket.root, archive)

    row = rows(archive)[f"{NAME}.1"]
    assert b"A newer title" in row.metadata
    assert row.etag == old[f"metadata/{NAME}.1.json"] != row.metadata_md5
    assert report.newer == 1
    assert "metadata newer than the inventory: 1" in str(report)

    bucket.take_inventory("2026-11-22T01-00Z")  # which has caught up: nothing need be fetched
    assert run(bucket.root, archive).newer == 0


def test_an_etag_of_parts_says_nothing_about_newer(bucket, archive):
    etags = bucket.etags()
    etags[f"metadata/{NAME}.1.json"] = "0123456789abcdef0123456789abcdef-2"
    bucket.take_inventory(etags=etags)

    assert run(bucket.root, archive).newer == 0
    assert run(bucket.root, archive).blocks_done == 0


def test_metadata_about_something_else_is_corrupt(bucket, archive):
    bucket.put(f"{NAME}.1", (bucket.root / "metadata/PMC99000340.1.json").read_bytes())
    bucket.take_inventory()
    run(bucket.root, archive)

    assert fates(archive)[f"{NAME}.1"] == "corrupt: metadata"


def test_files_outside_the_articles_own_folder_are_not_asked_for(bucket, archive):
    record = bucket.record(f"{NAME}.1")
    media = [url.replace(f"/{NAME}.1/", "/PMC99000340.1/../") for url in record["media_urls"]]
    bucket.change(f"{NAME}.1", media_urls=media)
    run(bucket.root, archive, pmcids=(99000205,))

    assert {e.reason for e in rows(archive)[f"{NAME}.1"].images if e.status != "kept"} >= {
        "no_file"
    }
    assert not any(e.status == "kept" for e in rows(archive)[f"{NAME}.1"].images)
