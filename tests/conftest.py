"""What all tests share: a fresh home of Hugging Face, the real articles, and the sample."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

# Read by huggingface_hub and datasets when they are first imported.
_HOME = tempfile.mkdtemp(prefix="biomedica-hf-")
os.environ.update(
    HF_HOME=_HOME,
    HF_HUB_OFFLINE="1",
    HF_UPDATE_DOWNLOAD_COUNTS="0",
    HF_DATASETS_DISABLE_PROGRESS_BARS="1",
    HF_HUB_DISABLE_TELEMETRY="1",
)

# What a shell starts in the background is deaf to Ctrl-C, and so is what that starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def real() -> Path:
    """Real articles beside the checkout; absent on a user's machine, never in CI."""
    folder = SHARED / "real"
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail("the real articles are not beside the checkout; CI must have them")
        pytest.skip("the real articles are not here")
    return folder


@pytest.fixture(scope="session")
def sample_bucket(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built-in sample, laid out as PMC's bucket; not to be changed by a test."""
    from biomedica_dataset.sample.bucket import write_bucket

    folder = tmp_path_factory.mktemp("sample") / "bucket"
    write_bucket(folder)
    return folder


@pytest.fixture(scope="session")
def make_sample() -> Callable[..., bytes]:
    """The tool that makes the sample, run in a process of its own; returns what it prints."""

    def run(folder: Path, seed: int = 0) -> bytes:
        command = [sys.executable, "-m", "tools.make_sample", str(folder), "--seed", str(seed)]
        root = Path(__file__).parents[1]
        return subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE).stdout

    return run


@pytest.fixture(scope="session")
def sample_archive(sample_bucket: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of the sample; not to be changed by a test."""
    from biomedica_dataset.extraction.extract import extract

    folder = tmp_path_factory.mktemp("sample") / "archive"
    extract(str(sample_bucket), str(folder), workers=1)
    return folder


@pytest.fixture(scope="session")
def sample_dataset(sample_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset folder of the sample, called biomedica; not to be changed by a test."""
    from biomedica_dataset.serialization.serialize import serialize

    folder = tmp_path_factory.mktemp("sample") / "biomedica"
    serialize(sample_archive, folder, workers=1)
    return folder
