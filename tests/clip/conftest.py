"""A tiny OpenCLIP model, the sample over HTTP, trainings in this process, made-up images."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from biomedica_dataset.clip.models.model_config import ModelConfig
from biomedica_dataset.clip.train.config import DataConfig, OptimizerConfig, TrainConfig

from ..servers import BucketServer
from .made import COLOURS, TINY


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """As in the processes that the tests start, so that sums are taken in one order."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def url(sample_dataset):
    with BucketServer(sample_dataset) as server:
        yield server.url


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """The name of a model without weights."""
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "open_clip_config.json").write_text(json.dumps(TINY))
    return f"local-dir:{folder}"


@pytest.fixture(scope="session")
def small(tiny, url):
    """Return a function that makes a small training: 12 steps of two micro-batches of 8."""

    def make(output, *, model=None, data=None, optimizer=None, **changes):
        base = TrainConfig(
            output=str(output),
            model=ModelConfig(**{"name": tiny, "pretrained": None} | (model or {})),
            data=DataConfig(**{"path": url} | (data or {})),
            optimizer=OptimizerConfig(**{"lr": 1e-3, "warmup": 2} | (optimizer or {})),
            samples=16 * 12,
            global_batch=16,
            micro_batch=8,
            checkpoint_every=4,
            log_every=1,
        )
        return dataclasses.replace(base, **changes)

    return make


@pytest.fixture
def config(small, tmp_path):
    """Return `small`, whose output is named in the folder of the test."""
    return lambda name, **changes: small(tmp_path / name, **changes)


@pytest.fixture
def weights():
    """Return a function that reads the weights of a folder."""
    from safetensors.torch import load_file

    return lambda folder: load_file(f"{folder}/open_clip_model.safetensors")


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """A folder with the OpenCLIP models `first` and `second`."""
    import torch

    from biomedica_dataset.clip.models.open_clip import export, make_model
    from biomedica_dataset.io.folders import Folder

    folder = tmp_path_factory.mktemp("models")
    (folder / "open_clip_config.json").write_text(json.dumps(TINY))
    name = f"local-dir:{folder}"
    for output, seed in (("first", 1), ("second", 2)):
        torch.manual_seed(seed)
        model = make_model(ModelConfig(name=name, pretrained=None))
        export(Folder(folder / output), model, "made up")
    return folder


@pytest.fixture
def images(tmp_path):
    """A folder `images` with a folder of five noisy images for each of three colours."""
    random = np.random.default_rng(0)
    for colour, value in COLOURS.items():
        folder = tmp_path / "images" / colour
        folder.mkdir(parents=True)
        for number in range(5):
            noise = random.integers(-20, 20, (40, 50, 3))
            pixels = np.clip(np.array(value) + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.png")
    return tmp_path / "images"
