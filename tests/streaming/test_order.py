"""Every chosen row exactly once, whatever reads it, and the same again after a stop."""

from __future__ import annotations

import copy
import pickle

import datasets
import numpy as np
import pytest
from datasets.distributed import split_dataset_by_node
from hypothesis import given, settings
from hypothesis import strategies as st

from biomedica_dataset.streaming.dataset import open_dataset
from biomedica_dataset.streaming.order import Plan, make_plan

COLUMNS = ["key", "image"]


def undecoded(dataset):
    return dataset.cast_column("image", datasets.Image(decode=False))


def keys(dataset):
    return [row["key"] for row in undecoded(dataset)]


@pytest.mark.slow
@settings(deadline=None)
@given(
    rows=st.integers(1, 5000),
    size=st.floats(1, 1e8),
    seed=st.none() | st.integers(0, 9),
    ranks=st.integers(1, 9),
    workers=st.integers(1, 5),
)
def test_a_plan_deals_each_row_once_and_evenly(rows, size, seed, ranks, workers):
    plan = make_plan(rows, size, seed)
    runs = [plan.positions(run) for run in range(plan.runs)]
    counts = [
        sum(map(len, runs[rank::ranks][worker::workers]))
        for rank in range(ranks)
        for worker in range(workers)
    ]

    assert sorted(np.concatenate(runs).tolist()) == list(range(rows))
    assert [len(run) for run in runs] == [plan.length(run) for run in range(plan.runs)]
    assert max(counts) - min(counts) <= max(map(len, runs))
    assert max(map(len, runs)) <= 256


def test_a_mixed_run_draws_from_many_places():
    plan = Plan(100_000, 960, seed=(0,))
    run = plan.positions(17)

    assert len({position // 16 for position in run}) > 5
    assert not np.array_equal(run, np.sort(run))


def test_rows_come_in_order_without_a_seed_and_mixed_with_one(labelled):
    folder, pairs = labelled
    expected = [pair.key for pair in pairs]
    mixed = keys(open_dataset(folder, columns=COLUMNS, seed=0))

    assert keys(open_dataset(folder, columns=COLUMNS)) == expected
    assert mixed != expected
    assert sorted(mixed) == sorted(expected)
    assert mixed == keys(open_dataset(folder, columns=COLUMNS, seed=0))
    assert mixed != keys(open_dataset(folder, columns=COLUMNS, seed=1))


@pytest.mark.parametrize("world", [1, 2, 3, 5, 7, 8, 13])
@pytest.mark.parametrize("strategy", ["shards", "auto"])
@pytest.mark.parametrize("epoch", [0, 3])
def test_ranks_read_each_row_once(labelled, world, strategy, epoch):
    folder, pairs = labelled
    dataset = open_dataset(folder, columns=["key"], seed=0)
    found = []
    for rank in range(world):
        part = split_dataset_by_node(dataset, rank, world, strategy=strategy)
        part.set_epoch(epoch)
        found.append([row["key"] for row in part])

    assert sorted(key for part in found for key in part) == sorted(pair.key for pair in pairs)
    longest = max(dataset._ex_iterable._plan.length(0), 1)
    assert max(map(len, found)) - min(map(len, found)) <= longest


@pytest.mark.parametrize(("ranks", "workers"), [(1, 4), (2, 3), (3, 5), (4, 2)])
def test_workers_of_ranks_read_each_row_once(labelled, ranks, workers):
    folder, pairs = labelled
    runs = open_dataset(folder, columns=["key"], seed=4)._ex_iterable
    found = []
    for rank in range(ranks):
        mine = runs.shard_data_sources(ranks, rank, contiguous=False)
        for worker in range(workers):
            part = mine.shard_data_sources(workers, worker, contiguous=False)
            found.append([row["key"] for _key, row in part])

    assert sorted(key for part in found for key in part) == sorted(pair.key for pair in pairs)
    assert max(map(len, found)) - min(map(len, found)) <= runs._plan.length(0)


def test_an_epoch_has_an_order_of_its_own_that_can_be_had_again(labelled):
    folder, _pairs = labelled
    dataset = undecoded(open_dataset(folder, columns=COLUMNS, seed=0))
    orders = []
    for epoch in (0, 1, 2, 1):
        dataset.set_epoch(epoch)
        orders.append([row["key"] for row in dataset])

    assert orders[1] == orders[3]
    assert len({tuple(order) for order in orders}) == 3
    assert len({tuple(sorted(order)) for order in orders}) == 1
    first = {frozenset(orders[0][:32]), frozenset(orders[1][:32])}
    assert len(first) == 2


@pytest.mark.parametrize("seed", [None, 0])
@pytest.mark.parametrize("stop", [0, 1, 15, 16, 100, 399])
@pytest.mark.parametrize("world", [1, 2])
def test_a_stopped_epoch_goes_on_where_it_stopped(labelled, seed, stop, world):
    folder, _pairs = labelled

    def fresh():
        dataset = open_dataset(folder, columns=COLUMNS, seed=seed)
        dataset = split_dataset_by_node(undecoded(dataset), 0, world)
        dataset.set_epoch(2)
        return dataset

    whole = [row["key"] for row in fresh()]
    stop = min(stop, len(whole) - 1)
    dataset, begun = fresh(), []
    rows = iter(dataset)
    begun.extend(next(rows)["key"] for _ in range(stop))
    state = pickle.loads(pickle.dumps(dataset.state_dict()))
    rows.close()
    other = fresh()
    other.load_state_dict(state)

    assert begun + [row["key"] for row in other] == whole


def test_going_on_fetches_nothing_twice(labelled, monkeypatch):
    folder, pairs = labelled
    dataset = undecoded(open_dataset(folder, columns=["image"]))
    rows = iter(dataset)
    for _ in range(300):
        next(rows)
    state = dataset.state_dict()
    rows.close()
    again = undecoded(open_dataset(folder, columns=["image"]))
    again.load_state_dict(state)
    runs = again._ex_iterable
    while not hasattr(runs, "_reader"):
        runs = runs.ex_iterable
    asked = []
    submit = type(runs._reader)._submit

    def counted(self, run, *rest):
        asked.extend(run.tolist())
        return submit(self, run, *rest)

    monkeypatch.setattr(type(runs._reader), "_submit", counted)
    assert len(list(again)) == len(pairs) - 300
    assert sorted(asked) == list(range(300, len(pairs)))


def test_datasets_own_operations_work_on_it(labelled):
    folder, pairs = labelled
    dataset = undecoded(open_dataset(folder, columns=COLUMNS))

    assert len(list(dataset.shuffle(seed=1, buffer_size=50))) == len(pairs)
    assert len(list(dataset.take(7))) == 7
    assert len(list(dataset.skip(500))) == len(pairs) - 500
    assert sum(len(batch["key"]) for batch in dataset.batch(9)) == len(pairs)
    assert next(iter(dataset.map(lambda row: {"n": len(row["key"])})))["n"]


def test_it_can_be_sent_to_another_process(labelled):
    folder, pairs = labelled
    dataset = undecoded(open_dataset(folder, columns=COLUMNS, seed=3))

    assert keys(pickle.loads(pickle.dumps(dataset))) == keys(dataset)
    assert len(keys(copy.deepcopy(dataset))) == len(pairs)
    assert keys(dataset) == keys(dataset)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")  # few processors
def test_dataloader_workers_read_each_row_once(labelled):
    from torch.utils import data

    folder, pairs = labelled
    dataset = open_dataset(folder, columns=["key"], seed=0)
    for workers in (0, 2, 3):
        loader = data.DataLoader(dataset, num_workers=workers, batch_size=None)
        assert sorted(row["key"] for row in loader) == sorted(pair.key for pair in pairs)
