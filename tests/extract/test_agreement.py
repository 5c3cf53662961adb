"""A run is what make is: what agrees is left alone, only what has changed is fetched."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from biomedica_dataset.archive import entries
from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.errors import ArchiveError, UsageError
from biomedica_dataset.extraction import fetch, write
from biomedica_dataset.extraction import previous as old
from biomedica_dataset.jats.reader import read_article

from ..trees import stamps, tree
from .helpers import DAY, BucketServer, fates, images, rows, run

if TYPE_CHECKING:
    from biomedica_dataset.jats.records import Article

FIRST = "2026-11-20T01-00Z"


def test_the_same_run_again_does_nothing_and_says_so(bucket, archive):
    run(bucket.root, archive)
    before = stamps(archive)

    report = run(bucket.root, archive)

    assert stamps(archive) == before
    assert report.blocks_done == 0
    assert "nothing to do: the archive is up to date" in str(report)


def test_the_same_run_again_asks_only_for_the_inventory(bucket, archive):
    with BucketServer(bucket.root) as server:
        run(server.url, archive, inventory=FIRST)
        server.forget()
        run(server.url, archive, inventory=FIRST)

        assert {key.partition("/")[0] for key in server.asked()} == {"inventory-reports"}


def test_everything_seen_is_kept_or_dropped_by_a_reason(bucket, archive):
    report = run(bucket.root, archive)

    assert sum(report.articles.values()) == len(bucket.names()) == len(rows(archive))
    stored = json.loads((archive / "report.json").read_bytes())
    for kind in ("articles", "figures"):
        tally = stored[kind]
        assert tally["seen"] == tally["kept"] + sum(tally["dropped"].values())
    assert stored["figures"]["kept"] == len(images(archive))


@pytest.mark.parametrize("workers", [1, 3])
def test_the_same_source_gives_the_same_bytes_however_it_comes(bucket, tmp_path, workers):
    run(bucket.root, tmp_path / "folder")
    with BucketServer(bucket.root, latency=0.003) as server:
        run(server.url, tmp_path / "served", inventory=FIRST, workers=workers)

    folder, served = (tree(tmp_path / name) for name in ("folder", "served"))
    for name in ("archive.json", "report.json"):  # they name their source
        del folder[name], served[name]
    assert served == folder


def test_only_what_changed_is_fetched(bucket, archive):
    run(bucket.root, archive)
    name = "PMC99000205.1"
    picture = next(e.name for e in rows(archive)[name].images if e.status == "kept")
    bucket.replace(name, picture, (bucket.root / name / picture).read_bytes() + b"\0")
    bucket.take_inventory()
    with BucketServer(bucket.root) as server:
        run(server.url, archive, inventory=DAY)

        asked = [key for key in server.asked() if not key.startswith("inventory")]
        assert sorted(asked) == sorted([f"metadata/{name}.json", f"{name}/{picture}"])
    run(bucket.root, archive.parent / "fresh")
    assert images(archive) == images(archive.parent / "fresh")


def test_an_update_gives_the_bytes_of_a_fresh_archive(bucket, archive, tmp_path):
    run(bucket.root, archive)
    bucket.change("PMC99001003.1", is_retracted=True)
    bucket.change("PMC99002011.1", license_code="CC BY-NC-ND")
    bucket.copy("PMC99000205.1", "PMC99000206.1")
    bucket.remove("PMC99003800.1")
    bucket.take_inventory()

    run(bucket.root, archive)
    run(bucket.root, tmp_path / "fresh")

    assert tree(archive) == tree(tmp_path / "fresh")
    assert fates(archive)["PMC99001003.1"] == "rejected: retracted"
    assert "PMC99003800.1" not in fates(archive)


def test_changes_are_reported_by_kind(bucket, archive):
    assert run(bucket.root, archive).changes == {"new article": 24}
    bucket.change("PMC99001003.1", is_retracted=True)
    bucket.change("PMC99002011.1", license_code="CC BY-NC-ND")
    bucket.change("PMC99000205.1", title="Another title")
    bucket.copy("PMC99000205.1", "PMC99000206.1")
    bucket.copy("PMC99002012.1", "PMC99002012.2")
    for name in bucket.names():
        if name.startswith("PMC99003"):
            bucket.remove(name)
    gone = len([name for name in fates(archive) if name.startswith("PMC99003")])
    bucket.take_inventory()

    assert run(bucket.root, archive).changes == {
        "new article": 1,
        "new version": 1,
        "superseded": 1,
        "removed from PMC": gone,
        "retracted": 1,
        "licence changed": 1,
        "content changed": 1,
    }
    assert run(bucket.root, archive).changes == {}
    assert run(bucket.root, archive, licenses=["cc0"]).changes.keys() == {"read again"}


def test_a_block_whose_articles_have_all_gone_is_removed(bucket, archive):
    run(bucket.root, archive)
    blocks = Archive.open(archive).blocks()
    for name in bucket.names():
        if name.startswith("PMC99003"):
            bucket.remove(name)
    bucket.take_inventory()

    run(bucket.root, archive)

    assert Archive.open(archive).blocks() == [b for b in blocks if b != 99003]
    assert not list((archive / "images").glob("0099003-*"))


def test_wider_licences_fetch_only_what_is_newly_wanted(bucket, archive, tmp_path):
    run(bucket.root, archive, licenses=["commercial"])
    before = {name for name, fate in fates(archive).items() if fate == "kept"}
    with BucketServer(bucket.root) as server:
        run(server.url, archive, inventory=FIRST)

        asked = {key.partition("/")[0] for key in server.asked()} - {"inventory-reports"}
        newly = {name for name, fate in fates(archive).items() if fate == "kept"} - before
        assert asked == newly
    run(bucket.root, tmp_path / "fresh")
    assert tree(archive) == tree(tmp_path / "fresh")


def test_images_chosen_after_the_text_fetch_only_these(bucket, archive, tmp_path):
    run(bucket.root, archive, images="none")
    assert images(archive) == {}
    run(bucket.root, tmp_path / "all")
    chosen = sorted(images(tmp_path / "all"))[3:8]
    keys = frozenset(
        name.split(".")[0] + "_" + name.split("/")[1].rpartition(".")[0].replace(".", "_")
        for name in chosen
    )
    with BucketServer(bucket.root) as server:
        run(server.url, archive, inventory=FIRST, images=keys)

        asked = [key for key in server.asked() if not key.startswith("inventory")]
        assert sorted(asked) == chosen
    assert sorted(images(archive)) == chosen


def test_keys_of_other_blocks_leave_a_block_alone(bucket, archive):
    keys = {"PMC99000205_x"}
    run(bucket.root, archive, images=keys)
    before = stamps(archive)

    report = run(bucket.root, archive, images=keys | {"PMC99003007_x"})

    assert report.blocks_done == 1
    changed = {name for name, stamp in stamps(archive).items() if before.get(name) != stamp}
    assert {name for name in changed if name.endswith(".parquet")} == {
        str(archive / "articles/0099003.parquet")
    }


def test_narrower_licences_and_images_let_go_of_what_is_not_wanted(bucket, archive, tmp_path):
    run(bucket.root, archive)
    wanted = {"licenses": ["cc-by"], "images": "none"}
    with BucketServer(bucket.root) as server:
        run(server.url, archive, inventory=FIRST, **wanted)

        assert {key.partition("/")[0] for key in server.asked()} == {"inventory-reports"}
    run(bucket.root, tmp_path / "fresh", **wanted)
    assert tree(archive) == tree(tmp_path / "fresh")
    assert not list((archive / "images").iterdir())


def test_a_change_that_touches_no_image_keeps_the_images_file(bucket, archive):
    run(bucket.root, archive)
    before = stamps(archive / "images")
    bucket.change("PMC99000205.1", title="Another title")
    bucket.take_inventory()

    assert run(bucket.root, archive).blocks_done == 1
    assert (
        stamps(archive / "images").items()
        >= {k: v for k, v in before.items() if k.endswith(".parquet")}.items()
    )


def test_images_that_were_lost_are_fetched_again(bucket, archive, tmp_path):
    run(bucket.root, archive)
    before = tree(archive)
    next((archive / "images").iterdir()).unlink()

    assert run(bucket.root, archive).blocks_done == 1
    assert tree(archive) == before


def test_damage_is_named_with_the_way_out(bucket, archive):
    run(bucket.root, archive)
    path = archive / "articles" / "0099000.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0xFF
    path.write_bytes(data)
    bucket.change("PMC99000205.1", title="Another title")
    bucket.take_inventory()

    with pytest.raises(ArchiveError, match=r"0099000\.parquet cannot be read: .*extract again"):
        run(bucket.root, archive)


def test_another_selection_is_refused_and_both_are_named(bucket, archive):
    run(bucket.root, archive, pmcids=(99000205, 99000340))
    before = stamps(archive)

    for options in ({}, {"pmcids": (99000205,)}, {"limit": 3}):
        with pytest.raises(UsageError, match=r"has 2 listed articles .* asks for") as refused:
            run(bucket.root, archive, **options)
        assert refused.value.exit_code == 2
    assert stamps(archive) == before


def test_another_format_version_is_refused_and_both_are_named(bucket, archive):
    run(bucket.root, archive)
    path = archive / "archive.json"
    path.write_text(path.read_text().replace('"format_version": 1', '"format_version": 7'))

    with pytest.raises(UsageError, match="has format version 7; this package reads 1"):
        run(bucket.root, archive)


def test_a_folder_with_something_else_is_left_alone(bucket, archive):
    archive.mkdir()
    (archive / "thesis.tex").write_text("years of work")

    with pytest.raises(UsageError, match="is not empty and not an archive"):
        run(bucket.root, archive)
    assert [path.name for path in archive.iterdir()] == ["thesis.tex"]


def test_an_output_that_is_a_file_is_refused(bucket, archive):
    archive.write_text("mine")

    with pytest.raises(UsageError, match="archive"):
        run(bucket.root, archive)
    assert archive.read_text() == "mine"


def test_retry_fetches_again_what_was_dropped_for_now(bucket, archive, tmp_path):
    run(bucket.root, tmp_path / "whole")
    name = "PMC99000205.1"
    picture = next(e.name for e in rows(tmp_path / "whole")[name].images if e.status == "kept")
    kept = (bucket.root / name / picture).read_bytes()
    (bucket.root / name / picture).unlink()
    run(bucket.root, archive)
    assert {e.status for e in rows(archive)[name].images if e.name == picture} == {"unavailable"}
    (bucket.root / name / picture).write_bytes(kept)

    assert run(bucket.root, archive).blocks_done == 0
    with BucketServer(bucket.root) as server:
        report = run(server.url, archive, inventory=FIRST, retry=True)
        asked = [key for key in server.asked() if not key.startswith("inventory")]
    assert sorted(asked) == sorted([f"{name}/{picture}", f"metadata/{name}.json"])
    assert report.blocks_done == 1
    assert tree(archive) == tree(tmp_path / "whole")
    assert run(bucket.root, archive, retry=True).blocks_done == 0


def test_what_a_better_reader_finds_is_fetched_when_that_is_asked_for(
    bucket, archive, tmp_path, monkeypatch
):
    def older(xml: bytes) -> Article:
        article = read_article(xml)
        return replace(article, figures=article.figures[:1])

    with BucketServer(bucket.root) as server:
        with monkeypatch.context() as before:
            before.setattr(fetch, "read_article", older)
            for module in (entries, old, write):
                before.setattr(module, "reader_fingerprint", lambda: "an older reader")
            run(server.url, archive, inventory=FIRST)
        few = images(archive)
        server.forget()
        calm = run(server.url, archive, inventory=FIRST)
        asked_without = [key for key in server.asked() if not key.startswith("inventory")]
        server.forget()
        report = run(server.url, archive, inventory=FIRST, retry=True)
        asked = [key for key in server.asked() if not key.startswith("inventory")]
        again = run(server.url, archive, inventory=FIRST, retry=True)
        run(server.url, tmp_path / "fresh", inventory=FIRST)

    assert (calm.blocks_done, asked_without) == (0, [])
    assert report.blocks_done == report.blocks > again.blocks_done
    assert tree(archive) == tree(tmp_path / "fresh")
    # All that the older one had fetched or failed to fetch stays as it is.
    new = images(archive).keys() - few.keys()
    assert len(few) > 0
    assert new
    assert set(asked) >= new
    assert not set(asked) & few.keys()
