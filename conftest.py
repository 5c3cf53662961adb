"""Examples in docstrings run in a folder that holds the sample as bucket, archive and biomedica."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NAMES = ('"bucket"', '"archive"', '"biomedica"')


@pytest.fixture(scope="session")
def _sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from biomedica_dataset import extract, serialize
    from biomedica_dataset.sample.bucket import write_bucket

    root = tmp_path_factory.mktemp("examples")
    write_bucket(root / "bucket")
    extract(root / "bucket", root / "archive", workers=1)
    serialize(root / "archive", root / "biomedica", workers=1)
    return root


@pytest.fixture(autouse=True)
def _in_sample_folder(request: pytest.FixtureRequest) -> Iterator[None]:
    """Change to the folder of the sample for an example that names one of its parts."""
    if not isinstance(request.node, pytest.DoctestItem):
        yield
        return
    source = "".join(example.source for example in request.node.dtest.examples)
    if not any(name in source for name in _NAMES):
        yield
        return
    before = os.getcwd()  # noqa: PTH109 - to be gone back to
    os.chdir(request.getfixturevalue("_sample"))
    try:
        yield
    finally:
        os.chdir(before)
