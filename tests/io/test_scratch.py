"""Temporary folders: gone with their process, or with the next one if that was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from biomedica_dataset.io.partial import scratch_folder

KILLED = """
import os, signal
from biomedica_dataset.io.partial import scratch_folder
with scratch_folder() as folder:
    folder.joinpath("deep").mkdir()
    folder.joinpath("deep", "file").write_text("left")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_a_scratch_folder_is_gone_after_its_body(temporary):
    def fails():
        with scratch_folder() as folder:
            (folder / "file").write_text("")
            raise KeyError(folder)

    with pytest.raises(KeyError):
        fails()

    assert list(temporary.iterdir()) == []


def test_the_next_process_removes_what_a_killed_one_left_and_nothing_else(temporary):
    killed = subprocess.run(
        [sys.executable, "-c", KILLED], env=os.environ | {"TMPDIR": str(temporary)}, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    (left,) = temporary.iterdir()
    mine = Path(f"{left.name}-mine")
    temporary.joinpath(mine).symlink_to(temporary, target_is_directory=True)
    with scratch_folder() as first, scratch_folder() as second:
        assert not left.exists()
        assert first.is_dir()
        assert second.is_dir()

    assert [path.name for path in temporary.iterdir()] == [mine.name]
