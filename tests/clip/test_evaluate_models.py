"""Models of OpenCLIP and of transformers, and those that cannot be loaded."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from biomedica_dataset import UsageError
from biomedica_dataset.cli.group import main
from biomedica_dataset.clip.evaluate.evaluate import evaluate
from biomedica_dataset.clip.models.two_towers import load_model
from biomedica_dataset.clip.train.read_config import load_config
from biomedica_dataset.clip.train.train import train

from .made import GOOD, TINY, write


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_models_of_transformers_give_their_own_vectors(tmp_path, images, kind):
    import torch
    import transformers

    folder = save_transformers(tmp_path / "hf", kind)
    model = load_model(str(folder))
    whole = transformers.AutoModel.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    image = Image.open(images / "red" / "0.png")
    texts = ["a red one", "blue"]
    tokens = tokenizer(texts, padding="max_length", max_length=16, return_tensors="pt")
    tokens.pop("token_type_ids", None)
    with torch.inference_mode():
        out = whole(**tokens, **processor(images=image, return_tensors="pt"))

    np.testing.assert_allclose(model.texts(texts), out.text_embeds, atol=1e-5)
    np.testing.assert_allclose(model.images([model.prepare(image)]), out.image_embeds, atol=1e-5)
    assert model.name == "hf"
    task = write(tmp_path / "own.yaml", **GOOD)
    evaluate([str(folder)], tmp_path / "out", tasks=[task], draws=5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["coca", "siglip", "biomedclip"])
def test_models_of_open_clip_of_other_kinds_give_their_own_vectors(tmp_path, kind):
    import open_clip
    import torch

    folder = save_open_clip(tmp_path / kind, kind)
    model = load_model(str(folder))
    whole, transform = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
    tokens = open_clip.get_tokenizer(f"local-dir:{folder}")(["a red one", "blue"])
    image = Image.effect_noise((50, 40), 90).convert("RGB")
    whole.eval()
    with torch.inference_mode():
        seen = whole.encode_image(transform(image)[None], normalize=True)
        read = whole.encode_text(tokens, normalize=True)

    np.testing.assert_allclose(model.texts(["a red one", "blue"]), read, atol=1e-5)
    np.testing.assert_allclose(model.images([model.prepare(image)]), seen, atol=1e-5)


@pytest.mark.slow
def test_a_tower_of_512_tokens_is_trained_on_long_texts_by_its_recipe(sample_dataset, tmp_path):
    folder = save_open_clip(tmp_path / "model", "biomedclip", context=512)
    given = {
        "model.name": f"local-dir:{folder}", "model.grad_checkpointing": False, "data.workers": 0,
        "data.path": str(sample_dataset), "output": str(tmp_path / "out"), "samples": 8,
        "global_batch": 4, "micro_batch": 2, "precision": "fp32",
    }  # fmt: skip
    report = train(load_config("long", given))

    assert report.steps == 2
    stored = json.loads((tmp_path / "out/open_clip_config.json").read_text())
    assert stored["model_cfg"]["text_cfg"]["context_length"] == 512


def save_open_clip(folder, kind, *, context=16):
    """Save a tiny CoCa, SigLIP or, as BiomedCLIP is, one of timm's ViT and transformers' BERT."""
    import open_clip
    import torch

    folder.mkdir()
    own = TINY["model_cfg"]
    eyes, reader = own["vision_cfg"], own["text_cfg"]
    pooled = {"attn_pooler_heads": 2, "output_tokens": True, "attentional_pool": True}
    config = {
        "coca": {
            "vision_cfg": eyes | pooled,
            "text_cfg": reader | {"embed_cls": True, "output_tokens": True},
            "multimodal_cfg": reader | {"attn_pooler_heads": 2},
        },
        "siglip": {
            "vision_cfg": eyes,
            "text_cfg": reader | {"no_causal_mask": True, "proj_bias": True, "pool_type": "last"},
            "init_logit_bias": -10,
        },
        "biomedclip": {
            "vision_cfg": {"timm_model_name": "vit_tiny_patch16_224", "timm_pool": "",
                           "timm_proj": "linear", "image_size": 224},
            "text_cfg": {"hf_model_name": str(folder), "hf_tokenizer_name": str(folder),
                         "hf_proj_type": "mlp", "context_length": context,
                         "hf_pooler_type": "cls_last_hidden_state_pooler"},
        },
    }[kind] | {"embed_dim": 32, "custom_text": True}  # fmt: skip
    if kind == "biomedclip":
        import transformers

        transformers.BertConfig(**SIZE, vocab_size=8).save_pretrained(folder)
        word_tokenizer().save_pretrained(folder)
    stored = {"model_cfg": config, "preprocess_cfg": TINY["preprocess_cfg"]}
    (folder / "open_clip_config.json").write_text(json.dumps(stored))
    name = f"local-dir:{folder}"
    model = open_clip.create_model(name, load_weights=False, pretrained_text=False)
    torch.save(model.state_dict(), folder / "open_clip_pytorch_model.bin")
    return folder


SIZE = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
        "num_attention_heads": 2}  # fmt: skip


def word_tokenizer():
    """Return a tokenizer of a few words."""
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    words = ["<pad>", "<unk>", "a", "red", "one", "blue", "green", "<eos>"]
    inner = Tokenizer(models.WordLevel({w: n for n, w in enumerate(words)}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.post_processor = processors.TemplateProcessing("$A <eos>", None, [("<eos>", 7)])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", unk_token="<unk>", eos_token="<eos>"
    )


def save_transformers(folder, kind):
    """Save a tiny CLIP or SigLIP of transformers, with a tokenizer of a few words."""
    import torch
    import transformers

    text = SIZE | {"vocab_size": 8, "max_position_embeddings": 16, "eos_token_id": 7,
                   "pad_token_id": 0, "bos_token_id": 0}  # fmt: skip
    vision = SIZE | {"image_size": 32, "patch_size": 16}
    torch.manual_seed(0)
    if kind == "clip":
        config = transformers.CLIPConfig(text_config=text | {"projection_dim": 16},
                                         vision_config=vision, projection_dim=16)  # fmt: skip
        model, processor = transformers.CLIPModel(config), transformers.CLIPImageProcessor(
            size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})  # fmt: skip
    else:
        config = transformers.SiglipConfig(text_config=text, vision_config=vision)
        model = transformers.SiglipModel(config)
        processor = transformers.SiglipImageProcessor(size={"height": 32, "width": 32})
    for part in (model, processor, word_tokenizer()):
        part.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", ["open_clip", "siglip"])
def test_models_of_the_hub_are_named_by_their_ids(tmp_path, models, kind):
    """They were downloaded before: the cache of huggingface_hub has them, as for any model."""
    from huggingface_hub.constants import HF_HUB_CACHE

    made = models / "first" if kind == "open_clip" else save_transformers(tmp_path / "hf", kind)
    cached = Path(HF_HUB_CACHE, f"models--me--{kind}")
    shutil.copytree(made, cached / "snapshots" / ("c" * 40))
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("c" * 40)
    model = load_model(f"hf-hub:me/{kind}" if kind == "open_clip" else f"me/{kind}")

    assert model.name == f"me/{kind}"
    assert model.digest == load_model(str(made)).digest


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("ViT-B-3", "there is no model and no folder 'ViT-B-3'; did you mean 'ViT-B-32'"),
        ("clip-base", r"there is no model and no folder 'clip-base'\. Use NAME:TAG"),
        ("ViT-B-32", "needs a tag, ViT-B-32:TAG; its tags are .*laion2b_s34b_b79k"),
        (
            "ViT-B-32:nothing",
            "^Error: model ViT-B-32 has no tag and no file 'nothing'; its tags",
        ),
        ("{models}", "model local-dir:.* cannot be loaded: "),
        ("{models}/empty", "has no open_clip_config.json of OpenCLIP and no config.json"),
        ("{models}/cut", "model local-dir:.*cut cannot be loaded: "),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_a_model_that_cannot_be_loaded_is_said_in_one_line(tmp_path, models, images, spec, said):
    (models / "empty").mkdir(exist_ok=True)
    shutil.copytree(models / "first", models / "cut", dirs_exist_ok=True)
    weights = models / "cut" / "open_clip_model.safetensors"
    weights.write_bytes((models / "first" / weights.name).read_bytes()[:5000])
    path = write(tmp_path / "own.yaml", **GOOD)
    run = CliRunner().invoke(main, ["evaluate", spec.format(models=models), "-t", path, "-o",
                                    str(tmp_path / "out")])  # fmt: skip

    assert run.exit_code == 2, run.output
    assert re.search(said, run.output), run.output
    assert len([line for line in run.output.splitlines() if line.startswith("Error")]) == 1


def test_a_transformers_model_without_some_weights_is_refused(tmp_path):
    folder = save_transformers(tmp_path / "hf", "clip")
    config = json.loads((folder / "config.json").read_bytes())
    config["vision_config"]["num_hidden_layers"] = 2
    (folder / "config.json").write_text(json.dumps(config))

    with pytest.raises(
        UsageError, match=r"lacks \d+ of its weights, the first of them vision_model"
    ):
        load_model(str(folder))
