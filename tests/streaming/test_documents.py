"""Streaming articles: texts and images in reading order, at the cost of their bytes."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections import Counter

import pyarrow.parquet as pq
import pytest
from datasets import Image, List
from datasets.distributed import split_dataset_by_node

from biomedica_dataset.errors import ArchiveError, ArticleError, UsageError
from biomedica_dataset.serialization.serialize import serialize
from biomedica_dataset.streaming.dataset import open_dataset
from biomedica_dataset.streaming.documents import Allowed


@pytest.fixture(scope="module")
def dataset(sample_archive, tmp_path_factory):
    """A dataset folder with documents; not to be changed by a test."""
    folder = tmp_path_factory.mktemp("documents") / "biomedica"
    serialize(sample_archive, folder, documents=True, workers=1)
    return folder


def documents(folder, **options):
    return list(open_dataset(folder, unit="document", **options))


def names(rows):
    return [row["article_accession_id"] for row in rows]


def test_texts_and_images_are_of_equal_length_with_none_in_the_other(dataset):
    rows = documents(dataset)

    assert len(rows) == 19
    for row in rows:
        lengths = {len(row[name]) for name in ("texts", "images", "kinds", "keys", "licenses")}
        assert len(lengths) == 1
        for text, image in zip(row["texts"], row["images"], strict=True):
            assert (text is None) != (image is None)


def test_entries_follow_the_blocks_and_images_are_those_of_their_keys(dataset):
    hashes = {row["key"]: row["image_hash"] for row in open_dataset(dataset)}
    columns = ["blocks", "texts", "images", "keys", "kinds"]
    shown: Counter[str] = Counter()
    for row in open_dataset(dataset, unit="document", columns=columns, verify=True).decode(
        enable=False
    ):
        expected = [
            (block["kind"], block["key"], what)
            for block in row["blocks"]
            for what, is_there in (("image", block["key"]), ("text", block["text"]))
            if is_there
        ]
        found = []
        for kind, key, image in zip(row["kinds"], row["keys"], row["images"], strict=True):
            found.append((kind, key, "image" if image else "text"))
            if image:
                assert hashlib.sha256(image["bytes"]).hexdigest() == hashes[key]
                shown[key] += 1
        assert found == expected

    assert set(shown.values()) == {1}
    assert len(shown) == 60


@pytest.mark.slow
def test_texts_are_the_same_whatever_images_are_asked_for(dataset):
    told = {}
    for options in ({}, {"images": "cited"}, {"images": "none"}, {"max_images": 1}):
        rows = documents(dataset, **options)
        texts = [[text for text in row["texts"] if text] for row in rows]
        images = [sum(image is not None for image in row["images"]) for row in rows]
        told[str(options)] = sum(images), max(images)
        assert texts == [[text for text in row["texts"] if text] for row in documents(dataset)]

    assert [count for count, _ in told.values()] == [60, 59, 0, 19]
    assert told["{'max_images': 1}"] == (19, 1)


def test_licences_are_those_of_the_text_and_codes_of_what_it_shows_too(dataset):
    whole = {row["article_accession_id"]: row["article_license"] for row in documents(dataset)}
    rows = documents(dataset, licenses="CC BY")

    assert names(rows) == [
        name for name, of in whole.items() if re.match(r"CC BY( \d|$)", of or "")
    ]
    assert {one for row in rows for one in row["licenses"] if one} == {
        "CC BY",
        "CC BY 3.0",
        "CC BY 4.0",
    }
    assert {row["text_license_group"] for row in documents(dataset, licenses="other")} == {"other"}


@pytest.mark.parametrize(
    ("group", "name", "expected"),
    [
        pytest.param("commercial", "CC0 1.0", False, id="another code"),
        pytest.param("commercial", "CC BY 4.0", True, id="the code"),
        pytest.param("other", "CC BY 4.0", True, id="the group, whatever the code"),
        pytest.param("noncommercial", None, False, id="neither"),
    ],
)
def test_what_may_be_shown_follows_from_its_group_and_its_licence(group, name, expected):
    assert Allowed.of(["other", "cc-by"])(group, name) is expected
    assert Allowed.of(None)(group, name)


def test_an_article_is_chosen_by_the_figures_that_it_shows(dataset):
    tables = {
        row["article_accession_id"]
        for row in open_dataset(dataset, filters="image_kind = table")
        if row["key"] in {key for one in documents(dataset) for key in one["keys"]}
    }

    assert tables
    assert set(names(documents(dataset, filters="image_kind = table"))) >= tables
    assert len(documents(dataset, filters="image_kind = table")) < 19


def test_a_seed_shuffles_a_limit_draws_and_a_stopped_epoch_goes_on(dataset):
    rows = open_dataset(dataset, unit="document", seed=1, columns=["article_accession_id", "texts"])
    first = names(rows)
    assert sorted(first) == sorted(names(documents(dataset)))
    assert first != names(documents(dataset))
    assert set(names(documents(dataset, seed=1, limit=3))) < set(first)

    begun = iter(rows)
    read = [next(begun)["article_accession_id"] for _ in range(7)]
    rows.load_state_dict(rows.state_dict())
    assert read + names(rows) == first


def test_ranks_share_the_documents(dataset):
    rows = open_dataset(dataset, unit="document", columns=["article_accession_id"])
    shared = [names(split_dataset_by_node(rows, rank, 2)) for rank in range(2)]

    assert sorted(shared[0] + shared[1]) == sorted(names(documents(dataset)))


def test_the_features_say_that_images_are_a_list(dataset):
    features = open_dataset(dataset, unit="document").features

    assert isinstance(features["images"], List)
    assert isinstance(features["images"].feature, Image)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        pytest.param({"unit": "documents"}, "did you mean 'document'", id="unit"),
        pytest.param({"images": "cited"}, "set unit to document", id="without the unit"),
        pytest.param({"unit": "document", "images": "most"}, "all, cited, none", id="images"),
        pytest.param({"unit": "document", "max_images": 0}, "must be 1 or more", id="max_images"),
        pytest.param({"unit": "document", "recipe": "sqrt-weights"}, "of figures", id="recipe"),
        pytest.param({"unit": "document", "columns": ["txts"]}, "'texts'", id="column"),
        pytest.param({"unit": "document", "split": "dev"}, "unknown split 'dev'", id="split"),
        pytest.param({"unit": "document", "licenses": "CC BY-NC-SA"}, "no document", id="none"),
        pytest.param({"unit": "document", "licenses": []}, "licenses is empty", id="no licence"),
        pytest.param({"unit": "document", "min_score": 0.5}, "are of panels", id="panels"),
    ],
)  # fmt: skip
def test_what_documents_cannot_have_is_refused(dataset, options, says):
    with pytest.raises(UsageError, match=says):
        open_dataset(dataset, **options)


def test_a_dataset_without_documents_says_how_to_add_them(labelled):
    with pytest.raises(UsageError, match="--documents"):
        open_dataset(labelled[0], unit="document")


def test_a_figure_that_the_index_lacks_is_an_error(dataset, tmp_path):
    folder = tmp_path / "biomedica"
    shutil.copytree(dataset, folder)
    path = next((folder / "index").glob("*.parquet"))
    table = pq.read_table(path, partitioning=None)
    keys = [f"PMC1_f{number}" for number in range(len(table))]
    _replace_index(folder, path, table, keys)

    with pytest.raises(ArchiveError, match="which the index does not have beside it"):
        documents(folder)


def _replace_index(folder, path, table, keys):
    """Write other keys into the index, as somebody would who also mends the manifest."""
    manifest = folder / "manifest.json"
    old, size = hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size
    place = table.schema.get_field_index("key")
    pq.write_table(table.set_column(place, table.schema.field("key"), [keys]), path)
    new = hashlib.sha256(path.read_bytes()).hexdigest()
    text = manifest.read_text().replace(old, new)
    manifest.write_text(text.replace(f'"bytes": {size}', f'"bytes": {path.stat().st_size}'))


@pytest.fixture(scope="module")
def broken(dataset, tmp_path_factory):
    """A dataset folder in which an image of the first document is zeros, and its key."""
    folder = tmp_path_factory.mktemp("broken") / "biomedica"
    shutil.copytree(dataset, folder)
    row = pq.read_table(folder / "index").to_pylist()[0]
    with (folder / row["file"]).open("r+b") as file:
        file.seek(row["image_offset"])
        file.write(bytes(row["image_length"]))
    return folder, row["key"]


class TestImagesThatCannotBeDecoded:
    def test_an_error_names_the_key(self, broken):
        with pytest.raises(ArticleError, match=broken[1]):
            documents(broken[0])

    def test_the_document_is_skipped(self, broken, caplog):
        assert len(documents(broken[0], on_error="skip")) == 18
        assert broken[1] in caplog.text

    def test_the_image_is_none(self, broken):
        rows = documents(broken[0], on_error="none")

        place = next(row for row in rows if broken[1] in row["keys"])
        assert place["images"][place["keys"].index(broken[1])] is None
        assert len(rows) == 19
