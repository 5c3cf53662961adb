"""Outputs in a bucket: whole or not there, held by one run, the same bytes as on a disk."""

from __future__ import annotations

import re
import subprocess
import time
from importlib import import_module

import pytest

from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.engine.launch import Launch
from biomedica_dataset.engine.lock import acquire
from biomedica_dataset.errors import StorageError, UsageError
from biomedica_dataset.extraction.extract import extract
from biomedica_dataset.extras import install_command
from biomedica_dataset.io.folders import RUN, Folder
from biomedica_dataset.verification.verify import verify

from ..trees import tree
from .conftest import command, environment


def objects(url):
    """Return the bytes of every object below an address, by name."""
    folder = Folder(url)
    found = folder.filesystem.find(folder.root)
    return {
        name.removeprefix(folder.root + "/"): folder.filesystem.cat_file(name) for name in found
    }


def local_objects(folder):
    return {name: (folder / name).read_bytes() for name in tree(folder)}


@pytest.mark.slow
def test_an_archive_in_a_bucket_is_that_on_a_disk(s3, sample_bucket, sample_archive):
    archive = f"{s3}/deep/archive"
    extract(str(sample_bucket), archive, workers=2)
    first = objects(archive)
    report = extract(str(sample_bucket), archive, workers=2)

    assert first == objects(archive) == local_objects(sample_archive)
    assert "nothing to do" in str(report)
    assert verify(archive).problems == []


@pytest.mark.slow
def test_images_that_no_block_names_are_swept(s3, sample_bucket, sample_archive):
    archive = f"{s3}/archive"
    orphan = f"images/0099001-{'0' * 16}.parquet"
    extract(str(sample_bucket), archive, workers=1)
    Folder(archive).write_bytes(orphan, b"left by a killed run")
    assert any(
        "the next run of extract removes it" in problem for problem in verify(archive).problems
    )

    extract(str(sample_bucket), archive, workers=1)

    assert objects(archive) == local_objects(sample_archive)


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_objects(s3, sample_bucket, sample_archive):
    archive = f"{s3}/archive"
    run = command("extract", sample_bucket, "-o", archive, "--workers", 1)
    process = subprocess.Popen(run, env=environment(), stderr=subprocess.PIPE)
    folder = Folder(archive)
    while not folder.names("images"):
        assert process.poll() is None
        time.sleep(0.002)
    process.kill()
    process.communicate()
    assert folder.exists(RUN)
    assert all(Archive.open(archive).header(block) for block in Archive.open(archive).blocks())

    subprocess.run(run, env=environment(), check=True, capture_output=True)

    assert objects(archive) == local_objects(sample_archive)


@pytest.mark.slow
def test_a_second_launcher_is_refused_by_the_bucket(s3, sample_bucket):
    archive = f"{s3}/archive"
    extract(str(sample_bucket), archive, workers=1, limit=3)
    with acquire(Folder(archive), Launch()) as lock:
        run = command("extract", sample_bucket, "-o", archive, "--limit", 3, "--retry")
        refused = subprocess.run(run, env=environment(), check=False, capture_output=True)
        assert refused.returncode == 2
        assert f"is held by another run, {lock.run}".encode() in refused.stderr

        taken = subprocess.run(
            [*run, "--take-over"], env=environment(), check=False, capture_output=True
        )
        assert taken.returncode == 0, taken.stderr


def test_a_launcher_that_was_killed_here_is_in_nobodys_way(s3):
    code = """
import os, signal, sys
from biomedica_dataset.engine.lock import acquire
from biomedica_dataset.engine.launch import Launch
from biomedica_dataset.io.folders import Folder
with acquire(Folder(sys.argv[1]), Launch()):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    folder = Folder(f"{s3}/out")
    run = [command()[0], "-c", code, folder.url]
    assert subprocess.run(run, env=environment(), check=False).returncode == -9
    assert folder.exists(RUN)

    with acquire(folder, Launch()) as lock:
        lock.check()


def test_missing_credentials_are_told(s3, monkeypatch, tmp_path):
    import s3fs

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    s3fs.S3FileSystem.clear_instance_cache()

    with pytest.raises(StorageError, match=r"give credentials .*AWS_ACCESS_KEY_ID") as told:
        Archive.find(Folder(f"{s3}/archive"))
    assert "\n" not in str(told.value)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    s3fs.S3FileSystem.clear_instance_cache()


def test_a_bucket_that_is_not_there_is_told(s3, sample_bucket):
    with pytest.raises(StorageError, match="cannot be written: The specified bucket does not"):
        extract(str(sample_bucket), "s3://nobody-made-this/archive", workers=1)


def test_without_the_library_the_line_that_installs_it_is_told(monkeypatch):
    registry = import_module("fsspec.registry")
    monkeypatch.delitem(registry._registry, "s3", raising=False)
    monkeypatch.setitem(
        registry.known_implementations,
        "s3",
        {"class": "a_library_that_nobody_wrote.FileSystem", "err": "Install s3fs to access S3"},
    )
    with pytest.raises(UsageError, match=re.escape(install_command("s3"))):
        Folder("s3://bucket/archive")
