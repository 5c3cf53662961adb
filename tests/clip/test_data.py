"""Pairs: every one once an epoch, chosen, prepared, skipped and counted."""

from __future__ import annotations

import collections
import io
import itertools
import logging
import random
from dataclasses import dataclass, replace

import numpy as np
import pytest
from PIL import Image

from biomedica_dataset import UsageError, open_dataset
from biomedica_dataset.clip.models.model_config import ModelConfig
from biomedica_dataset.clip.models.open_clip import make_model
from biomedica_dataset.clip.train.config import DataConfig, TrainConfig
from biomedica_dataset.clip.train.data import Pairs, Position, choose_pairs, tally
from biomedica_dataset.clip.train.packing import packed
from biomedica_dataset.clip.train.prepare import Prepare

from ..servers import BucketServer
from ..streaming.folders import write_dataset
from ..streaming.panels import colour, views, write_panels


def prepare(decode="draft", size=32, transform=None):
    """Return a preparation that only makes images small."""
    return Prepare(size, transform or Small(size), lengths, decode)


@dataclass(frozen=True)
class Small:
    """Makes images small, in any process."""

    size: int

    def __call__(self, image):
        return image[:, : self.size, : self.size]


def lengths(texts):
    import torch

    return torch.tensor([[len(text)] for text in texts])


def pairs(data, place=(0, 1), prepared=None):
    return Pairs(choose_pairs(data, 0), data, prepared or prepare(), 0, place)


def epochs(stream, count):
    """Return how often each key came, by epoch."""
    found = collections.defaultdict(collections.Counter)
    for batch in stream.batches(1, Position()):
        if batch.position.epoch == count:
            return found
        found[batch.position.epoch].update(batch.keys)
    return None


def test_two_processes_see_every_pair_once_an_epoch(url):
    both = [epochs(pairs(DataConfig(path=url), (rank, 2)), 2) for rank in range(2)]
    everything = {row["key"] for row in open_dataset(url, columns=["key"])}

    for epoch in range(2):
        assert sum((mine[epoch] for mine in both), collections.Counter()) == dict.fromkeys(
            everything, 1
        )
        assert all(len(mine[epoch]) > 10 for mine in both)
    assert both[0][0].keys() != both[0][1].keys()


@pytest.mark.slow
def test_a_position_is_exact_in_the_middle_of_a_batch_and_of_an_epoch(url):
    data = DataConfig(path=url)
    whole = pairs(data).batches(7, Position())
    expected = [next(whole) for _ in range(20)]
    for stopped in (3, 8, 9, 15):
        rest = pairs(data).batches(7, expected[stopped].position)
        for before in expected[stopped + 1 :]:
            again = next(rest)
            assert again.keys == before.keys
            assert again.images.equal(before.images)
            assert again.position == before.position


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("labelled") / "biomedica"
    write_dataset(folder)
    return folder


@pytest.mark.parametrize(
    "choice",
    [
        {"licenses": "commercial"},
        {"licenses": ["CC BY"], "limit": 5},
        {"concepts": ["Microscopy"]},
        {"filters": [["article_year", ">=", 2020], ["caption", "contains_text", "a"]]},
        {"recipe": "cap-overrepresented"},
        {"recipe": "drop-overrepresented"},
        {"split": "all"},
    ],
)
def test_rows_are_chosen_as_by_open_dataset(choice, labelled):
    rows = pairs(DataConfig(path=str(labelled), **choice))._read(Position())
    found = [row.key for row in itertools.takewhile(lambda row: row.epoch == 0, rows)]
    everything = {row["key"] for row in open_dataset(labelled, columns=["key"])}
    asked = {row["key"] for row in open_dataset(labelled, columns=["key"], seed=0, **choice)}

    assert sorted(found) == sorted(asked)
    assert asked != everything or choice == {"split": "all"}


@pytest.fixture(scope="module")
def panelled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("panelled") / "biomedica"
    return folder, write_panels(folder, 60)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1])
def test_panels_are_trained_on_each_with_its_own_pixels_and_text(panelled, workers):
    folder, made = panelled
    data = DataConfig(path=str(folder), unit="panel", min_score=0.7, workers=workers)
    expected = views(made, 0.7)
    stream = pairs(data, prepared=Prepare(8, Small(8), lengths, "draft"))
    found, keys = stream.batches(1, Position()), []
    for batch in itertools.islice(found, len(expected)):
        (key,) = batch.keys
        pair, panel = expected[key]
        shown = key if panel or not pair.panels else f"{pair.key}-A"
        assert batch.images[0, 0, 0].tolist() == list(colour(shown))
        assert batch.tokens.item() == len(panel["subcaption"] if panel else pair.caption)
        keys.append(key)
    stream.close()

    assert sorted(keys) == sorted(expected)


@pytest.mark.slow
def test_a_position_among_panels_is_exact(panelled):
    data = DataConfig(path=str(panelled[0]), unit="panel", text="caption_context")
    whole = pairs(data).batches(7, Position())
    expected = [next(whole) for _ in range(30)]
    for stopped in (0, 9, 20):
        rest = pairs(data).batches(7, expected[stopped].position)
        for before in expected[stopped + 1 :]:
            again = next(rest)
            assert again.keys == before.keys
            assert again.images.equal(before.images)
            assert again.position == before.position


def test_a_training_of_figures_is_the_one_that_it_was_before_there_were_panels():
    config = TrainConfig(
        output="o",
        model=ModelConfig(name="x", pretrained=None),
        data=DataConfig(path="p"),
        samples=1,
    )
    panels = replace(config, data=DataConfig(path="p", unit="panel"))

    assert "data.unit" not in config.decisive
    assert panels.decisive["data.unit"] == "panel"


def test_a_bucket_is_trained_on(sample_dataset, monkeypatch):
    with BucketServer(sample_dataset) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
        found = epochs(pairs(DataConfig(path="s3://pmc-oa-opendata", limit=20)), 1)[0]

    assert len(found) == 20


def test_captions_alone_cost_no_paragraphs(sample_dataset):
    """The citing paragraphs are read where they are asked for, and then follow the caption."""
    sent, tokens = {}, {}
    for text in ("caption", "caption_context"):
        with BucketServer(sample_dataset) as server:
            batch = next(pairs(DataConfig(path=server.url, text=text)).batches(62, Position()))
            sent[text] = server.sent()
        tokens[text] = dict(zip(batch.keys, batch.tokens[:, 0].tolist(), strict=True))
    rows = {
        row["key"]: row
        for row in open_dataset(
            sample_dataset, columns=["key", "caption", "image_context", "figure_label"]
        )
    }

    assert sent["caption"] < sent["caption_context"]
    assert tokens["caption"] == {key: len(row["caption"]) for key, row in rows.items()}
    assert tokens["caption_context"] == {
        key: len(packed(row["caption"], row["figure_label"], row["image_context"] or []))
        for key, row in rows.items()
    }


def jpeg(width, height):
    noise = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    data = io.BytesIO()
    Image.fromarray(noise).save(data, "JPEG")
    return data.getvalue()


@pytest.mark.parametrize(
    ("decode", "size", "seen"),
    [
        ("full", 224, (2000, 1000)),
        ("draft", 224, (1000, 500)),
        ("draft-1x", 224, (500, 250)),
        ("draft", 250, (1000, 500)),
        ("draft", 251, (2000, 1000)),
        ("draft-1x", 251, (1000, 500)),
    ],
)
def test_jpegs_are_decoded_at_the_scale_that_is_named(decode, size, seen):
    """The shorter side keeps twice what the model sees, or once."""
    import torch

    sizes = []

    def transform(image):
        sizes.append((image.shape[2], image.shape[1]))
        return torch.zeros(3, 1, 1)

    prepare(decode, size, transform)([(jpeg(2000, 1000), "x", 0, None)])

    assert sizes == [seen]


def test_what_is_random_belongs_to_the_pair():
    """No order of work changes it, and it takes no random number from the training."""
    import torch

    def transform(image):
        return torch.rand(3, 1, 1)

    made = prepare(transform=transform)
    image = jpeg(10, 10)
    before = torch.get_rng_state()
    (first, _), (second, _) = made([(image, "x", 1, None), (image, "x", 2, None)])

    assert np.array_equal(made([(image, "x", 2, None)])[0][0], second)
    assert not np.array_equal(first, second)
    assert torch.equal(torch.get_rng_state(), before)


def test_what_cannot_be_used_is_skipped_and_counted(url, monkeypatch, caplog):
    data = DataConfig(path=url)
    spoilt, silent = (set(next(pairs(data).batches(8, Position())).keys[i::2]) for i in range(2))
    real = Pairs._read

    def read(self, start):
        import dataclasses

        for row in real(self, start):
            if row.key in silent:
                yield dataclasses.replace(row, given=None)
            elif row.key in spoilt:
                yield dataclasses.replace(row, given=(b"no image", "x", 0, None))
            else:
                yield row

    monkeypatch.setattr(Pairs, "_read", read)
    caplog.set_level(logging.INFO, "biomedica_dataset.clip")
    batch = next(pairs(data).batches(20, Position()))

    assert not (spoilt | silent) & set(batch.keys)
    assert (batch.position.empty, batch.position.unreadable) == (4, 4)
    assert str(tally([batch.position]).lines("pairs")[0]) == (
        "pairs: 28 seen = 20 kept + 8 dropped"
    )
    assert sum("its image cannot be read" in message for message in caplog.messages) == 4
    assert sum("it has no caption" in message for message in caplog.messages) == 4


def test_data_without_a_single_pair_is_refused(url, monkeypatch):
    from biomedica_dataset.clip.train import data as module

    monkeypatch.setattr(module, "_FRUITLESS", 100)
    monkeypatch.setattr(module, "pair_text", lambda *_: "")
    with pytest.raises(UsageError, match=r"100 pairs .* in a row have no caption"):
        next(pairs(DataConfig(path=url)).batches(1, Position()))


def test_more_processes_than_runs_are_refused(url):
    with pytest.raises(UsageError, match="runs of rows for 1000 processes; use fewer"):
        pairs(DataConfig(path=url), (0, 1000))


@pytest.mark.parametrize("size", [(1, 1), (3000, 1), (1, 2000), (7, 3), (300, 200)])
def test_images_of_any_shape_become_the_numbers_that_openclip_makes(size, tiny):
    """To one of 255 steps, though bytes travel, and become numbers where the model is."""
    import torch
    from open_clip.transform import PreprocessCfg, image_transform_v2

    model = make_model(ModelConfig(name=tiny, pretrained=None))
    whole = image_transform_v2(PreprocessCfg(**model.module.visual.preprocess_cfg), is_train=True)
    data = jpeg(*size)
    for seed in random.Random(0).sample(range(10**6), 5):
        prepare = Prepare(model.size, model.transform, model.tokenizer, "full")
        ((made, _),) = prepare([(data, "x", seed, None)])
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            expected = whole(Image.open(io.BytesIO(data)))
        assert made.dtype == np.uint8
        found = model.pixels(torch.from_numpy(np.stack([made])))[0]
        step = model.pixels(torch.ones(1, 1, 1, 3)) - model.pixels(torch.zeros(1, 1, 1, 3))
        assert ((found - expected).abs() <= 1.01 * step[0]).all()
