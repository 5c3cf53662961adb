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


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Where what is fetched is kept."""
    monkeypatch.setattr("datasets.config.HF_CACHE_HOME", tmp_path / "cache")
    return tmp_path / "cache"
