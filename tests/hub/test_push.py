"""What a push changes in a repository of the Hub, and what it refuses."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from biomedica_dataset.card.write import card_of_repository
from biomedica_dataset.folder.manifest import read_manifest
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.serialization.add_attribute import add_attribute
from biomedica_dataset.serialization.serialize import serialize
from biomedica_dataset.streaming.dataset import open_dataset
from biomedica_dataset.verification.verify import verify

from ..extract.helpers import Bucket
from ..extract.helpers import run as extract
from ..serialize.made_panels import make_panels
from .repos import File
from .server import Fault

NAME = "me/biomedica"
ONCE_MORE = "push again to resume"


def published(hub):
    """Paths and bytes of the main branch, but for the file that every repository has."""
    files = hub.repos[NAME].files
    return {path: data for path, data in files.items() if path != ".gitattributes"}


def of(folder):
    """Paths and bytes of what a dataset folder publishes."""
    paths = [path for path in folder.rglob("*") if path.is_file() and ".shards" not in path.parts]
    files = {str(path.relative_to(folder)): path.read_bytes() for path in paths}
    return files | {"README.md": card_of_repository(files["README.md"], NAME)}


def travelled(hub):
    """Paths that were put since the log was cleared."""
    paths = {file.sha256: path for path, file in _last(hub).items() if file.lfs}
    return sorted(paths[digest] for digest in hub.uploads())


def _last(hub):
    repo = hub.repos[NAME]
    return repo.commits[repo.refs["main"]]


def saved(hub, folder):
    for path, data in published(hub).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


@pytest.mark.slow
def test_all_of_a_folder_goes_up_in_one_commit(hub, push, dataset):
    said = push(dataset, include_other=True)

    assert published(hub) == of(dataset)
    card = published(hub)["README.md"].decode()
    assert f'load_dataset("{NAME}"' in card
    assert f'open_dataset(\n    "{NAME}"' in card
    assert f"`biomedica select {NAME} " in card
    assert "is this folder" not in card
    assert [title for _, title in hub.repos[NAME].history][1:] == ["Update 29 files, delete 0"]
    assert hub.repos[NAME].refs["main"] in said


@pytest.mark.slow
def test_without_other_what_is_pushed_agrees_with_itself(hub, push, dataset, tmp_path):
    push(dataset)
    pushed = saved(hub, tmp_path / "there")

    assert verify(pushed).problems == []
    assert not any("other" in path.split("/") for path in published(hub))
    manifest, whole = read_manifest(Folder(pushed)), read_manifest(Folder(dataset))
    left = whole.rows("other")
    assert manifest.rows("index") == whole.rows("index") - left > 0
    assert manifest.figures["license_other"] == left > 0
    assert sum(manifest.figures.values()) == sum(whole.figures.values())
    assert sum(manifest.articles.values()) == sum(whole.articles.values())
    card = (pushed / "README.md").read_text()
    assert "config_name: commercial" in card
    assert "config_name: other" not in card


@pytest.mark.slow
def test_panels_go_up_without_those_of_other(hub, push, sample_archive, tmp_path):
    folder = tmp_path / "biomedica"
    found = make_panels(sample_archive, tmp_path / "panels")
    serialize(sample_archive, folder, panels=found, workers=1)
    push(folder)
    pushed = saved(hub, tmp_path / "there")
    manifest, whole = read_manifest(Folder(pushed)), read_manifest(Folder(folder))

    assert verify(pushed).problems == []
    assert any(path.startswith("panels/commercial/") for path in published(hub))
    left = sum(f.rows for f in whole.config_files("panels") if "/other/" in f.path)
    assert manifest.rows("panels") == whole.rows("panels") - left == manifest.panels["kept"]
    for name in ("panels", "split_figures"):
        assert sum(getattr(manifest, name).values()) == sum(getattr(whole, name).values())


@pytest.mark.slow
def test_the_same_push_again_makes_no_commit(hub, push, dataset):
    push(dataset)
    before = dict(hub.repos[NAME].refs)
    hub.calls.clear()

    assert "nothing to do" in push(dataset)
    assert hub.repos[NAME].refs == before
    assert not hub.uploads()


@pytest.mark.slow
def test_a_new_attribute_uploads_no_other_file_than_card_and_manifest(hub, push, dataset, tmp_path):
    push(dataset)
    keys = [row["key"] for row in open_dataset(dataset, columns=["key"], split="all")]
    pq.write_table(pa.table({"key": keys, "score": range(len(keys))}), tmp_path / "t.parquet")
    add_attribute(tmp_path / "t.parquet", dataset, name="mine")
    before = published(hub)

    push(dataset)

    after = published(hub)
    changed = {path for path in after if after[path] != before.get(path)}
    assert {path for path in changed if not path.startswith("attributes/mine/")} == {
        "README.md", "manifest.json",
    }  # fmt: skip
    index = read_index_keys(after)
    mine = pq.read_table(pa.BufferReader(after[next(p for p in changed if "mine" in p)]))
    assert mine["key"].to_pylist() == index
    assert len(index) < len(keys)  # rows of the group other are left out


def read_index_keys(files):
    tables = [pq.read_table(pa.BufferReader(files[p])) for p in sorted(files) if "index/" in p]
    return pa.concat_tables(tables)["key"].to_pylist()


@pytest.mark.slow
def test_a_dry_run_changes_nothing_and_says_what_would_change(hub, push, dataset):
    said = push(dataset, dry_run=True)

    assert said.splitlines() == [
        f"to upload: 24 files, {_megabytes(hub, push, dataset)} MB",
        "to delete: 0 files",
        "to keep: 0 files, 0.0 MB",
    ]
    said = push(dataset, dry_run=True)
    assert "to upload: 0 files" in said
    assert "to keep: 24 files" in said


def _megabytes(hub, push, dataset):
    assert not hub.repos
    push(dataset)
    return f"{sum(map(len, published(hub).values())) / 1e6:,.1f}"


@pytest.mark.slow
def test_other_that_was_published_goes_when_it_is_not_asked_for(hub, push, dataset):
    push(dataset, include_other=True)
    hub.calls.clear()
    push(dataset)

    assert not any("other" in path.split("/") for path in published(hub))
    assert {path.partition("/")[0] for path in travelled(hub)} == {"index", "plots"}


@pytest.mark.slow
def test_of_a_changed_dataset_only_the_changed_shards_travel(hub, push, sample_bucket, tmp_path):
    bucket, folder = _bucket(sample_bucket, tmp_path), tmp_path / "biomedica"
    _make(bucket, tmp_path, folder)
    push(folder)
    before = published(hub)
    bucket.change("PMC99003800.1", is_retracted=True)
    bucket.take_inventory("2026-12-21T01-00Z")
    _make(bucket, tmp_path, folder)
    hub.calls.clear()
    said = push(folder, tag="2026-12")
    after = published(hub)

    changed = {path for path in after if before.get(path) != after[path]}
    assert {path.partition("/")[0] for path in changed - before.keys()} <= {"examples"}
    assert any(path not in changed for path in after if path.startswith("commercial/"))
    assert travelled(hub) == sorted(changed - {"README.md", "manifest.json"})
    assert f"deleted: {len(before.keys() - after.keys())} files" in said
    assert hub.repos[NAME].tags == {"2026-12": hub.repos[NAME].refs["main"]}
    assert b"PMC99003800" not in b"".join(after.values())


@pytest.mark.slow
def test_files_that_the_manifest_names_no_more_are_deleted_in_the_same_commit(
    hub, push, sample_bucket, tmp_path
):
    bucket, folder = _bucket(sample_bucket, tmp_path), tmp_path / "biomedica"
    _make(bucket, tmp_path, folder)
    push(folder)
    commits = len(hub.repos[NAME].commits)
    for name in bucket.names():
        if name >= "PMC99002":
            bucket.remove(name)
    bucket.take_inventory("2026-12-21T01-00Z")
    _make(bucket, tmp_path, folder)
    push(folder)

    assert len(hub.repos[NAME].commits) == commits + 1
    assert not any(path.startswith("commercial/") and "49501" in path for path in published(hub))
    assert verify(saved(hub, tmp_path / "there")).problems == []


def _bucket(sample_bucket, tmp_path):
    return Bucket(shutil.copytree(sample_bucket, tmp_path / "bucket"))


def _make(bucket, tmp_path, folder):
    extract(bucket.root, tmp_path / "archive")
    serialize(tmp_path / "archive", folder, workers=1)


@pytest.mark.slow
def test_a_push_that_was_killed_goes_on_with_the_missing_files(hub, environment, push, dataset):
    hub.faults.append(Fault("PUT", "/lfs/*", "hold", first=6))
    face = "from biomedica_dataset import push_to_hub"
    code = f"{face}; push_to_hub({str(dataset)!r}, {NAME!r})"
    with subprocess.Popen([sys.executable, "-c", code], env=environment) as process:
        assert hub.reached.wait(30)
        _until(lambda: len(hub.uploads()) == 5)
        os.kill(process.pid, signal.SIGKILL)
    hub.released.set()
    hub.faults.clear()
    first = set(hub.uploads())
    hub.calls.clear()
    assert set(published(hub)) == set()
    push(dataset)

    second = hub.uploads()
    assert len(first) == 5
    assert not first & set(second)
    assert first | set(second) == {file.sha256 for file in _last(hub).values() if file.lfs}


def _until(true):
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("fault", ["drop", 503])
def test_a_fault_on_the_way_is_tried_again(hub, push, dataset, fault):
    hub.faults.append(Fault("PUT", "/lfs/*", fault, first=3, last=3))
    push(dataset, include_other=True)

    assert published(hub) == of(dataset)


@pytest.mark.slow
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_commit_that_the_hub_is_too_busy_for_is_sent_again(hub, push, dataset, status):
    hub.faults.append(Fault("POST", "*/commit/main", status, first=1, last=2))
    push(dataset, include_other=True)

    assert published(hub) == of(dataset)
    assert len(hub.repos[NAME].commits) == 2


@pytest.mark.slow
def test_a_lost_answer_to_the_commit_is_told_and_the_next_push_finds_it_done(hub, push, dataset):
    hub.faults.append(Fault("POST", "*/commit/main", "drop answer"))
    said = push(dataset, fails=True)
    hub.faults.clear()

    assert said.startswith("SourceError: the Hub cannot be reached")
    assert said.endswith(ONCE_MORE)
    assert "nothing to do" in push(dataset)


@pytest.mark.slow
def test_a_commit_that_does_not_arrive_is_told_and_the_next_push_only_commits(hub, push, dataset):
    hub.faults.append(Fault("POST", "*/commit/main", "drop"))
    assert ONCE_MORE in push(dataset, fails=True)
    hub.faults.clear()
    hub.calls.clear()
    push(dataset, include_other=False)

    assert not hub.uploads()
    assert "README.md" in published(hub)


@pytest.mark.slow
def test_more_files_than_a_commit_takes_need_several_and_the_card_comes_last(hub, run, dataset):
    run(
        f"""
        import biomedica_dataset.hub.repository as repository
        from biomedica_dataset.hub.push import push_to_hub
        repository._FILES_PER_COMMIT = 5
        push_to_hub({str(dataset)!r}, {NAME!r})
        """
    )
    repo = hub.repos[NAME]
    states = [set(repo.commits[oid]) for oid, _ in repo.history]

    assert len(states) == 4
    assert all("README.md" not in state for state in states[:-1])
    assert {"README.md", "manifest.json"} <= states[-1]


def test_files_that_a_maintainer_added_stay(hub, push, dataset):
    push(dataset)
    hub.repos[NAME].commit("main", dict(_last(hub)) | {"LICENSE": File(b"x", lfs=False)}, "more")
    push(dataset, include_other=True)

    assert published(hub)["LICENSE"] == b"x"


def test_a_branch_is_made_where_it_is_not_there(hub, push, dataset):
    push(dataset)
    main = hub.repos[NAME].refs["main"]
    push(dataset, include_other=True, revision="with-other")
    repo = hub.repos[NAME]

    assert repo.refs["main"] == main != repo.refs["with-other"]
    assert any(path.startswith("other/") for path in repo.commits[repo.refs["with-other"]])
