"""A model is data of a stranger: nothing that its files hold or name is run, and nothing asked."""

from __future__ import annotations

import contextlib
import json
import pickle
import shutil
import warnings

import pytest
import torch
import transformers
from transformers import BertTokenizerFast

from biomedica_dataset.annotation.embeddings.encoder import load_encoder
from biomedica_dataset.clip.models.model_config import ModelConfig
from biomedica_dataset.clip.models.open_clip import make_model
from biomedica_dataset.clip.models.two_towers import load_model
from biomedica_dataset.errors import UsageError

from .made import TINY

NEVER_RUN = "which is never run"


class Trap:
    """Leaves a file where it is unpickled."""

    def __init__(self, told):
        self.told = str(told)

    def __reduce__(self):
        return open, (self.told, "w")


@pytest.fixture
def told(tmp_path, monkeypatch):
    """The file that a trap leaves; a question on the terminal leaves it too."""

    def asked(*_):
        (tmp_path / "told").touch()
        return "y"

    monkeypatch.setattr("builtins.input", asked)
    yield tmp_path / "told"
    assert not (tmp_path / "told").exists()


def zipped(path, told):
    torch.save({"state_dict": {"logit_scale": torch.zeros(1)}, "trap": Trap(told)}, path)


def legacy(path, told):
    torch.save({"trap": Trap(told)}, path, _use_new_zipfile_serialization=False)


def pickled(path, told):
    path.write_bytes(pickle.dumps({"trap": Trap(told)}, protocol=2))


def scripted(path, _told):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's of TorchScript: it is deprecated
        torch.jit.save(torch.jit.trace(torch.nn.Linear(1, 1), torch.ones(1, 1)), str(path))


WRITERS = [zipped, legacy, pickled]


def test_a_trap_tells_where_it_is_unpickled(tmp_path):
    for write in WRITERS:
        write(tmp_path / "weights.pt", tmp_path / "sprung")
        if write is pickled:
            pickle.loads((tmp_path / "weights.pt").read_bytes())["trap"].close()
        else:
            torch.load(tmp_path / "weights.pt", weights_only=False)["trap"].close()
        (tmp_path / "sprung").unlink()


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("name", ["open_clip_pytorch_model.bin", "model.pth"])
def test_weights_of_a_folder_of_openclip(tmp_path, told, write, name):
    (tmp_path / "open_clip_config.json").write_text(json.dumps(TINY))
    write(tmp_path / name, told)
    with pytest.raises(UsageError, match="cannot be loaded"):
        load_model(f"local-dir:{tmp_path}")
    with pytest.raises(UsageError, match="cannot be loaded"):
        make_model(ModelConfig(name=f"local-dir:{tmp_path}"))


@pytest.mark.filterwarnings("ignore:'torch.load' received a zip file")
@pytest.mark.parametrize("write", [*WRITERS, scripted])
def test_a_file_of_weights_for_a_model_of_openclip(tmp_path, told, write, monkeypatch):
    import open_clip

    (tmp_path / "Tiny.json").write_text(json.dumps(TINY["model_cfg"]))
    monkeypatch.setattr(open_clip.factory, "_MODEL_CONFIG_PATHS", [])
    monkeypatch.setattr(open_clip.factory, "_MODEL_CONFIGS", {})
    open_clip.add_model_config(tmp_path / "Tiny.json")
    write(tmp_path / "weights.pt", told)
    with pytest.raises(UsageError, match=NEVER_RUN):
        load_model(f"Tiny:{tmp_path / 'weights.pt'}")
    with pytest.raises(UsageError, match=NEVER_RUN):
        make_model(ModelConfig(name="Tiny", pretrained=str(tmp_path / "weights.pt")))


@pytest.mark.parametrize("write", WRITERS)
def test_weights_of_a_folder_of_transformers(tmp_path, told, write):
    small = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
             "intermediate_size": 32, "image_size": 28, "patch_size": 14}  # fmt: skip
    transformers.Dinov2Config(**small).save_pretrained(tmp_path)
    transformers.ViTImageProcessor(size={"height": 28, "width": 28}).save_pretrained(tmp_path)
    write(tmp_path / "pytorch_model.bin", told)
    with pytest.raises(UsageError, match="cannot be loaded"):
        load_encoder(str(tmp_path))
    with pytest.raises(UsageError, match="cannot be loaded"):
        load_model(str(tmp_path))


def test_weights_that_timm_loads(tmp_path, told):
    import timm

    zipped(tmp_path / "pytorch_model.bin", told)
    config = {"architecture": "vit_tiny_patch16_224", "num_classes": 0}
    (tmp_path / "config.json").write_text(json.dumps(config))
    made = json.loads(json.dumps(TINY))
    made["model_cfg"]["vision_cfg"] = {
        "timm_model_name": f"local-dir:{tmp_path}", "timm_model_pretrained": True,
        "timm_pool": "", "timm_proj": "linear", "image_size": 224,
    }  # fmt: skip
    (tmp_path / "open_clip_config.json").write_text(json.dumps(made))
    with pytest.raises(UsageError, match="cannot be loaded"):
        load_model(f"local-dir:{tmp_path}")
    with pytest.raises(UsageError, match="cannot be loaded"):
        make_model(ModelConfig(name=f"local-dir:{tmp_path}"))
    with pytest.raises((RuntimeError, pickle.UnpicklingError)):  # the reader that they share
        timm.create_model(f"local-dir:{tmp_path}", pretrained=True)


@pytest.fixture
def with_code(tmp_path, told):
    """A folder whose configuration, model, tokenizer and processor are code of its own."""
    folder = tmp_path / "code"
    folder.mkdir()
    code = f"open({str(told)!r}, 'w')\nclass Own: pass\n"
    for name in ("configuration_own", "modeling_own", "tokenization_own", "processing_own"):
        (folder / f"{name}.py").write_text(code)
    config = {"model_type": "own-of-a-stranger", "auto_map": {
        "AutoConfig": "configuration_own.Own", "AutoModel": "modeling_own.Own"}}  # fmt: skip
    own = {
        "tokenizer_class": "Own",
        "pad_token": "[PAD]",
        "auto_map": {"AutoTokenizer": ["tokenization_own.Own", None]},
    }
    processor = {"image_processor_type": "Own",
                 "auto_map": {"AutoImageProcessor": "processing_own.Own"}}  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer_config.json").write_text(json.dumps(own))
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return folder


def test_code_of_a_folder_of_transformers(with_code):
    for load in (load_encoder, load_model):
        with pytest.raises(UsageError, match=f"brings code of its own, {NEVER_RUN}"):
            load(str(with_code))


@pytest.mark.parametrize("part", ["tokenizer", "processor"])
def test_code_beside_a_model_that_needs_none(with_code, tmp_path, part):
    towers = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
              "intermediate_size": 32}  # fmt: skip
    config = transformers.CLIPConfig(
        vision_config={**towers, "image_size": 28, "patch_size": 14},
        text_config={**towers, "vocab_size": 7},
    )
    folder = tmp_path / "whole"
    transformers.CLIPModel(config).save_pretrained(folder)
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\ncell")
    BertTokenizerFast(str(tmp_path / "vocab.txt")).save_pretrained(folder)
    transformers.CLIPImageProcessor(size=28, crop_size=28).save_pretrained(folder)
    files = {"tokenizer": "tokenizer_config.json", "processor": "preprocessor_config.json"}
    for path in [*with_code.glob("*.py"), with_code / files[part]]:
        shutil.copy(path, folder)
    with contextlib.suppress(UsageError):  # transformers has a tokenizer of its own to fall back on
        load_model(str(folder))


@pytest.mark.parametrize("name", ["hf_model_name", "hf_tokenizer_name"])
def test_code_of_a_text_model_that_openclip_names(with_code, tmp_path, name):
    config = json.loads(json.dumps(TINY))
    config["model_cfg"]["text_cfg"] |= {name: str(with_code)}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    with pytest.raises(UsageError, match="cannot be loaded"):
        make_model(ModelConfig(name=f"local-dir:{tmp_path}", pretrained=None))
