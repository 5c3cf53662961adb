"""Articles whose images are copies of each other stay in one split."""

from __future__ import annotations

import pyarrow as pa
import pytest

from biomedica_dataset.annotation.blocks import BlockRecord, write_block
from biomedica_dataset.annotation.duplicates.copies import SCHEMA, Duplicates, DuplicatesHeader
from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.errors import UsageError
from biomedica_dataset.folder.splits import Splits
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.serialization.serialize import serialize
from biomedica_dataset.streaming.dataset import open_dataset
from biomedica_dataset.verification.verify import verify
from biomedica_dataset.webdataset.export import serialize_webdataset

SHARES = "0.5,0.25,0.25"


def images(dataset, *columns):
    return list(open_dataset(dataset, split="all", columns=["key", *columns]))


def write_duplicates(folder, archive, keys, *groups):
    """Write groups of keys, of which the first is the keeper; other keys are groups of one."""
    width = Archive.open(archive).width
    keepers = dict(zip(keys, keys, strict=True)) | {key: own[0] for own in groups for key in own}
    sizes = {own[0]: len(own) for own in groups}
    blocks: dict[int, list] = {}
    for key in sorted(keys):
        keeper = keepers[key]
        row = {
            "key": key,
            "keeper": keeper,
            "size": sizes.get(keeper, 1),
            "is_keeper": key == keeper,
        }
        blocks.setdefault(int(key[3:].partition("_")[0]) // width, []).append(row)
    there = Duplicates.begin(Folder(folder), DuplicatesHeader(width))
    for block, rows in blocks.items():
        table = pa.Table.from_pylist(rows, SCHEMA)
        write_block(there.folder, block, table, BlockRecord(fingerprint=repr(groups)))
    return folder


@pytest.fixture
def group(sample_dataset, tmp_path):
    """The keys of an image of each of three articles that hashes put into different splits."""
    splits, found = Splits.parse(SHARES), {}
    for row in images(sample_dataset):
        pmcid = int(row["key"][3:].partition("_")[0])
        found.setdefault(splits.of(pmcid), row["key"])
    assert len(found) == 3
    return list(found.values())


@pytest.fixture
def duplicates(sample_dataset, sample_archive, group, tmp_path):
    keys = [row["key"] for row in images(sample_dataset)]
    return write_duplicates(tmp_path / "duplicates", sample_archive, keys, group)


@pytest.mark.slow
def test_a_group_of_copies_is_in_one_split_and_the_rest_where_it_would_be(
    sample_archive, duplicates, group, tmp_path
):
    options = {"splits": SHARES, "workers": 1}
    grouped = serialize(
        sample_archive, tmp_path / "d", **options, split_by="duplicates", attributes=[duplicates]
    )
    serialize(sample_archive, tmp_path / "alone", **options)

    now = {row["key"]: row["split"] for row in images(tmp_path / "d", "split")}
    alone = {row["key"]: row["split"] for row in images(tmp_path / "alone", "split")}
    articles = {key.partition("_")[0] for key in group}
    least = min(int(article[3:]) for article in articles)
    moved = {key for key in now if key.partition("_")[0] in articles}
    assert {now[key] for key in moved} == {Splits.parse(SHARES).of(least)}
    assert all(now[key] == alone[key] for key in now if key not in moved)
    assert grouped.manifest.image_groups == {"groups": 1, "articles": 3, "largest": 3}
    assert "3 articles have copies of images, in 1 groups, each in one split" in str(grouped)
    assert "have copies of an image, by `duplicates`" in (tmp_path / "d/README.md").read_text()
    assert verify(tmp_path / "d").problems == []


@pytest.mark.slow
def test_the_folder_of_duplicates_must_be_named_in_every_run(
    sample_archive, sample_dataset, duplicates, tmp_path
):
    options = {"splits": SHARES, "workers": 1, "split_by": "duplicates"}
    with pytest.raises(UsageError, match="no folder of them is among the attributes"):
        serialize(sample_archive, tmp_path / "d", **options)
    assert not (tmp_path / "d").exists()
    serialize(sample_archive, tmp_path / "d", **options, attributes=[duplicates])
    with pytest.raises(UsageError, match="no folder of them is among the attributes"):
        serialize(sample_archive, tmp_path / "d", workers=1)
    with pytest.raises(UsageError, match="tars have no attributes to split by"):
        serialize_webdataset(sample_archive, tmp_path / "t", **options)
