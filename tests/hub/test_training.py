"""A model and data of the Hub, trained in a process that takes the stub for it."""

from __future__ import annotations

import json

import pytest

from biomedica_dataset.clip.models.model_config import ModelConfig
from biomedica_dataset.clip.models.open_clip import export, make_model
from biomedica_dataset.io.folders import Folder

from ..clip.made import TINY
from .repos import File, Repo


@pytest.mark.slow
def test_models_of_the_hub_and_of_a_tag_are_trained_on_data_of_the_hub(
    push, run, hub, dataset, tmp_path
):
    """The tag leads to the weights of the repository, as those of OpenCLIP do."""
    push(dataset)
    (tmp_path / "Tiny.json").write_text(json.dumps(TINY["model_cfg"]))
    (tmp_path / "open_clip_config.json").write_text(json.dumps(TINY))
    made = make_model(ModelConfig(name=f"local-dir:{tmp_path}", pretrained=None))
    export(Folder(tmp_path / "made"), made, "made up")
    hub.repos["me/tiny"] = Repo("me/tiny")
    files = {path.name: File(path.read_bytes(), lfs=True) for path in (tmp_path / "made").iterdir()}
    hub.repos["me/tiny"].commit("main", files, "weights")
    said = run(
        """
        import open_clip, torch
        from open_clip.pretrained import _PRETRAINED, _pcfg
        from safetensors.torch import load_file
        from biomedica_dataset.clip.models.model_config import ModelConfig
        from biomedica_dataset.clip.train.config import DataConfig, TrainConfig
        from biomedica_dataset.clip.train.train import train

        open_clip.add_model_config("Tiny.json")
        _PRETRAINED["Tiny"] = {"made": _pcfg(hf_hub="me/tiny/", mean=[0.5] * 3, std=[0.5] * 3)}
        for name, tag in (("hf-hub:me/tiny", "own"), ("Tiny", "made")):
            lines = []
            train(
                TrainConfig(
                    output=name[-4:], model=ModelConfig(name=name, pretrained=tag),
                    data=DataConfig(path="me/biomedica", licenses="commercial"),
                    samples=16, global_batch=16,
                ),
                log=lines.append,
            )
            print(lines[0])
        weights = [load_file(f"{n}/open_clip_model.safetensors") for n in ("made", "tiny", "Tiny")]
        first, second, third = weights
        print(all(second[n].equal(third[n]) for n in first))
        print(max(float((first[n] - second[n]).abs().max()) for n in first))
        """
    )
    *rows, same, moved = said.splitlines()[-4:]

    assert rows == ["45 of 58 rows, 1.5 MB of images"] * 2
    assert same == "True"
    assert 0 < float(moved) < 1e-4  # one step from the weights of the repository
    assert hub.count("GET", "/me/tiny/resolve/*/open_clip_model.safetensors") >= 1
    assert "base_model: me/tiny" in (tmp_path / "tiny" / "README.md").read_text()
