"""The kinds of folder: on this machine, in the memory of this process, in a bucket."""

from __future__ import annotations

import pytest

from biomedica_dataset.io.folders import Folder

from .folder_contract import FolderContract


class TestLocal(FolderContract):
    @pytest.fixture
    def folder(self, tmp_path):
        return Folder(tmp_path / "out")


class TestMemory(FolderContract):
    @pytest.fixture
    def folder(self, tmp_path):
        folder = Folder(f"memory://{tmp_path.name}")
        yield folder
        if folder.filesystem.exists(folder.root):
            folder.filesystem.rm(folder.root, recursive=True)


class TestBucket(FolderContract):
    @pytest.fixture
    def folder(self, s3):
        return Folder(f"{s3}/out")
