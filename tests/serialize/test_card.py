"""The card, read back as the Hub and datasets read it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from datasets import DatasetInfo
from datasets.utils.metadata import MetadataConfigs
from huggingface_hub import DatasetCard
from lxml.html import fromstring
from markdown_it import MarkdownIt

import biomedica_dataset
from biomedica_dataset.card.markdown import escape, render
from biomedica_dataset.folder.manifest import read_manifest
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.schema import TABLES, column_names, features


@pytest.fixture(scope="module")
def card(sample_dataset):
    return DatasetCard((sample_dataset / "README.md").read_text())


def test_the_hub_reads_and_writes_the_card_back_byte_for_byte(sample_dataset):
    content = (sample_dataset / "README.md").read_text()

    assert str(DatasetCard(content)) == content


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


@pytest.mark.parametrize("text", ["cost $5 and $6", "$$x_1$$", r"\(\alpha\) and \[x\]"])
def test_formulas_stay_text_even_where_a_renderer_looks_for_them_in_the_page(text):
    markdown = MarkdownIt("commonmark", {"html": True})
    nodes = fromstring(f"<p>{markdown.renderInline(escape(text))}</p>").xpath("//text()")

    assert "".join(nodes) == text
    assert not [node for node in nodes if {"$", "\\"} & set(node) and len(node) > 1]


def test_a_template_escapes_every_value_but_text_of_our_own():
    card = render("clip/train/model_card.md.jinja", card_data="", mixed=True, alpha=0.5,
                  name="<b>`x`</b>", base="![x](y) {{ 7 * 7 }}")  # fmt: skip

    assert "&#60;b&#62;&#96;x&#96;" in card
    assert not re.search(r"<b>|`x`|!\[x\]|49", card)


def test_what_a_template_does_not_escape_is_known():
    package = Path(biomedica_dataset.__file__).parent
    sources = [path.read_text(encoding="utf-8") for path in package.rglob("*.jinja")]

    assert len(sources) == 4
    assert {name for text in sources for name in re.findall(r"{{ ([^}]+)\|safe", text)} == {
        "card_data", "example.path|urlencode", "field.meaning", "format", "group", "line", "mark",
        "permits[group]", "plot.path|urlencode", "settings",
    }  # fmt: skip
    # These would escape a value for HTML, not for Markdown, if markup stood beside it.
    assert not [text for text in sources if "~" in text or "autoescape" in text]
