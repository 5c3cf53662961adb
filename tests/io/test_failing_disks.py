"""Files on a disk of this machine; one that fails or is full is told in one clear line."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from biomedica_dataset.errors import BiomedicaError, StorageError, UsageError
from biomedica_dataset.io.folders import Folder


def listed(folder):
    return sorted(path.name for path in folder.iterdir())


def in_another_process(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


def test_a_file_is_begun_by_one_alone_where_there_are_no_links(tmp_path, monkeypatch):
    """As on exFAT and some shared disks."""

    def refuse(_path, _target):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    folder = Folder(tmp_path)

    assert folder.begin("deep/name", b"first")
    assert not folder.begin("deep/name", b"second")
    assert folder.read_bytes("deep/name") == b"first"
    assert listed(tmp_path) == ["deep"]


def test_files_have_the_mode_of_the_umask(tmp_path):
    old = os.umask(0o027)
    try:
        Folder(tmp_path).write_bytes("name", b"x")
    finally:
        os.umask(old)
    assert (tmp_path / "name").stat().st_mode & 0o777 == 0o640


def test_a_sweep_removes_what_a_killed_writer_left(tmp_path):
    code = """
    import os, signal, sys
    from biomedica_dataset.io.folders import Folder
    with Folder(sys.argv[1]).create() as file:
        file.write(b"half")
        os.kill(os.getpid(), signal.SIGKILL)
    """
    assert in_another_process(code, tmp_path).returncode == -9
    assert len(listed(tmp_path)) == 1
    assert Folder(tmp_path).is_empty()

    Folder(tmp_path).sweep()

    assert listed(tmp_path) == []


def test_a_sweep_leaves_what_another_process_is_writing(tmp_path):
    code = """
    import sys
    from biomedica_dataset.io.folders import Folder
    with Folder(sys.argv[1]).create() as file:
        print("begun", flush=True)
        sys.stdin.read()
        file.write(b"whole")
        file.publish("name")
    """
    writer = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert writer.stdout.readline() == "begun\n"
    Folder(tmp_path).sweep()
    assert len(listed(tmp_path)) == 1
    writer.communicate()

    assert listed(tmp_path) == ["name"]


def test_a_file_that_grows_too_large_is_reported_in_one_line(tmp_path):
    code = """
    import resource, sys
    from biomedica_dataset.errors import BiomedicaError
    from biomedica_dataset.io.folders import Folder
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
    try:
        Folder(sys.argv[1]).write_bytes("name", bytes(5_000_000))
    except BiomedicaError as error:
        print(error)
    """
    result = in_another_process(code, tmp_path)

    assert result.stdout.splitlines() == [
        f"{tmp_path} cannot be written: File too large; fix the cause and run the same command "
        "again. What is finished stays valid."
    ], result.stderr
    assert listed(tmp_path) == []


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 3 MB, where this process may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a small file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_reported_and_leaves_finished_blocks(small_disk, sample_bucket):
    from biomedica_dataset.archive.ledger import Archive
    from biomedica_dataset.extraction.extract import extract

    (small_disk / "ballast").mkdir()
    free = os.statvfs(small_disk)
    (small_disk / "ballast" / "x").write_bytes(bytes(free.f_bavail * free.f_bsize - 900_000))
    archive = small_disk / "archive"

    with pytest.raises(StorageError, match="No space left on device; make room and run") as told:
        extract(str(sample_bucket), archive, workers=1)
    assert told.value.exit_code == 1
    assert "\n" not in str(told.value)
    assert not list(archive.glob(".partial-*"))

    (small_disk / "ballast" / "x").unlink()
    report = extract(str(sample_bucket), archive, workers=1)
    assert (report.blocks, report.blocks_failed) == (4, {})
    assert Archive.open(archive).blocks() == [99000, 99001, 99002, 99003]


@pytest.fixture
def little_room(small_disk):
    """A disk with room for 0.9 MB, and what gives it more."""
    ballast = small_disk / "ballast"
    free = os.statvfs(small_disk)
    ballast.write_bytes(bytes(free.f_bavail * free.f_bsize - 900_000))
    return ballast.unlink


@pytest.mark.slow
def test_a_full_disk_ends_serialize_in_one_line_and_it_goes_on(
    small_disk, little_room, sample_archive, sample_dataset
):
    from biomedica_dataset.serialization.serialize import serialize

    folder = small_disk / "biomedica"
    with pytest.raises(StorageError, match="No space left on device; make room and run"):
        serialize(sample_archive, folder, workers=1)
    assert not (folder / "manifest.json").exists()
    assert not list(folder.rglob(".partial-*"))

    little_room()
    serialize(sample_archive, folder, workers=1)
    assert (folder / "README.md").read_bytes() == (sample_dataset / "README.md").read_bytes()


def test_a_full_disk_ends_select_in_one_line(small_disk, little_room, sample_dataset):
    from biomedica_dataset.subset.select import select

    with pytest.raises(StorageError, match="No space left on device"):
        select(sample_dataset, small_disk / "subset")
    assert not (small_disk / "subset" / "manifest.json").exists()


def test_an_index_that_cannot_be_kept_is_read_all_the_same(
    small_disk, sample_dataset, monkeypatch, caplog
):
    from biomedica_dataset.streaming.dataset import open_dataset

    from ..servers.bucket import BucketServer

    free = os.statvfs(small_disk)
    (small_disk / "ballast").write_bytes(bytes(free.f_bavail * free.f_bsize))
    monkeypatch.setattr("datasets.config.HF_CACHE_HOME", small_disk)
    with BucketServer(sample_dataset) as server:
        rows = list(open_dataset(server.url, columns=["key"]))

    assert len(rows) == 62
    assert "cannot be cached: [Errno 28] No space left on device" in caplog.text
    assert not list(small_disk.rglob(".partial-*"))


def test_a_read_only_disk_is_reported(small_disk):
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)

    with pytest.raises(StorageError, match="Read-only file system; name a writable folder"):
        Folder(small_disk / "archive").write_bytes("name", b"x")


def test_a_folder_that_is_a_file_is_the_callers_mistake(tmp_path):
    (tmp_path / "file").write_text("x")

    for place in ("file", "file/below"):
        with pytest.raises(UsageError, match="is not a folder; name a writable folder"):
            Folder(tmp_path / place).write_bytes("name", b"x")


def test_an_address_that_nobody_knows_is_refused():
    with pytest.raises(UsageError, match="cannot be opened"):
        Folder("gopher://host/x")


def test_errors_of_storage_are_ours():
    assert issubclass(StorageError, BiomedicaError)
