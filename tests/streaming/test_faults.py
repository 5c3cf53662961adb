"""An epoch is whole or ends in an error, whatever the server does."""

from __future__ import annotations

import json
import shutil
import time
from contextlib import closing

import datasets
import pytest

from biomedica_dataset.errors import ArchiveError, SourceError, UsageError
from biomedica_dataset.io.http import retry_after
from biomedica_dataset.io.web import Web
from biomedica_dataset.streaming.dataset import open_dataset

from ..servers import BucketServer, Fault
from .redirects import COMMIT, RedirectingServer

SHARD = "commercial/train/000001.parquet"


def asked(server):
    return [request.key for request in server.log]


def images(url, **options):
    dataset = open_dataset(url, columns=["key", "image"], **options)
    return {
        row["key"]: row["image"]["bytes"]
        for row in dataset.cast_column("image", datasets.Image(decode=False))
    }


@pytest.fixture
def expected(labelled):
    return {pair.key: pair.image["bytes"] for pair in labelled[1]}


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=500, times=2),
        Fault(status=503, times=3),
        Fault(status=429, times=1, retry_after=1),
        Fault(reset=True, times=3),
        Fault(stall=0.05, times=2),
    ],
    ids=["500", "503", "429", "reset", "slow"],
)
def test_what_passes_is_waited_for(labelled, expected, fault):
    with BucketServer(labelled[0], faults={SHARD: fault, "manifest.json": fault}) as server:
        assert images(server.url, seed=0) == expected


def test_a_cut_answer_goes_on_from_the_byte_reached(labelled):
    data = (labelled[0] / SHARD).read_bytes()
    with BucketServer(labelled[0], faults={SHARD: Fault(reset=True, times=4)}) as server:
        with closing(Web(server.url)) as web:
            assert web.range(SHARD, 100, 40_000) == data[100:40_100]
        assert server.sent() == 40_000


def test_an_answer_that_falls_silent_goes_on_where_it_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr("biomedica_dataset.io.web._SILENCE", 0.3)
    data = bytes(range(256)) * 2**15
    (tmp_path / "file").write_bytes(data)
    fault = Fault(stall=1.0, times=1)
    with BucketServer(tmp_path, faults={"file": fault}) as server, closing(Web(server.url)) as web:
        assert web.range("file", 0, len(data)) == data
        assert web.traffic.requests == 2
        assert min(request.sent for request in server.log) < 0.8 * len(data)


def test_an_answer_shorter_than_promised_is_asked_for_again(labelled):
    data = (labelled[0] / SHARD).read_bytes()

    fault = Fault(extra_length=500, times=2)
    with (
        BucketServer(labelled[0], faults={SHARD: fault}) as server,
        closing(Web(server.url)) as web,
    ):
        assert web.whole(SHARD) == data
        assert asked(server).count(SHARD) == 3


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault(status=500), "500"),
        (Fault(status=429), "429"),
        (Fault(status=403), "permission"),
        (Fault(status=404), "no such file"),
        (Fault(body=b"short"), "shorter"),
    ],
)
def test_what_stays_ends_the_epoch_with_an_error(labelled, fault, message):
    with (
        BucketServer(labelled[0], faults={SHARD: fault}) as server,
        pytest.raises(SourceError, match=message),
    ):
        images(server.url, seed=0)


@pytest.mark.slow
def test_retry_after_holds_all_requests_back(labelled):
    fault = Fault(status=429, times=1, retry_after=2)
    with (
        BucketServer(labelled[0], faults={SHARD: fault}) as server,
        closing(Web(server.url)) as web,
    ):
        started = time.monotonic()
        web.range(SHARD, 0, 10)
        assert 1.9 < time.monotonic() - started < 60


def test_retry_after_is_a_number_or_a_date():
    assert retry_after("7") == 7
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert retry_after("soon") is None
    assert retry_after(None) is None


def test_a_file_is_resolved_once_and_again_when_its_address_expires(labelled, expected):
    with RedirectingServer(labelled[0]) as server, closing(Web(server.url)) as web:
        for start in range(0, 1000, 100):
            web.range(SHARD, start, 100)
        assert server.resolved[SHARD] == 1
        server.term += 1
        assert web.range(SHARD, 0, 50) == (labelled[0] / SHARD).read_bytes()[:50]
        assert server.resolved[SHARD] == 2
        assert images(server.url) == expected


def test_a_file_that_changes_under_way_is_told_of(labelled, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(labelled[0], folder)
    with BucketServer(folder) as server, closing(Web(server.url)) as web:
        web.range(SHARD, 0, 10)
        (folder / SHARD).write_bytes(b"x" * 10_000)
        with pytest.raises(SourceError, match="changed since"):
            web.range(SHARD, 0, 10)


def test_a_damaged_image_is_reported_if_its_digest_is_requested(labelled, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(labelled[0], folder)
    image = labelled[1][0].image["bytes"]
    shard = folder / "commercial/train/000000.parquet"
    data = shard.read_bytes()
    shard.write_bytes(data.replace(image, bytes(len(image))))

    assert len(images(folder)) == len(labelled[1])
    with pytest.raises(SourceError, match="SHA-256"):
        images(folder, verify=True)
    with pytest.raises(SourceError, match="SHA-256"):
        list(open_dataset(folder, columns=["image", "image_hash"]))


def test_the_index_is_read_once_and_kept(labelled, cache):
    with BucketServer(labelled[0]) as server:
        open_dataset(server.url, columns=["key"])
        open_dataset(server.url, columns=["key"])
        assert asked(server).count("index/0000.parquet") == 1
    assert len(list((cache / "biomedica" / "index").glob("*/0000.parquet"))) == 1


def test_what_is_no_dataset_folder_is_named(labelled, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(labelled[0], folder)
    manifest = folder / "manifest.json"
    text = manifest.read_text()

    with pytest.raises(UsageError, match="is not a folder"):
        open_dataset(tmp_path / "absent")
    with pytest.raises(UsageError, match="scheme 'ftp'"):
        open_dataset("ftp://host/folder")
    manifest.write_text(text.replace('"schema_version": "', '"schema_version": "99'))
    with pytest.raises(UsageError, match="schema version 99"):
        open_dataset(folder)
    manifest.write_text("{")
    with pytest.raises(ArchiveError, match="cannot be read"):
        open_dataset(folder)
    manifest.unlink()
    with pytest.raises(UsageError, match="half written"):
        open_dataset(folder)
    manifest.write_text(text)
    index = folder / "index/0000.parquet"
    index.write_bytes(index.read_bytes()[:-1] + b"x")
    with pytest.raises(ArchiveError, match="differs from its SHA-256"):
        open_dataset(folder)
    with BucketServer(tmp_path) as server, pytest.raises(UsageError, match="half written"):
        open_dataset(f"{server.url}/absent")


def test_a_bucket_is_read_through_obstore(labelled, expected, monkeypatch):
    with BucketServer(labelled[0], faults={SHARD: Fault(status=503, times=1)}) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
        assert images("s3://pmc-oa-opendata", seed=0) == expected
        with pytest.raises(UsageError, match="half written"):
            open_dataset("s3://pmc-oa-opendata/absent")


def test_latency_is_hidden_by_requests_under_way(labelled):
    with BucketServer(labelled[0], latency=0.04) as server:
        started = time.monotonic()
        rows = iter(
            open_dataset(server.url, columns=["key", "caption", "image"], seed=0).cast_column(
                "image", datasets.Image(decode=False)
            )
        )
        next(rows)
        assert time.monotonic() - started < 10
        rows.close()


def test_a_shard_that_the_manifest_lacks_is_told_of(labelled, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(labelled[0], folder)
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace(SHARD, "commercial/train/gone.parquet"))

    with pytest.raises(ArchiveError, match="not in the manifest"):
        open_dataset(folder)


def test_a_shard_cut_short_is_told_of(labelled, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(labelled[0], folder)
    shard = folder / SHARD
    shard.write_bytes(shard.read_bytes()[:3000])

    with pytest.raises(SourceError, match="shorter"):
        images(folder)
    with BucketServer(folder) as server, pytest.raises(SourceError, match=r"shorter|416"):
        images(server.url)
    shard.write_bytes(b"x" * 10**6)
    with pytest.raises(ArchiveError, match="not a Parquet file"):
        list(open_dataset(folder, columns=["figure_label"]))


def test_a_caption_that_is_not_where_the_index_says_is_told_of(labelled, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(labelled[0], folder)
    shard = folder / SHARD
    shard.write_bytes("é".encode() * (shard.stat().st_size // 2 + 1))

    with pytest.raises(SourceError, match="has another length than expected"):
        list(open_dataset(folder, columns=["caption"]))


@pytest.mark.slow
def test_a_repository_of_the_hub_is_held_to_its_commit(labelled, expected, monkeypatch):
    with RedirectingServer(labelled[0]) as server:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.url.removesuffix("/repo"))
        for name in ("org/name", "hf://datasets/org/name", "hf://org/name@main"):
            assert images(name) == expected
        assert server.resolved["index/0000.parquet"] == 1
        assert server.resolved[SHARD] == 3
        dataset = open_dataset("org/name", columns=["caption"])
        for _epoch in range(3):
            assert len(list(dataset)) == len(expected)
        assert server.resolved[SHARD] == 4
        with pytest.raises(UsageError, match="neither a folder here nor a dataset repository"):
            open_dataset("org/other")


@pytest.mark.parametrize("status", [401, 403])
def test_a_gated_repository_is_told_of_with_the_way_in(status, tmp_path, monkeypatch):
    """The Hub names the commit of a gated repository to everybody, and gives its files to few."""
    answer = tmp_path / "api" / "datasets" / "org" / "name" / "revision" / "main"
    answer.parent.mkdir(parents=True)
    answer.write_text(json.dumps({"sha": COMMIT}))
    faults = {f"datasets/org/name/resolve/{COMMIT}/manifest.json": Fault(status=status)}
    with BucketServer(tmp_path, faults=faults) as server:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.url)
        with pytest.raises(SourceError, match="accept its terms and run `hf auth login`"):
            open_dataset("org/name")
