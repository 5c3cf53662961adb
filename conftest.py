"""The sample, made once for all; examples in docstrings run in a folder that holds it."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from filelock import FileLock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    MakeOnce = Callable[[str, Callable[[Path], Any]], Path]

_NAMES = ('"bucket"', '"archive"', '"biomedica"')


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> MakeOnce:
    """Return a function that gives a folder of a name, which the first worker makes for all."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent

    def make_once(name: str, make: Callable[[Path], Any]) -> Path:
        folder, made = root / "once" / name, root / f"{name}.made"
        with FileLock(root / f"{name}.lock"):
            if not made.exists():
                make(folder)
                made.touch()
        return folder

    return make_once


@pytest.fixture(scope="session")
def sample_bucket(once: MakeOnce) -> Path:
    """Return the built-in sample, laid out as PMC's bucket; not to be changed by a test."""
    from biomedica_dataset.sample.bucket import write_bucket

    return once("bucket", write_bucket)


@pytest.fixture(scope="session")
def sample_archive(sample_bucket: Path, once: MakeOnce) -> Path:
    """Return an archive of the sample; not to be changed by a test."""
    from biomedica_dataset.extraction.extract import extract

    return once("archive", lambda to: extract(str(sample_bucket), str(to), workers=1))


@pytest.fixture(scope="session")
def sample_dataset(sample_archive: Path, once: MakeOnce) -> Path:
    """Return a dataset folder of the sample, called biomedica; not to be changed by a test."""
    from biomedica_dataset.serialization.serialize import serialize

    return once("biomedica", lambda to: serialize(sample_archive, to, workers=1))


@pytest.fixture(scope="session")
def _examples(
    sample_bucket: Path,
    sample_archive: Path,
    sample_dataset: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    root = tmp_path_factory.mktemp("examples")
    for folder in (sample_bucket, sample_archive, sample_dataset):
        shutil.copytree(folder, root / folder.name)
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
    os.chdir(request.getfixturevalue("_examples"))
    try:
        yield
    finally:
        os.chdir(before)
