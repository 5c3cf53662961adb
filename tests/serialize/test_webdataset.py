"""The tars in the layout of the published dataset, read by what reads the published ones."""

from __future__ import annotations

import json
import shutil
import tarfile
from itertools import pairwise

import pytest
import webdataset as wds
from click.testing import CliRunner
from datasets import load_dataset

from biomedica_dataset import UsageError
from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.cli.group import main
from biomedica_dataset.errors import ArchiveError
from biomedica_dataset.licenses import LICENSE_GROUPS
from biomedica_dataset.rows import rows_of
from biomedica_dataset.serialization.serialize import serialize
from biomedica_dataset.verification.verify import verify
from biomedica_dataset.webdataset import tars
from biomedica_dataset.webdataset.export import serialize_webdataset
from biomedica_dataset.webdataset.published import (
    image_id,
    key_of_published,
    published_features,
    unix_time,
)

from ..trees import tree

# Name and type of each key, as the published dataset has them.
PUBLISHED = {
    "image_file_name": str, "image_cluster_id": str, "image_hash": str, "image_label_id": int,
    "image_panel_type": str, "image_panel_subtype": str, "image_primary_label": list,
    "image_secondary_label": list, "image_size": list, "image_set": list, "image_context": dict,
    "article_accession_id": str, "article_title": str, "article_journal": str, "article_date": int,
    "article_abstract": str, "article_mesh_terms": list, "article_keywords": list,
    "article_subject": list, "article_reference_ids": list, "article_reference_count": int,
    "article_reference_list": list, "article_citation": str, "article_license": str,
    "article_text": str,
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(sample_archive, tmp_path_factory):
    """Tars of the sample; not to be changed by a test."""
    output = tmp_path_factory.mktemp("tars")
    serialize_webdataset(sample_archive, output, workers=1)
    return output


@pytest.fixture(scope="module")
def expected(sample_archive):
    """Group, pair and all rows of its article, by key."""
    archive = Archive.open(sample_archive)
    articles = [
        rows_of(row, images, full_text=True)
        for block in archive.blocks()
        for row, images in archive.articles(block)
    ]
    return {pair.key: (group, pair, rows) for rows in articles for group, pair in rows.pairs}


def urls(folder, group):
    return [str(path) for path in sorted((folder / group).glob("*.tar"))]


def members(folder):
    for path in sorted(folder.glob("*/*.tar")):
        with tarfile.open(path) as tar:
            for member in tar:
                yield path.parent.name, member, tar.extractfile(member).read()


def test_every_pair_is_one_sample_in_the_folder_of_its_license_group(folder, expected):
    found = {m.name.removesuffix(".json"): g for g, m, _ in members(folder) if ".json" in m.name}

    assert found == {key: group for key, (group, _, _) in expected.items()}


def test_images_are_the_original_bytes_whatever_their_format(folder, expected):
    images = {
        m.name.removesuffix(".jpg"): data for _, m, data in members(folder) if ".jpg" in m.name
    }

    assert {key: pair.image["bytes"] for key, (_, pair, _) in expected.items()} == images


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_usual_loop_written_for_the_published_tars_runs_unchanged(folder, expected):
    seen = set()
    dataset = wds.WebDataset(urls(folder, "commercial"), shardshuffle=False)
    for image, text, info in dataset.decode("pil").to_tuple("jpg", "txt", "json"):
        key = next(k for k, (_, p, _) in expected.items() if p.image_hash == info["image_hash"])
        seen.add(key)
        assert list(image.size) == info["image_size"]
        assert text == expected[key][1].caption

    assert seen == {key for key, (group, _, _) in expected.items() if group == "commercial"}


def test_names_and_types_are_the_published_ones(folder):
    for _, member, data in members(folder):
        if not member.name.endswith(".json"):
            continue
        info = json.loads(data)
        assert list(info) == list(PUBLISHED)
        for name, kind in PUBLISHED.items():
            may_miss = kind in {str, int}
            assert isinstance(info[name], kind) or (may_miss and info[name] is None), name
        assert all(isinstance(i, str) for i in info["article_reference_ids"])
        for paragraphs in info["image_context"].values():
            assert all(isinstance(paragraph, str) for paragraph in paragraphs)


def test_a_sample_repeats_its_article_and_its_siblings_as_far_as_their_licenses_go(
    folder, expected
):
    order = LICENSE_GROUPS.index
    for _, member, data in members(folder):
        if not member.name.endswith(".json"):
            continue
        info = json.loads(data)
        group, pair, rows = expected[member.name.removesuffix(".json")]
        beside = [p for g, p in rows.pairs if order(g) <= order(group)]
        assert [f["image_file_name"] for f in info["image_set"]] == [
            p.image_file_name for p in beside
        ]
        assert info["image_context"] == {
            image_id(p): p.image_context for p in beside if p.image_context
        }
        assert info["article_text"] == rows.article[1].article_text
        assert info["article_date"] == unix_time(pair.article_date)


def test_datasets_reads_the_folder_with_the_features_of_its_card(folder, expected):
    for group in LICENSE_GROUPS:
        samples = load_dataset(str(folder), group, split="train", streaming=True)
        assert samples.features == published_features()
        rows = list(samples)
        assert {row["__key__"] for row in rows} == {
            k for k, (g, *_) in expected.items() if g == group
        }
        for row in rows:
            pair = expected[row["__key__"]][1]
            contexts = row["json"]["image_context"]
            assert contexts.get(image_id(pair)) == pair.image_context
            assert list(row["jpg"].size) == pair.image_size


def test_datasets_reads_the_tars_alone(folder):
    files = {"train": urls(folder, "commercial")}
    samples = load_dataset("webdataset", data_files=files, split="train", streaming=True)

    assert all(row["txt"] and row["jpg"].size for row in samples)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of open_clip
def test_sizes_are_those_that_open_clip_asks_for(folder):
    data = pytest.importorskip("open_clip_train.data")
    every = [url for group in LICENSE_GROUPS for url in urls(folder, group)]
    for group in LICENSE_GROUPS:
        sizes = json.loads((folder / group / "sizes.json").read_bytes())
        assert sorted(sizes) == sorted(url.rpartition("/")[2] for url in every)
        for url in urls(folder, group):
            with tarfile.open(url) as tar:
                assert len(tar.getnames()) == 3 * sizes[url.rpartition("/")[2]]

    assert data.get_dataset_size("::".join(every)) == (62, len(every))
    assert data.get_dataset_size("::".join(urls(folder, "other"))) == (4, 1)


def test_the_order_is_mixed_and_not_that_of_the_articles(folder):
    keys = [m.name for g, m, _ in members(folder) if g == "commercial" and m.name.endswith(".txt")]
    neighbours = [a.partition("_")[0] == b.partition("_")[0] for a, b in pairwise(keys)]

    assert keys != sorted(keys)
    assert sum(neighbours) < len(keys) / 3


@pytest.mark.slow
def test_same_archive_same_bytes_whatever_the_workers_and_nothing_of_the_machine(
    sample_archive, folder, tmp_path
):
    serialize_webdataset(sample_archive, tmp_path / "again", workers=2)

    assert tree(tmp_path / "again") == tree(folder)
    for _, member, _ in members(folder):
        assert (member.mtime, member.uid, member.gid) == (0, 0, 0)
        assert (member.uname, member.gname) == ("", "")


def test_a_second_run_does_nothing_and_a_stopped_one_is_continued(sample_archive, folder, tmp_path):
    output = shutil.copytree(folder, tmp_path / "tars")
    assert serialize_webdataset(sample_archive, output, workers=1).rewritten == 0
    next((output / ".shards").glob("0*.json")).unlink()
    next((output / "commercial").glob("*.tar")).unlink()
    (output / "commercial" / "sizes.json").unlink()

    report = serialize_webdataset(sample_archive, output, workers=1)
    assert report.rewritten == 1
    assert "62 kept" in str(report)
    assert tree(output) == tree(folder)


@pytest.mark.slow
def test_no_tar_has_more_samples_than_it_may(sample_archive, tmp_path, monkeypatch, folder):
    monkeypatch.setattr(tars, "SAMPLES", 10)
    report = serialize_webdataset(sample_archive, tmp_path / "small", workers=1)

    assert max(tar.samples for tar in report.tars.values()) == 10
    assert sum(tar.samples for tar in report.tars.values()) == 62
    assert {m.name for _, m, _ in members(tmp_path / "small")} == {
        m.name for _, m, _ in members(folder)
    }


def test_a_folder_with_something_else_is_refused(sample_archive, sample_dataset, folder, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    for output in (tmp_path, sample_dataset):
        with pytest.raises(UsageError, match="is not empty and not"):
            serialize_webdataset(sample_archive, output)
    with pytest.raises(UsageError, match="is not empty and not"):
        serialize(sample_archive, folder)


@pytest.mark.slow
def test_the_command_writes_the_same_tars(sample_archive, folder, tmp_path):
    arguments = ["serialize", str(sample_archive), "-o", str(tmp_path / "tars"), "--workers", "1"]
    done = CliRunner().invoke(main, [*arguments, "--format", "webdataset"], catch_exceptions=False)

    assert done.exit_code == 0
    assert "commercial: 45 samples in 1 tar" in done.output
    assert tree(tmp_path / "tars") == tree(folder)


def test_an_old_key_gives_the_key_of_the_same_figure(expected):
    for key, (_, pair, _) in expected.items():
        old = f"17-{pair.article_accession_id}-3-{image_id(pair)}"
        assert key == key_of_published(old) or key.startswith(f"{key_of_published(old)}-")
        assert key_of_published(f"{old}.jpg") == key_of_published(old)


@pytest.mark.parametrize("old", ["", "PMC13900_fig1", "17-13900-0-fig", "17-PMC13900-fig"])
def test_what_is_no_old_key_is_refused(old):
    with pytest.raises(UsageError, match="batch-PMCID-position-name"):
        key_of_published(old)


@pytest.mark.parametrize(
    ("date", "seconds"),
    [("2026-02-08", 1770508800), ("2026-02", 1769904000), ("1969", -31536000), (None, None)],
)
def test_a_date_is_the_unix_time_of_its_first_second(date, seconds):
    assert unix_time(date) == seconds


def test_a_lost_or_shortened_tar_is_written_again(sample_archive, folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "tars")
    lost, short = sorted(copy.glob("*/*.tar"))[:2]
    whole = {path: path.read_bytes() for path in (lost, short)}
    lost.unlink()
    short.write_bytes(b"")

    assert serialize_webdataset(sample_archive, copy, workers=1).rewritten >= 1
    assert {path: path.read_bytes() for path in whole} == whole
    assert serialize_webdataset(sample_archive, copy, workers=1).rewritten == 0


def test_verify_checks_tars(folder, tmp_path):
    whole = verify(folder)
    assert whole.problems == []
    assert str(whole).startswith("folder of tars: ")
    for path in folder.glob("*/sizes.json"):
        assert whole.rows == sum(json.loads(path.read_bytes()).values())

    copy = shutil.copytree(folder, tmp_path / "tars")
    lost, changed = sorted(copy.glob("*/*.tar"))[:2]
    lost.unlink()
    data = bytearray(changed.read_bytes())
    data[1000] ^= 0xFF
    changed.write_bytes(data)
    (copy / "commercial" / "stranger.tar").write_bytes(b"")
    (copy / "noncommercial" / "sizes.json").write_text("{}")
    (copy / "README.md").unlink()

    assert sorted(problem.split(": ")[0] for problem in verify(copy).problems) == sorted(
        [
            *(str(path.relative_to(copy)) for path in (lost, changed)),
            *("README.md", "commercial/stranger.tar", "noncommercial/sizes.json"),
        ]
    )


@pytest.mark.slow
def test_only_tars_of_what_differs_are_written(sample_archive, tmp_path, monkeypatch):
    monkeypatch.setattr("biomedica_dataset.webdataset.export._ALL_CHUNK_BLOCKS", 2)  # one shard
    output = tmp_path / "tars"
    assert serialize_webdataset(sample_archive, output, workers=1).rewritten == 2
    before = tree(output)
    first, *_rest, last = sorted(output.glob("*/*.tar"), key=lambda path: path.name)
    kept = last.stat().st_ino
    next((output / ".dataset" / ".shards").glob("0*.parquet")).unlink()
    first.unlink()
    (output / ".shards" / "000001.json").write_text(json.dumps({"fingerprint": "", "tars": {}}))
    (output / "commercial" / "000001-00.tar").write_bytes(b"of an earlier state")

    report = serialize_webdataset(sample_archive, output, workers=1)
    assert (report.dataset.rewritten, report.rewritten) == (1, 1)
    assert last.stat().st_ino == kept
    assert tree(output) == before


@pytest.mark.slow
def test_tars_of_the_first_version_are_read_and_brought_up_to_date(
    sample_archive, folder, tmp_path
):
    copy = shutil.copytree(folder, tmp_path / "tars", ignore=shutil.ignore_patterns(".dataset"))
    for path in copy.glob(".shards/0*.json"):
        record = json.loads(path.read_bytes())
        path.write_text(json.dumps(record | {"fingerprint": "", "figures": {}, "problems": []}))
    assert verify(copy).problems == []

    assert serialize_webdataset(sample_archive, copy, workers=1).rewritten == 1
    assert tree(copy) == tree(folder)


@pytest.mark.slow
def test_a_damaged_image_of_the_dataset_folder_is_named(sample_archive, folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "tars")
    damaged = next((copy / ".dataset" / "commercial").rglob("*.parquet"))
    data = bytearray(damaged.read_bytes())
    data[5000] ^= 0xFF
    damaged.write_bytes(data)
    for path in copy.glob(".shards/0*.json"):
        path.unlink()

    with pytest.raises(ArchiveError, match=r"the image of \w+ is damaged. Remove it"):
        serialize_webdataset(sample_archive, copy, workers=1)
    damaged.unlink()
    serialize_webdataset(sample_archive, copy, workers=1)
    assert tree(copy) == tree(folder)


def test_what_cannot_be_joined_leaves_no_output(sample_archive, tmp_path):
    with pytest.raises(UsageError, match="is not a folder of labels"):
        serialize_webdataset(sample_archive, tmp_path / "tars", labels=tmp_path)
    assert not (tmp_path / "tars").exists()
