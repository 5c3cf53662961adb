"""Train, validation and test by a hash of the PMCID, in every table and format."""

from __future__ import annotations

import json
import shutil
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from datasets import get_dataset_split_names, load_dataset

from biomedica_dataset import BiomedicaBuilder, BiomedicaConfig, UsageError
from biomedica_dataset.cli.group import main
from biomedica_dataset.folder.splits import SPLITS, Splits
from biomedica_dataset.licenses import LICENSE_GROUPS
from biomedica_dataset.serialization.serialize import serialize
from biomedica_dataset.streaming.dataset import open_dataset
from biomedica_dataset.subset.select import select
from biomedica_dataset.verification.verify import verify
from biomedica_dataset.webdataset.export import serialize_webdataset

from ..servers import BucketServer

SHARES = Splits((0.5, 0.25, 0.25))


@pytest.fixture(scope="module")
def dataset(sample_archive, tmp_path_factory):
    """A dataset folder with three splits; not to be changed by a test."""
    folder = tmp_path_factory.mktemp("split") / "biomedica"
    serialize(sample_archive, folder, splits=SHARES, workers=1)
    return folder


def pmcid(row):
    return int(row["article_accession_id"].removeprefix("PMC"))


def index(folder):
    return pa.concat_tables(pq.read_table(p) for p in (folder / "index").iterdir()).to_pylist()


def test_a_share_of_the_articles_is_in_each_split_and_an_article_in_one():
    counts = dict.fromkeys(SPLITS, 0)
    for number in range(10_000):
        counts[Splits((0.9, 0.05, 0.05)).of(number)] += 1

    assert sum(counts.values()) == 10_000
    assert counts == pytest.approx({"train": 9000, "validation": 500, "test": 500}, rel=0.15)


def test_more_training_takes_nothing_out_of_training():
    """Shares may grow in another folder: what was trained on is never tested on."""
    small, large = Splits((0.8, 0.1, 0.1)), Splits((0.9, 0.05, 0.05))

    assert all(large.of(number) == "train" for number in range(2000) if small.of(number) == "train")


@pytest.mark.parametrize("text", ["0.9,0.1", "0.9,0.2,0.1", "1.1,-0.1,0", "a,b,c", "", "nan,1,0"])
def test_what_are_no_shares_is_refused(text):
    with pytest.raises(UsageError, match=r"such as 0\.9,0\.05,0\.05"):
        Splits.parse(text)


@pytest.mark.slow
def test_every_table_has_an_article_in_the_split_of_its_pmcid(dataset):
    seen = {}
    for config in ("all", "captions", "articles"):
        for split in get_dataset_split_names(str(dataset), config):
            for row in load_dataset(str(dataset), config, split=split, streaming=True):
                assert SHARES.of(pmcid(row)) == split
                seen.setdefault(config, set()).add(row.get("key", pmcid(row)))

    assert len(seen["all"]) == len(seen["captions"]) == 62
    assert len(seen["articles"]) == 19
    assert {row["split"] for row in index(dataset)} == set(SPLITS)
    for row in index(dataset):
        assert row["split"] == SHARES.of(pmcid(row)) == row["file"].split("/")[1]
    assert not verify(dataset).problems


@pytest.mark.slow
def test_splits_do_not_change_the_rows(dataset, sample_dataset):
    for config in (*LICENSE_GROUPS, "captions"):
        whole = list(load_dataset(str(sample_dataset), config, split="train", streaming=True))
        parts = [
            row
            for split in get_dataset_split_names(str(dataset), config)
            for row in load_dataset(str(dataset), config, split=split, streaming=True)
        ]
        for row in (*whole, *parts):
            row.pop("image", None)
        assert sorted(parts, key=lambda r: r["key"]) == sorted(whole, key=lambda r: r["key"])


@pytest.mark.slow
def test_a_folder_stays_split_as_it_was_begun(sample_archive, dataset, tmp_path):
    command = ["serialize", str(sample_archive), "-o", str(tmp_path / "out"), "--workers", "1"]
    begun = CliRunner().invoke(main, [*command, "--split", "0.5,0.25,0.25"])
    assert begun.exit_code == 0, begun.output
    for words in ([], ["--split", "0.5,0.25,0.25"]):
        again = CliRunner().invoke(main, [*command, *words])
        assert "nothing to do" in again.output
    other = CliRunner().invoke(main, [*command, "--split", "0.8,0.1,0.1"])
    assert other.exit_code == 2
    assert "was split 0.5,0.25,0.25" in other.output
    assert "name another folder" in other.output
    assert (tmp_path / "out" / "manifest.json").read_bytes() == (
        dataset / "manifest.json"
    ).read_bytes()


def test_a_folder_without_splits_is_not_split_later(sample_archive, sample_dataset):
    with pytest.raises(UsageError, match="was split 1,0,0"):
        serialize(sample_archive, sample_dataset, splits=SHARES)


@pytest.mark.parametrize("split", [None, *SPLITS, "all"])
def test_open_dataset_takes_a_split(dataset, split):
    rows = open_dataset(dataset, split=split, columns=["key", "split"])
    wanted = {"all": set(SPLITS), None: {"train"}}.get(split, {split})

    assert {row["key"] for row in rows} == {
        row["key"] for row in index(dataset) if row["split"] in wanted
    }


@pytest.mark.slow
def test_a_subset_keeps_the_splits(dataset, tmp_path):
    select(dataset, tmp_path / "subset", split="all", licenses="commercial")
    expected = [row for row in index(dataset) if row["license_group"] == "commercial"]

    assert {row["key"]: row["split"] for row in index(tmp_path / "subset")} == {
        row["key"]: row["split"] for row in expected
    }
    assert get_dataset_split_names(str(tmp_path / "subset"), "captions") == list(SPLITS)
    assert not verify(tmp_path / "subset").problems


@pytest.mark.slow
def test_tars_are_split_alike(sample_archive, dataset, tmp_path):
    folder = tmp_path / "tars"
    serialize_webdataset(sample_archive, folder, splits=SHARES, workers=1)
    expected = {row["key"]: (row["license_group"], row["split"]) for row in index(dataset)}
    found = {}
    for path in folder.glob("*/*/*.tar"):
        group, split = path.parts[-3:-1]
        sizes = json.loads((path.parent / "sizes.json").read_bytes())
        with tarfile.open(path) as tar:
            keys = [name[:-4] for name in tar.getnames() if name.endswith(".txt")]
        assert sizes[path.name] == len(keys)
        found |= dict.fromkeys(keys, (group, split))

    assert found == expected
    assert get_dataset_split_names(str(folder), "commercial") == list(SPLITS)
    rows = load_dataset(str(folder), "commercial", split="test", streaming=True)
    assert {row["__key__"] for row in rows} == {
        key for key, place in expected.items() if place == ("commercial", "test")
    }
    assert serialize_webdataset(sample_archive, folder, workers=1).rewritten == 0
    with pytest.raises(UsageError, match="name another folder"):
        serialize_webdataset(sample_archive, folder, splits=Splits((0.8, 0.1, 0.1)))


def test_a_row_in_the_wrong_split_is_told_of(dataset, tmp_path):
    folder = shutil.copytree(dataset, tmp_path / "biomedica")
    manifest = folder / "manifest.json"
    told = manifest.read_text().replace("0.5,0.25,0.25", "0.25,0.25,0.5")
    manifest.write_text(told)

    assert any("in the split train" in problem for problem in verify(folder).problems)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["archive", "bucket"])
def test_the_builder_splits_alike_and_fetches_one_split_alone(
    kind, sample_archive, sample_bucket, dataset
):
    source = {"archive": sample_archive, "bucket": sample_bucket}[kind]
    builder = BiomedicaBuilder(config_name="all", source=str(source), splits=str(SHARES))
    for split in SPLITS:
        rows = builder.as_streaming_dataset(split=split).select_columns("key")
        assert {row["key"] for row in rows} == {
            row["key"] for row in index(dataset) if row["split"] == split
        }


def test_of_a_bucket_articles_of_other_splits_are_not_fetched(sample_bucket):
    inventory = "2026-11-20T01-00Z"
    with BucketServer(sample_bucket) as server:
        builder = BiomedicaBuilder(
            config_name="all", source=server.url, splits=str(SHARES), inventory=inventory
        )
        list(builder.as_streaming_dataset(split="test").select_columns("key"))
        fetched = {request.key.partition("/")[0] for request in server.log}
    articles = {name for name in fetched if name.startswith("PMC")}

    assert articles
    assert {SHARES.of(int(name[3:].partition(".")[0])) for name in articles} == {"test"}


def test_shares_that_are_none_are_refused_by_the_builder(sample_archive):
    with pytest.raises(UsageError, match=r"such as 0\.9,0\.05,0\.05"):
        BiomedicaConfig(name="all", splits="0.9")
    builder = BiomedicaBuilder(config_name="all", source=str(sample_archive), splits="0.9")
    with pytest.raises(UsageError, match=r"such as 0\.9,0\.05,0\.05"):
        builder.as_streaming_dataset(split="train")
