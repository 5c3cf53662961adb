"""What every kind of folder does, here and in a store; each kind inherits these tests."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from biomedica_dataset.errors import ArchiveError, StorageError, UsageError
from biomedica_dataset.io.folders import RUN, Folder
from biomedica_dataset.io.headers import refuse_foreign

LARGE = 12 * 2**20  # more than a store takes in one part


class FolderContract(ABC):
    @pytest.fixture
    @abstractmethod
    def folder(self) -> Folder:
        """A folder that is not there yet, of the kind that is tested."""

    def test_a_folder_that_is_not_there_is_empty(self, folder):
        assert folder.is_empty()
        assert folder.names() == folder.names("deep") == []
        assert folder.sizes("deep") == {}
        assert not folder.exists("name")

    def test_a_file_is_read_as_it_was_written(self, folder):
        folder.write_bytes("deep/name", b"whole")

        assert folder.exists("deep/name")
        assert folder.read_bytes("deep/name") == b"whole"
        assert folder.size("deep/name") == 5
        assert folder.sha256("deep/name") == hashlib.sha256(b"whole").hexdigest()
        with folder.open("deep/name") as file:
            file.seek(2)
            assert file.read(2) == b"ol"
        assert Folder(folder.url).names("deep") == ["name"]

    def test_an_empty_file_is_a_file(self, folder):
        folder.write_bytes("name", b"")

        assert folder.sizes() == {"name": 0}
        assert folder.read_bytes("name") == b""

    def test_a_file_is_not_seen_before_it_is_whole(self, folder):
        with folder.create() as file:
            file.write(b"begun")
            assert folder.names() == []
            assert folder.is_empty()
            file.write(bytes(LARGE))
            assert not folder.exists("deep/name")
            file.publish("deep/name")

            assert folder.names("deep") == ["name"]
            assert folder.sha256("deep/name") == file.sha256
            assert folder.size("deep/name") == file.size == LARGE + 5
        assert not file.path.exists()
        assert folder.names("deep") == ["name"]

    def test_a_file_that_is_not_published_is_gone(self, folder):
        with folder.create() as file:
            file.write(b"half")

        assert not file.path.exists()
        assert folder.is_empty()

    def test_a_file_whose_writer_fails_is_gone(self, folder):
        with pytest.raises(TypeError), folder.create() as file:
            file.write("no bytes")

        assert not file.path.exists()
        assert folder.is_empty()

    def test_a_file_takes_the_place_of_an_earlier_one(self, folder):
        folder.write_bytes("name", b"first")
        before = folder.modified("name")
        folder.write_bytes("name", b"the second")

        assert folder.read_bytes("name") == b"the second"
        assert folder.sizes() == {"name": 10}
        assert folder.modified("name") != before

    def test_a_file_is_begun_by_one_alone(self, folder):
        assert folder.begin("deep/name", b"first")
        assert not folder.begin("deep/name", b"second")
        assert folder.read_bytes("deep/name") == b"first"
        assert folder.names("deep") == ["name"]
        assert folder.names() == []

    def test_only_files_right_there_are_named_in_order(self, folder):
        for name in ("b", "a", "deep/c", "deep/er/d", "deep/a (1) ä.bin"):
            folder.write_bytes(name, name.encode())

        assert folder.names() == ["a", "b"]
        assert folder.sizes("deep") == {"a (1) ä.bin": 17, "c": 6}
        assert folder.names("deep/er") == ["d"]
        assert folder.read_bytes("deep/a (1) ä.bin").decode() == "deep/a (1) ä.bin"
        assert not folder.exists("deep")

    def test_a_file_can_be_removed_twice(self, folder):
        folder.write_bytes("deep/name", b"whole")
        folder.remove("deep/name")
        folder.remove("deep/name")

        assert not folder.exists("deep/name")
        assert folder.names("deep") == []

    def test_a_folder_with_a_run_alone_is_empty(self, folder):
        folder.write_bytes(RUN, b"{}")
        assert folder.is_empty()

        folder.write_bytes("name", b"whole")
        assert not folder.is_empty()

    def test_subfolders_without_a_file_are_nothing(self, folder):
        folder.write_bytes("deep/er/name", b"whole")
        assert not folder.is_empty()

        folder.remove("deep/er/name")
        assert folder.is_empty()

    def test_a_folder_is_known_by_any_of_its_markers(self, folder):
        assert not refuse_foreign(folder, "a table", "table", "parts/")
        folder.write_bytes("other", b"")
        with pytest.raises(UsageError, match="is not empty and not a table; choose an empty"):
            refuse_foreign(folder, "a table", "table", "parts/")
        folder.write_bytes("parts/1", b"")
        assert refuse_foreign(folder, "a table", "table", "parts/")

    def test_a_sweep_leaves_what_is_finished_and_what_is_being_written(self, folder):
        folder.write_bytes("name", b"whole")
        with folder.create() as file:
            file.write(b"another")
            folder.sweep()
            file.publish("deep/name")

        assert folder.read_bytes("name") == b"whole"
        assert folder.read_bytes("deep/name") == b"another"

    def test_a_file_that_is_not_there_is_told(self, folder):
        with pytest.raises(StorageError, match="name cannot be read") as told:
            folder.read_bytes("name")
        assert "\n" not in str(told.value)
        with pytest.raises(ArchiveError, match=r"name cannot be read: .* Do this\."):
            self._read(folder)

    def test_a_file_that_holds_something_else_is_told(self, folder):
        folder.write_bytes("name", b"no table")

        with pytest.raises(ArchiveError, match=r"name cannot be read: .* Do this\."):
            self._read(folder)

    def test_arrow_reads_tables(self, folder):
        table = pa.table({"a": [1, 2, 3]})
        with folder.create() as file:
            pq.write_table(table, file)
            file.publish("deep/table")

        with folder.open_arrow("deep/table") as mapped, pq.ParquetFile(mapped) as opened:
            assert opened.read() == table
        with folder.open_arrow("deep/table", is_mapped=False) as file, pq.ParquetFile(file) as read:
            assert read.read() == table

    def test_many_files_at_once_come_in_order(self, folder):
        names = [f"deep/{n}" for n in range(40)]
        for name in names:
            folder.write_bytes(name, name.encode())

        assert folder.map(folder.read_bytes, names) == [name.encode() for name in names]

    def test_many_who_write_the_same_file_leave_one_whole(self, folder):
        contents = [bytes([n]) * 100_000 for n in range(8)]
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda content: folder.write_bytes("name", content), contents))

        assert folder.read_bytes("name") in contents
        assert folder.names() == ["name"]

    @staticmethod
    def _read(folder):
        with folder.reading("name", "Do this.") as file:
            pq.read_metadata(file)
