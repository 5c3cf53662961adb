"""Streams leave nothing behind: no thread, file or memory, whether they end or are abandoned."""

from __future__ import annotations

import ctypes
import gc
import os
import threading
import time
from pathlib import Path

import pyarrow as pa
import pytest
from datasets import Image

from biomedica_dataset import open_dataset

from ..servers import BucketServer

_EPOCHS, _FIRST = 50, 10
_GROWTH = 20 * 2**20  # bytes: 150 epochs alone vary by 6 MB; the images of 40 epochs have 90


def held():
    """Return the open files and the threads of this process, without those that are ending."""
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir())), threading.active_count()


def memory():
    """The memory of this process, without what its allocators keep of earlier tests."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    ctypes.CDLL(None).malloc_trim(0)
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
def test_fifty_epochs_take_no_more_than_ten(sample_dataset):
    with BucketServer(sample_dataset) as server:
        dataset = open_dataset(server.url, columns=["key", "image"], split="all", seed=0)
        dataset = dataset.cast_column("image", Image(decode=False))
        for epoch in range(_EPOCHS):
            dataset.set_epoch(epoch)
            assert sum(1 for _row in dataset) == 62
            server.forget()
            if epoch == _FIRST:
                before, size = held(), memory()

        assert memory() - size < _GROWTH
    end = time.monotonic() + 10  # connections of the server end a little later
    while held() > before and time.monotonic() < end:
        time.sleep(0.05)
    files, threads = held()
    assert files <= before[0]
    assert threads <= before[1]


def test_a_stream_that_is_abandoned_ends_its_threads(sample_dataset):
    with BucketServer(sample_dataset, latency=0.01) as server:
        dataset = open_dataset(server.url, columns=["key", "image"], split="all")
        next(iter(dataset))
        before = {thread.name for thread in threading.enumerate()}
        rows = iter(dataset)
        next(rows)
        del rows
        gc.collect()
        end = time.monotonic() + 10
        while time.monotonic() < end:
            started = {t.name for t in threading.enumerate() if "ThreadPool" in t.name} - before
            if not started:
                break
            time.sleep(0.05)

        assert not started
