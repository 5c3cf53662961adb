"""A labelled dataset folder, and a cache of its own for every test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .folders import write_dataset

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def labelled(tmp_path_factory):
    """Folder and rows of a labelled dataset; not to be changed by a test."""
    folder = tmp_path_factory.mktemp("labelled") / "biomedica"
    return folder, write_dataset(folder)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where indexes are kept."""
    monkeypatch.setattr("datasets.config.HF_CACHE_HOME", tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the pauses between tries."""
    monkeypatch.setattr("biomedica_dataset.io.web._PAUSE", 0.01)
