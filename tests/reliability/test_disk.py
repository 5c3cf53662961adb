"""Disks that are full or read-only, and clocks that go backwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess

import pytest

from biomedica_dataset.annotation.embeddings.embed import embed
from biomedica_dataset.clip.train.checkpoint import save
from biomedica_dataset.errors import BiomedicaError, StorageError
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.serialization.serialize import serialize
from biomedica_dataset.subset.select import select

from ..extract.helpers import Bucket, run
from ..trees import stamps, tree

FUTURE = 4_000_000_000
"""Seconds: the year 2096."""


@pytest.fixture
def disk(tmp_path):
    """A small disk of its own: its folder, and a function that mounts it again with options."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", folder],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("a disk cannot be mounted here")
    yield (
        folder,
        lambda options: subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True),
    )
    subprocess.run(["umount", folder], check=True)


@pytest.fixture
def stages(sample_bucket, sample_archive, sample_dataset, encoder_folder):
    """Each stage as a function of its output."""
    return {
        "extract": lambda output: run(sample_bucket, output),
        "serialize": lambda output: serialize(sample_archive, output, workers=1),
        "embed": lambda output: embed(sample_archive, output, model=str(encoder_folder), workers=0),
        "select": lambda output: select(sample_dataset, output),
        "train": checkpoint,
    }


def checkpoint(output):
    """Write what fills a disk while torch writes it."""
    import torch

    state = {"step": 1, "model": {str(n): torch.zeros(10_000) for n in range(20)}}
    save(Folder(output), state, keep=1)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["extract", "serialize", "embed", "select", "train"])
def test_a_full_disk_is_told_of_and_the_next_run_goes_on(disk, stages, stage, tmp_path):
    folder, mount = disk
    (folder / "filler").write_bytes(bytes(270_000 if stage != "embed" else 299_000))
    with pytest.raises(StorageError, match=r"No space left on device; make room and run the same"):
        stages[stage](folder / "output")
    assert not list(folder.rglob(".partial-*"))
    mount("size=200m")
    stages[stage](folder / "output")
    stages[stage](tmp_path / "calm")

    assert tree(folder / "output") == tree(tmp_path / "calm")


@pytest.mark.parametrize("stage", ["extract", "serialize", "embed"])
def test_an_output_that_may_not_be_written_is_told_of(disk, stages, stage):
    folder, mount = disk
    mount("ro")
    with pytest.raises(
        BiomedicaError, match="Read-only file system; name a writable folder"
    ) as caught:
        stages[stage](folder / "output")
    mount("rw")

    assert len(str(caught.value).splitlines()) == 1
    assert list(folder.iterdir()) == []


def age(folder, seconds):
    for path in folder.rglob("*"):
        os.utime(path, (seconds, seconds))


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0, FUTURE])
def test_no_run_looks_at_a_clock(bucket: Bucket, tmp_path, seconds):
    archive, dataset = tmp_path / "archive", tmp_path / "biomedica"
    run(bucket.root, archive)
    serialize(archive, dataset, workers=1)
    for folder in (bucket.root, archive, dataset):
        age(folder, seconds)
    before = stamps(archive), stamps(dataset)
    run(bucket.root, archive)
    serialize(archive, dataset, workers=1)
    assert (stamps(archive), stamps(dataset)) == before
    bucket.change("PMC99000205.1", license_code="CC BY-NC")
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(bucket.root / "inventory-reports")
    for name in ("changed", "fresh"):
        shutil.copytree(archive, tmp_path / name) if name == "changed" else None
        run(bucket.root, tmp_path / name)
        serialize(tmp_path / name, tmp_path / f"{name}-dataset", workers=1)

    assert tree(tmp_path / "changed-dataset") == tree(tmp_path / "fresh-dataset")
