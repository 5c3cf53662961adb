"""What earlier releases wrote is read by this one, and brought up to date by the same commands.

``tests/data/<version>`` holds the outputs of each stage as that version wrote them, of five
articles of the sample. A version that can be read no more is refused with the command that helps:
then the refusal is what is tested. ``tests/data/schema-2`` has the dataset folder of two articles
as it was written between 0.1.0 and the release after it.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from datasets import load_dataset

from biomedica_dataset.annotation.embeddings.vectors import Embeddings
from biomedica_dataset.annotation.labels.label import label
from biomedica_dataset.errors import UsageError
from biomedica_dataset.folder.splits import Splits
from biomedica_dataset.serialization.serialize import serialize
from biomedica_dataset.streaming.dataset import open_dataset
from biomedica_dataset.subset.select import select
from biomedica_dataset.verification.verify import verify

from .trees import tree

DATA = Path(__file__).parent / "data"
BLOCK, ROWS = 9900, 8  # of the five articles


@pytest.fixture(scope="module", params=sorted(path.parent.name for path in DATA.glob("*/archive")))
def old(request, tmp_path_factory):
    """A copy of what a version wrote; not to be changed by a test."""
    copy = tmp_path_factory.mktemp("old") / request.param
    shutil.copytree(DATA / request.param, copy)
    return copy


@pytest.fixture(scope="module")
def joins(old):
    folders = {"clusters": "assignments", "labels": "labels", "embeddings": "embeddings"}
    return {name: old / folder for name, folder in folders.items()} | {"mesh": old / "mesh"}


@pytest.fixture(scope="module")
def joined(old, joins, tmp_path_factory):
    """Today's dataset folder of the old archive and all that is joined to it."""
    folder = tmp_path_factory.mktemp("joined") / "biomedica"
    serialize(old / "archive", folder, **joins, splits=Splits.parse("0.8,0.1,0.1"), workers=1)
    return folder


def rows(folder, config):
    read = load_dataset(str(folder), config, split="train", streaming=True)
    return {row["key"]: row for row in read}


def test_an_archive_is_read(old):
    straight = load_dataset(
        "biomedica", "all", source=str(old / "archive"), split="train", streaming=True
    )

    assert verify(old / "archive").problems == []
    assert {row["key"] for row in straight} == rows(old / "biomedica", "all").keys()


def test_what_is_joined_fits_the_archive(old, joined):
    keys, vectors = Embeddings.open(old / "embeddings").vectors(BLOCK)
    pairs = rows(joined, "all")
    beside = rows(joined, "embeddings")

    assert pairs.keys() == beside.keys() == set(keys)
    assert all(beside[key]["image_embedding"] == list(vectors[i]) for i, key in enumerate(keys))
    assert all(pair["image_label_id"] is not None for pair in pairs.values())
    assert {pair["image_panel_type"] for pair in pairs.values()} == {"single"}
    assert any(pair["article_mesh_terms"] for pair in pairs.values())
    assert verify(joined).problems == []


def test_votes_become_the_same_labels(old, tmp_path):
    votes = sorted((old / "votes").iterdir())
    label(votes, tmp_path / "labels", assignments=old / "assignments")

    for name in ("labels.parquet", "votes.parquet"):
        assert (tmp_path / "labels" / name).read_bytes() == (old / "labels" / name).read_bytes()


@pytest.mark.slow
def test_a_dataset_folder_is_read(old, tmp_path):
    folder = old / "biomedica"
    select(folder, tmp_path / "subset", licenses="noncommercial")

    assert verify(folder).problems == []
    streamed = list(open_dataset(folder, columns=["key", "image_hash", "image_decodes"]))
    assert len(rows(folder, "all")) == len(list(open_dataset(folder))) == len(streamed) == ROWS
    assert {row["image_decodes"] for row in streamed} == {None}
    assert rows(tmp_path / "subset", "all").keys() == rows(folder, "noncommercial").keys()
    assert verify(tmp_path / "subset").problems == []


def test_a_folder_of_schema_2_is_read_and_becomes_one_of_today(tmp_path):
    folder = tmp_path / "biomedica"
    shutil.copytree(DATA / "schema-2/biomedica", folder)
    select(folder, tmp_path / "subset")
    streamed = list(open_dataset(folder))

    assert verify(folder).problems == []
    assert rows(folder, "all").keys() == {row["key"] for row in streamed}
    assert {row["panels"] for row in streamed} == {None}
    assert json.loads((tmp_path / "subset/manifest.json").read_text())["schema_version"] == "3"
    assert verify(tmp_path / "subset").problems == []
    with pytest.raises(UsageError, match="has no panels; find them with"):
        open_dataset(folder, unit="panel")


def test_a_dataset_folder_is_brought_up_to_date(old, joins, joined, tmp_path):
    folder = tmp_path / "biomedica"
    shutil.copytree(old / "biomedica", folder)

    serialize(old / "archive", folder, **joins, workers=1)

    assert tree(folder) == tree(joined)
