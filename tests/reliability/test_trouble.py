"""A server that spoils 15 % of its answers costs time, and no row of a stream."""

from __future__ import annotations

import datasets
import pytest

from biomedica_dataset.errors import SourceError
from biomedica_dataset.streaming.dataset import open_dataset

from ..servers import BucketServer, Fault, trouble
from ..streaming.folders import write_dataset

SHARD = "commercial/train/000001.parquet"


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("labelled") / "biomedica"
    return folder, write_dataset(folder)


@pytest.fixture(autouse=True)
def hurry(monkeypatch, tmp_path):
    monkeypatch.setattr("datasets.config.HF_CACHE_HOME", tmp_path / "cache")
    monkeypatch.setattr("biomedica_dataset.io.web._PAUSE", 0.01)
    monkeypatch.setattr("biomedica_dataset.io.web._SILENCE", 1)
    monkeypatch.setattr("biomedica_dataset.streaming.reading.places._PAUSE", 0.01)


def rows_of(url, **options):
    stream = open_dataset(url, **options)
    if "image" in stream.features:
        stream = stream.cast_column("image", datasets.Image(decode=False))
    return list(stream)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_server_that_spoils_every_seventh_answer_costs_no_epoch(labelled, seed):
    calm = rows_of(labelled[0], seed=seed)
    with BucketServer(labelled[0], share=(0.15, trouble(stall=1.5))) as server:
        assert rows_of(server.url, seed=seed) == calm
        assert len({request.status for request in server.log}) > 2


@pytest.mark.parametrize(
    "columns", [["key", "image"], ["caption"], ["figure_label"], ["image", "image_hash"]]
)
@pytest.mark.parametrize("fault", [Fault(garbled=True, times=1), Fault(body=b"", times=1)])
def test_bytes_that_fail_their_check_are_asked_for_again(labelled, columns, fault):
    keys = [path.relative_to(labelled[0]).as_posix() for path in labelled[0].rglob("*.parquet")]
    calm = rows_of(labelled[0], columns=columns, verify=True)
    with BucketServer(labelled[0], faults=dict.fromkeys([*keys, "manifest.json"], fault)) as server:
        assert rows_of(server.url, columns=columns, verify=True) == calm


def test_bytes_that_always_fail_their_check_end_the_epoch(labelled):
    with (
        BucketServer(labelled[0], faults={SHARD: Fault(garbled=True)}) as server,
        pytest.raises(SourceError, match=r"caption of .* has another"),
    ):
        rows_of(server.url, columns=["caption"])
