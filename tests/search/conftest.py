"""A searchable dataset folder of the sample."""

from __future__ import annotations

import shutil

import pytest

from biomedica_dataset.search.build import build_search
from biomedica_dataset.search.search import open_search

from ..annotation.conftest import chromium

__all__ = ["chromium"]


@pytest.fixture(scope="session")
def searchable(sample_dataset, once):
    """The sample with a search index; not to be changed by a test."""

    def make(folder):
        shutil.copytree(sample_dataset, folder)
        build_search(folder, workers=1)

    return once("searchable", make)


@pytest.fixture(scope="session")
def search(searchable):
    """The opened search index."""
    return open_search(searchable)


def write_model(folder, seed=0):
    """Write an untrained model of texts: words are random, so equal words are near."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(seed)
    config = transformers.BertConfig(
        vocab_size=300, hidden_size=64, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=128,
    )  # fmt: skip
    transformers.BertModel(config).save_pretrained(folder)
    write_tokenizer(folder)


def write_tokenizer(folder):
    """Write a tokenizer of letters."""
    transformers = pytest.importorskip("transformers")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words += [chr(code) for code in range(97, 123)] + [f"##{chr(code)}" for code in range(97, 123)]
    (folder / "vocab.txt").write_text("\n".join(words))
    transformers.BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)


@pytest.fixture(scope="session")
def model(once):
    """An untrained model of texts."""
    return once("text-model", write_model)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Where what is fetched is kept."""
    monkeypatch.setattr("datasets.config.HF_CACHE_HOME", tmp_path / "cache")
    return tmp_path / "cache"
