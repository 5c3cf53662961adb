"""A client that talks to a server on loopback, and waits little."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from biomedica_dataset.pubmed import client
from biomedica_dataset.pubmed.client import Ncbi

from .server import Eutils, EutilsServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def eutils(monkeypatch: pytest.MonkeyPatch) -> Iterator[Eutils]:
    """A server, at the address that `NCBI_EUTILS_URL` names."""
    for name in ("NCBI_API_KEY", "NCBI_EMAIL"):
        monkeypatch.delenv(name, raising=False)
    with EutilsServer(Eutils()) as server:
        monkeypatch.setenv("NCBI_EUTILS_URL", server.url)
        yield server.eutils


@pytest.fixture
def ncbi(eutils: Eutils, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ncbi:
    """A client that may send as fast as it likes."""
    monkeypatch.setattr(client, "_RATE", 1e6)
    return Ncbi(pause=0.001, slots_folder=tmp_path / "slots")
