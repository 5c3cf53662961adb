"""Vectors of the images as a separate config, row by row beside the images."""

from __future__ import annotations

import hashlib
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from datasets import load_dataset

from biomedica_dataset.annotation.embeddings.embed import embed
from biomedica_dataset.annotation.embeddings.vectors import Embeddings
from biomedica_dataset.cli.group import main
from biomedica_dataset.errors import UsageError
from biomedica_dataset.licenses import LICENSE_GROUPS
from biomedica_dataset.serialization.serialize import serialize
from biomedica_dataset.subset.select import select
from biomedica_dataset.verification.verify import verify

from ..trees import tree
from .encoders import Quarters


@pytest.fixture(scope="module")
def embeddings(sample_archive, tmp_path_factory):
    """Vectors of the sample; not to be changed by a test."""
    folder = tmp_path_factory.mktemp("vectors") / "embeddings"
    embed(sample_archive, folder, encoder=Quarters(), workers=0)
    return folder


@pytest.fixture(scope="module")
def dataset(sample_archive, embeddings, tmp_path_factory):
    """A dataset folder with vectors; not to be changed by a test."""
    folder = tmp_path_factory.mktemp("vectors") / "biomedica"
    serialize(sample_archive, folder, embeddings=embeddings, workers=1)
    return folder


def vectors(embeddings):
    there = Embeddings.open(embeddings)
    found = {}
    for block in there.blocks():
        keys, rows = there.vectors(block)
        found |= dict(zip(keys, rows, strict=True))
    return found


def test_each_image_row_has_its_vector_beside_it(dataset, embeddings):
    expected = vectors(embeddings)
    rows = 0
    for group in LICENSE_GROUPS:
        for path in sorted((dataset / group / "train").iterdir()):
            beside = pq.read_table(dataset / "embeddings" / group / path.name).to_pylist()
            keys = pq.read_table(path, columns=["key"])["key"].to_pylist()
            assert [row["key"] for row in beside] == keys
            for row in beside:
                assert np.array_equal(row["image_embedding"], expected[row["key"]])
                assert row["image_embedding_model"] == str(Quarters().id)
                rows += 1

    assert rows == 62
    assert not verify(dataset).problems


def test_datasets_reads_the_config_from_the_card(dataset, embeddings):
    rows = load_dataset(str(dataset), "embeddings", split="train", streaming=True)
    expected = vectors(embeddings)

    assert {row["key"] for row in rows} == set(expected)
    first = next(iter(rows.with_format("numpy")))
    assert first["image_embedding"].shape == (12,)
    assert "`image_embedding_model`" in (dataset / "README.md").read_text()
    assert "vectors of quarters" in (dataset / "README.md").read_text().replace("&#58;", ":")


@pytest.mark.slow
def test_joined_later_they_touch_no_other_table_and_the_result_is_the_same(
    sample_archive, embeddings, dataset, tmp_path
):
    folder = tmp_path / "biomedica"
    serialize(sample_archive, folder, workers=1)
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*/*/*.parquet")}
    report = serialize(sample_archive, folder, embeddings=embeddings, workers=1)
    after = {path: path.stat().st_mtime_ns for path in before}

    assert before == after
    assert report.rewritten == 2
    assert "vectors: 62 seen = 62 kept + 0 dropped" in str(report)
    assert tree(folder) == tree(dataset)
    again = serialize(sample_archive, folder, embeddings=embeddings, workers=1)
    assert again.rewritten == 0


@pytest.mark.slow
def test_left_out_again_or_of_another_model_they_change_alone(
    sample_archive, sample_dataset, dataset, tmp_path
):
    folder = shutil.copytree(dataset, tmp_path / "biomedica")
    other = tmp_path / "embeddings"
    embed(sample_archive, other, encoder=Quarters(1.0), workers=0)
    serialize(sample_archive, folder, embeddings=other, workers=1)
    changed = {path for path, digest in tree(folder).items() if tree(dataset).get(path) != digest}
    assert {path.partition("/")[0] for path in changed} == {
        "README.md", "manifest.json", "embeddings", ".shards",
    }  # fmt: skip
    assert not verify(folder).problems

    serialize(sample_archive, folder, workers=1)
    assert tree(folder) == tree(sample_dataset)


def test_what_a_killed_run_left_of_vectors_goes_with_the_next(
    sample_archive, sample_dataset, dataset, tmp_path
):
    """It has files of vectors, records without them, and no manifest."""
    folder = shutil.copytree(sample_dataset, tmp_path / "biomedica")
    (folder / "manifest.json").unlink()
    shutil.copytree(dataset / "embeddings" / "other", folder / "embeddings" / "other")
    serialize(sample_archive, folder, workers=1)

    assert tree(folder) == tree(sample_dataset)


@pytest.mark.slow
def test_images_without_their_own_vector_are_null_and_counted(sample_archive, embeddings, tmp_path):
    partly = shutil.copytree(embeddings, tmp_path / "embeddings")
    paths = sorted((partly / "blocks").iterdir())
    paths[0].unlink()
    table = pq.read_table(paths[1])
    hashes = ["0" * 64, *table["image_hash"].to_pylist()[1:]]
    place = table.schema.get_field_index("image_hash")
    pq.write_table(table.set_column(place, "image_hash", [hashes]), paths[1])
    report = serialize(sample_archive, tmp_path / "out", embeddings=partly, workers=1)
    rows = list(load_dataset(str(tmp_path / "out"), "embeddings", split="train", streaming=True))

    assert report.vectors["vector of another image"] == 1
    assert report.vectors["no vector"] > 0
    assert sum(report.vectors.values()) == len(rows) == 62
    missing = [row for row in rows if row["image_embedding"] is None]
    assert len(missing) == 62 - report.vectors["kept"]
    assert all(row["image_embedding_model"] is None for row in missing)
    assert not verify(tmp_path / "out").problems


def test_a_vector_of_another_row_is_reported(dataset, tmp_path):
    from biomedica_dataset.folder.manifest import MANIFEST

    folder = shutil.copytree(dataset, tmp_path / "biomedica")
    path = sorted((folder / "embeddings" / "commercial").iterdir())[0]
    old = hashlib.sha256(path.read_bytes()).hexdigest()
    table = pq.read_table(path)
    pq.write_table(table.take(list(range(len(table)))[::-1]), path)
    new = hashlib.sha256(path.read_bytes()).hexdigest()
    manifest = folder / MANIFEST
    manifest.write_text(manifest.read_text().replace(old, new))

    assert any("has other rows than" in problem for problem in verify(folder).problems)


@pytest.mark.slow
def test_a_subset_brings_its_vectors_along(dataset, embeddings, tmp_path):
    choice = {"licenses": "commercial", "limit": 20, "seed": 1}
    select(dataset, tmp_path / "subset", **choice)
    expected = vectors(embeddings)
    rows = list(load_dataset(str(tmp_path / "subset"), "embeddings", split="train"))

    assert len(rows) == 20
    assert all(np.array_equal(r["image_embedding"], expected[r["key"]]) for r in rows)
    assert not verify(tmp_path / "subset").problems


def test_vectors_of_another_archive_and_other_folders_are_refused(
    sample_archive, embeddings, tmp_path
):
    other = shutil.copytree(embeddings, tmp_path / "embeddings")
    header = other / "embeddings.json"
    width = Embeddings.open(other).width
    header.write_text(header.read_text().replace(f'"width": {width}', '"width": 7'))
    with pytest.raises(UsageError, match="blocks of 7 PMCIDs"):
        serialize(sample_archive, tmp_path / "out", embeddings=other)
    with pytest.raises(UsageError, match="is not a folder of embeddings"):
        serialize(sample_archive, tmp_path / "out", embeddings=tmp_path)
    command = ["serialize", str(sample_archive), "-o", str(tmp_path / "out"), "--format"]
    told = CliRunner().invoke(main, [*command, "webdataset", "--embeddings", str(embeddings)])
    assert told.exit_code == 2
    assert "have no vectors" in told.output
    assert not (tmp_path / "out").exists()
