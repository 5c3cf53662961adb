"""Folders of strangers hold symbolic links: none is followed out of its folder."""

from __future__ import annotations

import os
import shutil

import pytest

from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.errors import ArchiveError, StorageError
from biomedica_dataset.folder.manifest import read_manifest
from biomedica_dataset.hub.staging import collect
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.serialization.serialize import serialize
from biomedica_dataset.streaming.dataset import open_dataset
from biomedica_dataset.subset.select import select
from biomedica_dataset.verification.verify import verify


@pytest.fixture
def dataset(sample_dataset, tmp_path):
    """A folder that may be changed."""
    return shutil.copytree(sample_dataset, tmp_path / "biomedica")


def moved(path, to):
    """Put a link in the place of a file or folder that lies elsewhere."""
    shutil.move(path, to)
    path.symlink_to(to)


READS = {
    "open_dataset": lambda folder, _out: list(open_dataset(folder, split="all")),
    "select": lambda folder, out: select(folder, out / "subset", split="all"),
    "verify": lambda folder, _out: verify(folder),
    "collect": lambda at, out: collect(Folder(at), out, "a/b", include_other=True),
    "collect without other": lambda at, out: collect(Folder(at), out, "a/b", include_other=False),
}


@pytest.mark.parametrize("what", ["a shard", "the index", "manifest.json", "README.md", "a folder"])
def test_nothing_is_read_through_a_link_out_of_a_dataset_folder(dataset, tmp_path, what):
    paths = {
        "a shard": next(dataset.glob("commercial/train/*.parquet")),
        "the index": next(dataset.glob("index/*")),
        "a folder": dataset / "commercial",
    }
    moved(paths.get(what, dataset / what), tmp_path / "elsewhere")
    (tmp_path / "out").mkdir()

    for name, read in READS.items():
        if what == "README.md" and name in ("open_dataset", "select"):
            continue  # they read no card
        with pytest.raises(ArchiveError, match="is a symbolic link out of its folder; to read it"):
            read(dataset, tmp_path / "out")
        assert not list((tmp_path / "out").rglob("*.parquet"))


@pytest.mark.slow
@pytest.mark.parametrize("read", READS)
def test_links_within_a_folder_and_to_a_folder_are_followed(dataset, tmp_path, read):
    shard = next(dataset.glob("commercial/train/*.parquet"))
    moved(shard, dataset / "kept")
    (tmp_path / "out").mkdir()
    (tmp_path / "other name").symlink_to(dataset)

    READS[read](tmp_path / "other name", tmp_path / "out")


@pytest.mark.parametrize("read", READS)
def test_a_snapshot_of_the_cache_of_the_hub_is_read(dataset, tmp_path, read):
    snapshot = tmp_path / "datasets--me--biomedica" / "snapshots" / ("0" * 40)
    blobs = snapshot.parents[1] / "blobs"
    shutil.copytree(dataset, snapshot)
    blobs.mkdir()
    for number, path in enumerate(p for p in snapshot.rglob("*") if p.is_file()):
        path.rename(blobs / str(number))
        path.symlink_to(os.path.relpath(blobs / str(number), path.parent))
    (tmp_path / "out").mkdir()

    READS[read](snapshot, tmp_path / "out")


def test_a_blob_of_another_repository_is_not(dataset, tmp_path):
    snapshot = tmp_path / "hub" / "datasets--me--biomedica" / "snapshots" / ("0" * 40)
    other = tmp_path / "hub" / "datasets--me--private" / "blobs"
    shutil.copytree(dataset, snapshot)
    other.mkdir(parents=True)
    moved(snapshot / "manifest.json", other / "1")

    with pytest.raises(ArchiveError, match="out of its folder"):
        read_manifest(Folder(snapshot))


@pytest.mark.parametrize("what", ["archive.json", "articles", "images"])
def test_an_archive_is_not_left_by_a_link(sample_archive, tmp_path, what):
    archive = shutil.copytree(sample_archive, tmp_path / "archive")
    moved(archive / what, tmp_path / "elsewhere")

    with pytest.raises(ArchiveError, match="out of its folder"):
        serialize(archive, tmp_path / "biomedica", workers=1)
    with pytest.raises(ArchiveError, match="out of its folder"):
        [list(Archive.open(archive).images(b)) for b in Archive.open(archive).blocks()]


def test_nothing_is_removed_or_written_through_a_link_out_of_a_folder(tmp_path):
    home, folder = tmp_path / "home", tmp_path / "biomedica"
    home.mkdir()
    folder.mkdir()
    (home / "photo.jpg").write_bytes(b"mine")
    (folder / "examples").symlink_to(home)
    (folder / "README.md").symlink_to(home / "photo.jpg")

    for call in (
        lambda: Folder(folder).names("examples"),
        lambda: Folder(folder).remove("examples/photo.jpg"),
        lambda: Folder(folder).write_bytes("examples/photo.jpg", b""),
        lambda: Folder(folder).begin("examples/new.jpg", b""),
    ):
        with pytest.raises(ArchiveError, match="out of its folder"):
            call()
    Folder(folder).write_bytes("README.md", b"a card")
    assert (home / "photo.jpg").read_bytes() == b"mine"
    assert [path.name for path in home.iterdir()] == ["photo.jpg"]
    assert not (folder / "README.md").is_symlink()


def test_a_link_to_itself_is_told_in_one_line(tmp_path):
    (tmp_path / "manifest.json").symlink_to("manifest.json")

    with pytest.raises(StorageError, match="Too many levels of symbolic links"):
        verify(tmp_path)
