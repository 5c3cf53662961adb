"""The one place that names columns."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biomedica_dataset.keys import pair_key
from biomedica_dataset.schema import (
    IMAGE_KINDS,
    TABLES,
    CaptionRow,
    Pair,
    arrow_schema,
    column_names,
    column_types,
    features,
    features_yaml,
)


@pytest.mark.parametrize("config", TABLES)
def test_features_and_arrow_schema_name_the_same_columns(config):
    assert (
        list(features(TABLES[config]))
        == arrow_schema(TABLES[config]).names
        == column_names(TABLES[config])
    )


@pytest.mark.parametrize("config", TABLES)
def test_schema_and_card_describe_columns_as_datasets_does(config):
    table = TABLES[config]
    known, ours = features(table).arrow_schema, arrow_schema(table)

    assert ours.remove_metadata().equals(known.remove_metadata())
    assert ours.metadata[b"huggingface"] == known.metadata[b"huggingface"]
    assert features_yaml(column_types(table)) == features(table)._to_yaml_list()


def test_captions_are_pairs_without_the_image():
    assert column_names(CaptionRow) == [name for name in column_names(Pair) if name != "image"]


@given(st.text(min_size=1))
def test_keys_are_safe_for_webdataset_and_file_systems(stem):
    assert re.fullmatch(r"PMC7_[A-Za-z0-9_-]+", pair_key("PMC7", stem))


def test_the_kinds_that_the_reader_gives_are_those_of_the_schema(sample_archive):
    from biomedica_dataset.archive.ledger import Archive
    from biomedica_dataset.rows import rows_of

    archive = Archive.open(sample_archive)
    kinds = {
        pair.image_kind
        for block in archive.blocks()
        for row, images in archive.articles(block)
        for _group, pair in rows_of(row, images).pairs
    }

    assert (
        {"figure", "table", "scheme", "supplementary", "response", "graphical_abstract"}
        <= kinds
        <= set(IMAGE_KINDS)
    )
