"""The card, read back as the Hub and datasets read it."""

from __future__ import annotations

import pytest
from datasets import DatasetInfo
from datasets.utils.metadata import MetadataConfigs
from huggingface_hub import DatasetCard

from biomedica_dataset.card.markdown import escape
from biomedica_dataset.folder.manifest import read_manifest
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.schema import TABLES, column_names, features


@pytest.fixture(scope="module")
def card(sample_dataset):
    return DatasetCard((sample_dataset / "README.md").read_text())


def test_configs_are_those_with_rows_and_the_first_is_the_default(card):
    configs = MetadataConfigs.from_dataset_card_data(card.data)

    assert list(configs) == [
        "commercial",
        "noncommercial",
        "other",
        "all",
        "articles",
        "captions",
        "index",
    ]
    assert configs.get_default_config_name() == "commercial"


def test_dataset_info_is_exact(card, sample_dataset):
    manifest = read_manifest(Folder(sample_dataset))
    infos = {
        info["config_name"]: DatasetInfo._from_yaml_dict(info) for info in card.data.dataset_info
    }

    for config, info in infos.items():
        assert info.features == features(TABLES[config])
        assert info.splits["train"].num_examples == manifest.rows(config)
        assert info.description == f"manifest {manifest.digest}"


@pytest.mark.parametrize("table", ["commercial", "articles", "index"])
def test_every_column_is_explained(card, table):
    assert all(f"| `{name}` |" in card.text for name in column_names(TABLES[table]))


@pytest.mark.parametrize(
    "words",
    [
        "National Library of Medicine",
        "not endorsed",
        "no commercial use",
        "load_dataset(",
        "arXiv:2501.07171",
        "62",
    ],
)
def test_the_card_says(card, words):
    assert words in card.text


def test_the_card_shows_no_local_path(card, sample_dataset):
    assert str(sample_dataset.parent) not in card.content


def test_text_of_strangers_has_no_effect():
    assert escape("a|b\n# <script>*x*</script> [l](u) `c`").isascii()
    assert not set("|<>*`[]\n#") & set(
        escape("a|b\n<script>*x*</script> [l](u) `c`").replace("&#", "")
    )
