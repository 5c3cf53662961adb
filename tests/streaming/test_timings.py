"""A stream says how long it waited for the network, and how long for itself."""

from __future__ import annotations

import time

import pytest
from torch.utils.data import DataLoader

from biomedica_dataset import Timings, open_dataset

from ..servers import BucketServer
from .panels import write_panels

_LATENCY = 0.05


@pytest.fixture
def url(sample_dataset):
    with BucketServer(sample_dataset, latency=_LATENCY) as server:
        yield server.url


def test_what_a_slow_server_costs_is_the_network_s_and_the_rest_is_decoding_s(url):
    timings = Timings()
    rows = open_dataset(url, split="all", verify=True, timings=timings)
    assert timings.times == {}
    begun = time.perf_counter()
    count = sum(1 for _row in rows)
    spent = time.perf_counter() - begun

    seconds, times = timings.seconds, timings.times
    assert times["decoding"] == times["checking"] == count
    assert times["network"] > times["decompression"] > 0
    assert seconds["network"] >= _LATENCY * times["network"]
    assert seconds["waiting for bytes"] >= _LATENCY
    assert seconds["waiting for bytes"] + seconds["decoding"] <= spent  # both are of this thread


def test_bytes_that_are_not_decoded_are_not_measured_as_decoded(url):
    timings = Timings()
    columns = ["image", "caption"]
    rows = open_dataset(url, split="all", columns=columns, timings=timings).decode(enable=False)
    list(rows)
    assert set(timings.times) == {"network", "waiting for bytes"}


def test_the_workers_of_a_loader_are_measured_with_it(sample_dataset):
    timings = Timings()
    rows = open_dataset(sample_dataset, split="all", columns=["key", "image"], timings=timings)
    keys = rows.map(lambda row: {"key": row["key"]}, remove_columns=["image"])
    loader = DataLoader(keys, batch_size=None, num_workers=2)
    count = sum(1 for _row in loader)
    assert timings.times["decoding"] == count
    assert timings.seconds["decoding"] > 0


def test_the_panels_of_a_stream_are_measured(tmp_path):
    write_panels(tmp_path / "biomedica")
    timings = Timings()
    rows = open_dataset(tmp_path / "biomedica", unit="panel", timings=timings)
    count = sum(1 for _row in rows)
    assert timings.times["decoding"] == count
