"""What all tests share: a fresh home of Hugging Face, and the real articles."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .servers.moto import credentials
from .servers.moto import s3_server as start_s3

if TYPE_CHECKING:
    from collections.abc import Callable

if "PYTEST_XDIST_WORKER" not in os.environ:
    # What tests and all that they start or kill leave in the temporary folder goes with this one.
    # The name is short: Ray puts sockets below it, whose paths may have 107 characters.
    _SCRATCH = tempfile.mkdtemp(prefix="b-")
    atexit.register(shutil.rmtree, _SCRATCH, ignore_errors=True)
    os.environ["TMPDIR"] = tempfile.tempdir = _SCRATCH

# Read by huggingface_hub and datasets when they are first imported.
os.environ.update(
    HF_HOME=tempfile.mkdtemp(prefix="hf-"),
    HF_HUB_OFFLINE="1",
    HF_UPDATE_DOWNLOAD_COUNTS="0",
    HF_DATASETS_DISABLE_PROGRESS_BARS="1",
    HF_HUB_DISABLE_TELEMETRY="1",
)

# What a shell starts in the background is deaf to Ctrl-C, and so is what that starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

_SECONDS_OF_SLOW = 900


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give slow tests more time than others have before they count as hung."""
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.timeout(_SECONDS_OF_SLOW))


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
def make_sample() -> Callable[..., bytes]:
    """The tool that makes the sample, run in a process of its own; returns what it prints."""

    def run(folder: Path, seed: int = 0) -> bytes:
        command = [sys.executable, "-m", "tools.make_sample", str(folder), "--seed", str(seed)]
        root = Path(__file__).parents[1]
        return subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE).stdout

    return run


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory):
    """The address of a server that speaks S3, as `moto` does."""
    with start_s3(tmp_path_factory.mktemp("s3") / "log") as address:
        yield address


@pytest.fixture
def s3(s3_server, monkeypatch):
    """The address of an empty bucket, for which the environment has credentials."""
    import s3fs

    for name, value in credentials(s3_server).items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    store = s3fs.S3FileSystem(use_listings_cache=False)
    bucket = f"made-{time.monotonic_ns()}"
    store.mkdir(bucket)
    yield f"s3://{bucket}"
    store.rm(bucket, recursive=True)
    s3fs.S3FileSystem.clear_instance_cache()
