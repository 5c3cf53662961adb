"""Models from everywhere OpenCLIP has them, saved so that it loads them, and mixed."""

from __future__ import annotations

import json
import math

import pytest

from biomedica_dataset import UsageError
from biomedica_dataset.clip.models.model_config import ModelConfig
from biomedica_dataset.clip.models.open_clip import export, make_model
from biomedica_dataset.clip.train.model_card import mixed_card
from biomedica_dataset.clip.train.optimizer import make_optimizer
from biomedica_dataset.clip.train.wise_ft import wise_ft
from biomedica_dataset.io.folders import Folder

from .made import TINY


@pytest.fixture
def made(tiny, tmp_path):
    """Return a function that makes a folder with random weights, and returns its name."""
    import torch

    def make(name, seed=0):
        torch.manual_seed(seed)
        model = make_model(ModelConfig(name=tiny, pretrained=None))
        export(Folder(tmp_path / name), model, "made up")
        return f"local-dir:{tmp_path / name}"

    return make


def test_weights_that_are_not_there_are_not_made_up(tiny, tmp_path):
    with pytest.raises(UsageError, match="Required pretrained weights"):
        make_model(ModelConfig(name=tiny))
    with pytest.raises(UsageError, match="not found: "):
        make_model(ModelConfig(name=f"local-dir:{tmp_path}/absent"))
    with pytest.raises(UsageError, match=r"'laion' cannot be loaded: .* is not a known tag"):
        make_model(ModelConfig(name="ViT-B-32", pretrained="laion"))
    with pytest.raises(UsageError, match="'ViT-Q-1' not found in built-ins"):
        make_model(ModelConfig(name="ViT-Q-1", pretrained=None))


@pytest.mark.parametrize("name", ["open_clip_model.safetensors", "open_clip_pytorch_model.bin"])
def test_broken_weights_are_refused(name, tmp_path):
    (tmp_path / "open_clip_config.json").write_text(json.dumps(TINY))
    (tmp_path / name).write_bytes(b"no weights")
    with pytest.raises(UsageError, match="cannot be loaded"):
        make_model(ModelConfig(name=f"local-dir:{tmp_path}"))


def test_models_with_another_loss_are_refused(tmp_path):
    siglip = {**TINY["model_cfg"], "init_logit_bias": -10}
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": siglip}))
    with pytest.raises(UsageError, match="is a SigLIP or a CoCa"):
        make_model(ModelConfig(name=f"local-dir:{tmp_path}", pretrained=None))


def test_a_file_of_weights_is_loaded_into_a_model_of_openclip(made, tmp_path, monkeypatch, weights):
    """A model of a name, and its weights by a path."""
    import open_clip

    made("saved")
    (tmp_path / "Tiny.json").write_text(json.dumps(TINY["model_cfg"]))
    monkeypatch.setattr(open_clip.factory, "_MODEL_CONFIG_PATHS", [])
    monkeypatch.setattr(open_clip.factory, "_MODEL_CONFIGS", {})
    open_clip.add_model_config(tmp_path / "Tiny.json")
    file = str(tmp_path / "saved" / "open_clip_model.safetensors")
    model = make_model(ModelConfig(name="Tiny", pretrained=file))

    assert all(
        v.equal(weights(tmp_path / "saved")[n]) for n, v in model.module.state_dict().items()
    )
    export(Folder(tmp_path / "again"), model, "made up")
    open_clip.create_model_from_pretrained(f"local-dir:{tmp_path / 'again'}")


def test_a_models_own_tokenizer_and_preprocessing_go_with_it(tmp_path):
    """As BiomedCLIP has them: without the files of the tokenizer its folder could not be loaded."""
    import open_clip
    from transformers import BertTokenizerFast

    folder = tmp_path / "bert"
    folder.mkdir()
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "cell"]
    (folder / "vocab.txt").write_text("\n".join(words))
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    config = json.loads(json.dumps(TINY))
    config["model_cfg"]["text_cfg"] |= {"hf_tokenizer_name": "org/absent", "vocab_size": 7}
    config["preprocess_cfg"] |= {"interpolation": "bilinear", "resize_mode": "squash"}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    model = make_model(ModelConfig(name=f"local-dir:{folder}", pretrained=None))
    export(Folder(tmp_path / "out"), model, "made up")
    name = f"local-dir:{tmp_path / 'out'}"
    loaded, _ = open_clip.create_model_from_pretrained(name)

    assert open_clip.get_tokenizer(name)(["a cell"]).equal(model.tokenizer(["a cell"]))
    assert loaded.visual.preprocess_cfg["mean"] == [0.5, 0.5, 0.5]
    assert loaded.visual.preprocess_cfg["interpolation"] == "bilinear"
    assert loaded.visual.preprocess_cfg["resize_mode"] == "squash"


def test_gains_biases_and_the_scale_are_not_decayed(tiny):
    from biomedica_dataset.clip.train.config import OptimizerConfig

    module = make_model(ModelConfig(name=tiny, pretrained=None)).module
    plain, decayed = make_optimizer(module, OptimizerConfig()).param_groups
    names = {id(weight): name for name, weight in module.named_parameters()}
    decayed_names = {names[id(weight)] for weight in decayed["params"]}

    assert plain["weight_decay"] == 0
    assert decayed["weight_decay"] == 0.2
    assert len(plain["params"]) + len(decayed["params"]) == len(names)
    assert decayed_names == {
        name for name, weight in module.named_parameters()
        if weight.ndim >= 2 and not any(p in name for p in ("bn", "ln", "bias", "logit_scale"))
    }  # fmt: skip
    assert "visual.conv1.weight" in decayed_names
    assert "logit_scale" not in decayed_names


def test_checkpointed_activations_give_the_same_gradients(tiny):
    import torch

    found = []
    for again in (False, True):
        torch.manual_seed(0)
        config = ModelConfig(name=tiny, pretrained=None, grad_checkpointing=again)
        module = make_model(config).module
        made = module(torch.ones(2, 3, 32, 32), torch.ones(2, 32, dtype=torch.long))
        (made["image_features"].sum() + made["text_features"].std()).backward()
        found.append({n: p.grad for n, p in module.named_parameters() if p.grad is not None})

    assert found[0].keys() == found[1].keys()
    assert all(torch.equal(found[0][n], found[1][n]) for n in found[0])


def test_wise_ft_ends_at_both_models_and_lies_between(made, tmp_path, weights):
    import torch

    a, b = (ModelConfig(name=made(name, seed)) for seed, name in enumerate("ab"))
    for alpha in (0.0, 0.5, 1.0):
        wise_ft(a, b, alpha, str(tmp_path / str(alpha)))
    first, second = weights(tmp_path / "a"), weights(tmp_path / "b")
    zero, half, one = (weights(tmp_path / str(alpha)) for alpha in (0.0, 0.5, 1.0))

    assert any(not torch.equal(first[name], second[name]) for name in first)
    for name in first:
        assert torch.equal(zero[name], first[name])
        assert torch.equal(one[name], second[name])
        torch.testing.assert_close(half[name], (first[name] + second[name]) / 2)
    assert "0.5 x a + 0.5 x b" in (tmp_path / "0.5" / "README.md").read_text()


def test_wise_ft_refuses_what_cannot_be_mixed(made, tmp_path):
    name = made("a")
    other = json.loads(json.dumps(TINY))
    other["model_cfg"]["vision_cfg"]["width"] = 48
    (tmp_path / "wide").mkdir()
    (tmp_path / "wide" / "open_clip_config.json").write_text(json.dumps(other))
    wide = make_model(ModelConfig(name=f"local-dir:{tmp_path / 'wide'}", pretrained=None))
    export(Folder(tmp_path / "wide"), wide, "made up")
    a, b = ModelConfig(name=name), ModelConfig(name=f"local-dir:{tmp_path / 'wide'}")
    with pytest.raises(UsageError, match="differ in visual"):
        wise_ft(a, b, 0.5, str(tmp_path / "c"))
    for alpha in (math.nan, -0.1, 1.1, math.inf):
        with pytest.raises(UsageError, match=rf"alpha must be from 0 .* to 1 .*, not {alpha}"):
            wise_ft(a, a, alpha, str(tmp_path / "c"))
    with pytest.raises(UsageError, match="already holds a model"):
        wise_ft(a, a, 0.5, str(tmp_path / "wide"))


def test_no_name_of_a_folder_steers_a_card():
    card = mixed_card("local-dir:/home/me/a<b>`x`", "hf-hub:org/name", 0.5)

    assert "/home/me" not in card
    assert "<b>" not in card
    assert "`x`" not in card
