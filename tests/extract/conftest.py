"""Buckets to change, and servers that misbehave."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from .helpers import Bucket

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def bucket(sample_bucket: Path, tmp_path: Path) -> Bucket:
    """A copy of the sample bucket."""
    shutil.copytree(sample_bucket, tmp_path / "bucket")
    return Bucket(tmp_path / "bucket")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Where an archive goes."""
    return tmp_path / "archive"


@pytest.fixture(scope="session")
def real_buckets(real: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Real articles laid out as a bucket, with faults, on its first and its second day."""
    tool = real.parent / "tools" / "make_bucket.py"
    first, second = (tmp_path_factory.mktemp("real") / day for day in ("first", "second"))
    subprocess.run([sys.executable, tool, first, "--faults"], check=True, capture_output=True)
    shutil.copytree(first, second)
    subprocess.run([sys.executable, tool, second, "--day", "2"], check=True, capture_output=True)
    return first, second
