"""Captions of figures whose images were not fetched: text first, then the images of some."""

from __future__ import annotations

import shutil

import pytest
from datasets import load_dataset

from biomedica_dataset import UsageError, extract, open_dataset, select, serialize, verify
from biomedica_dataset.folder.manifest import read_manifest
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.webdataset.export import serialize_webdataset

CONDITION = "caption contains particles and article_year >= 2020"


@pytest.fixture(scope="module")
def text_archive(sample_bucket, tmp_path_factory):
    """An archive without images, and whose articles are those of the sample."""
    folder = tmp_path_factory.mktemp("text") / "archive"
    extract(sample_bucket, folder, images="none")
    return folder


@pytest.fixture(scope="module")
def captions(text_archive, tmp_path_factory):
    folder = tmp_path_factory.mktemp("text") / "captions"
    serialize(text_archive, folder, splits="0.8,0.1,0.1", workers=1)
    return folder


def rows(folder, split="train"):
    found = load_dataset(str(folder), "captions", split=split, streaming=True)
    return {row["key"]: row for row in found}


@pytest.mark.slow
def test_captions_have_all_but_what_only_the_image_says(captions, sample_archive, tmp_path):
    serialize(sample_archive, tmp_path / "whole", splits="0.8,0.1,0.1", workers=1)

    for split in ("train", "validation", "test"):
        whole = rows(tmp_path / "whole", split)
        assert rows(captions, split) == {
            key: {**row, "image_hash": None, "image_size": None} for key, row in whole.items()
        }
    assert verify(captions).problems == []


def test_the_card_of_captions_reads_captions_and_counts_no_images(captions):
    card = (captions / "README.md").read_text(encoding="utf-8")

    assert 'load_dataset("biomedica", "captions"' in card
    assert "## What is in it" not in card
    assert read_manifest(Folder(captions)).configs() == ["articles", "captions"]


def test_without_an_image_there_is_nothing_to_open_and_the_way_to_them_is_named(captions):
    with pytest.raises(UsageError, match=r"no images, only captions.*--keys-only"):
        open_dataset(captions)


@pytest.mark.parametrize("source", ["archive", "folder"])
def test_keys_are_chosen_by_captions_whose_images_are_not_there(
    text_archive, captions, sample_dataset, tmp_path, source
):
    of = text_archive if source == "archive" else captions
    split = None if source == "archive" else "all"

    report = select(
        of, tmp_path / "keys.txt", filters=CONDITION, licenses="commercial", split=split,
        keys_only=True,
    )  # fmt: skip

    select(sample_dataset, tmp_path / "expected.txt", filters=CONDITION, licenses="commercial",
           keys_only=True)  # fmt: skip
    found = (tmp_path / "keys.txt").read_text().split()
    assert found
    assert found == (tmp_path / "expected.txt").read_text().split()
    assert f"{len(found)} of 62 keys; written to {tmp_path / 'keys.txt'}" in str(report)


def test_of_an_archive_only_keys_can_be_selected(text_archive, tmp_path):
    with pytest.raises(UsageError, match=r"is an archive.*--keys-only.*serialize it"):
        select(text_archive, tmp_path / "subset")


@pytest.mark.slow
def test_images_come_after_the_text_and_other_captions_stay(text_archive, sample_bucket, tmp_path):
    archive, folder = shutil.copytree(text_archive, tmp_path / "archive"), tmp_path / "folder"
    serialize(archive, folder, workers=1)
    before = rows(folder)
    select(archive, tmp_path / "keys.txt", filters=CONDITION, keys_only=True)
    keys = set((tmp_path / "keys.txt").read_text().split())

    extract(sample_bucket, archive, images=str(tmp_path / "keys.txt"))
    serialize(archive, folder, workers=1)

    assert {row["key"] for row in open_dataset(folder)} == keys
    after = rows(folder)
    assert after.keys() == before.keys()
    assert {key for key, row in after.items() if row["image_hash"]} == keys
    assert verify(folder).problems == []
    select(folder, tmp_path / "again.txt", filters=CONDITION, keys_only=True)
    assert set((tmp_path / "again.txt").read_text().split()) == keys
    tars = serialize_webdataset(archive, tmp_path / "tars", workers=1)
    assert f"{len(keys)}" in str(tars)


@pytest.mark.slow
def test_captions_give_way_to_whole_rows_once_all_images_are_there(
    text_archive, sample_bucket, sample_archive, tmp_path
):
    archive, folder = shutil.copytree(text_archive, tmp_path / "archive"), tmp_path / "folder"
    serialize(archive, folder, workers=1)
    extract(sample_bucket, archive)
    serialize(archive, folder, workers=1)
    serialize(sample_archive, tmp_path / "whole", workers=1)

    names = [
        sorted(str(path.relative_to(of)) for path in of.rglob("captions/**/*.parquet"))
        for of in (folder, tmp_path / "whole")
    ]
    assert names[0] == names[1]
