"""Pairs decoded on a device, here the CPU, and pairs that come from other processes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from biomedica_dataset import UsageError, train
from biomedica_dataset.clip.models.model_config import ModelConfig
from biomedica_dataset.clip.models.open_clip import make_model
from biomedica_dataset.clip.train import training
from biomedica_dataset.clip.train.config import DataConfig
from biomedica_dataset.clip.train.data import Pairs, Position, choose_pairs
from biomedica_dataset.clip.train.prepare import Prepare
from biomedica_dataset.clip.train.preparers import _put, _ready, _received, _sent
from biomedica_dataset.images.device_decode import decode_on


@pytest.fixture
def on_device(monkeypatch):
    """The devices that were asked to decode, where there is no GPU."""
    asked = []

    def decode(device, images):
        asked.append(device)
        return decode_on("cpu", images)

    monkeypatch.setattr(training, "decoding_device", lambda decoder, _device: f"a {decoder}")
    monkeypatch.setattr("biomedica_dataset.clip.train.prepare.decode_on", decode)
    return asked


@pytest.fixture(scope="module")
def model(tiny):
    return make_model(ModelConfig(name=tiny, pretrained=None))


def pairs(data, model, device):
    prepare = Prepare(model.size, model.transform, model.tokenizer, data.decode, device=device)
    return Pairs(choose_pairs(data, 0), data, prepare, 0, (0, 1))


def test_a_device_gives_the_same_pairs_in_the_same_order(url, model):
    here = pairs(DataConfig(path=url), model, None).batches(20, Position())
    there = pairs(DataConfig(path=url, decoder="gpu"), model, "cpu").batches(20, Position())
    for _ in range(4):  # into the second epoch
        expected, found = next(here), next(there)
        difference = np.abs(found.images.numpy().astype(int) - expected.images.numpy())

        assert found.keys == expected.keys
        assert found.position == expected.position
        assert found.tokens.equal(expected.tokens)
        assert np.median(difference) <= 1
        assert difference.mean() < 3


@pytest.mark.parametrize("workers", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_position_is_exact_on_a_device(url, model, workers):
    data = DataConfig(path=url, decoder="gpu", workers=workers)
    whole = pairs(data, model, "cpu")
    expected = list(itertools.islice(whole.batches(7, Position()), 12))
    rest = pairs(data, model, "cpu")
    again = rest.batches(7, expected[4].position)
    for before in expected[5:]:
        found = next(again)
        assert found.keys == before.keys
        assert found.images.equal(before.images)
        assert found.position == before.position
    whole.close()
    rest.close()


def test_a_training_decodes_where_it_is_told(config, on_device):
    report = train(config("model", data={"decoder": "gpu"}, samples=32))

    assert report.steps == 2
    assert set(on_device) == {"a gpu"}
    with pytest.raises(UsageError, match=r"data\.decoder was 'gpu'"):
        train(config("model", samples=32))


def test_a_machine_without_a_gpu_is_told_what_to_do(config):
    with pytest.raises(UsageError, match="use decoder cpu"):
        train(config("model", data={"decoder": "gpu"}))


def test_a_gpu_decodes_at_no_reduced_scale():
    with pytest.raises(UsageError, match=r"data\.decode must be full .* not draft"):
        DataConfig(path="p", decoder="gpu", decode="draft")


class Told:
    """A future that is there."""

    def __init__(self, made):
        self.result = lambda: made


def test_pairs_go_through_shared_memory_and_come_back():
    part = np.zeros(1000, np.uint8)
    shared, large = bytes(range(200)), bytes(900)
    given = [
        (shared, "a", 1, None),
        (large, "b", 2, None),
        (shared, "c", 3, ((0, 0, 1, 1), (2, 2))),
    ]
    sent = _sent(part, given)
    received = _received(part, sent)

    assert sent[0][0] == sent[2][0] == (0, 200)
    assert sent[1][0] is large
    assert received == given
    assert received[0][0] is received[2][0]

    images = [np.full((4, 5, 3), number, np.uint8) for number in range(2)]
    tokens = [np.arange(7) + number for number in range(2)]
    made = _put(part, [(images[0], tokens[0]), None, (images[1], tokens[1])])
    first, none, last = _ready(part, Told(made))

    assert none is None
    for found, expected in zip(
        (*first, *last), (images[0], tokens[0], images[1], tokens[1]), strict=True
    ):
        np.testing.assert_array_equal(found, expected)
    assert _ready(part, Told(_put(part, [None, None]))) == [None, None]
