"""Any vision model from a folder gives the vector that its family defines, or is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers

from biomedica_dataset.annotation.embeddings.encoder import load_encoder
from biomedica_dataset.errors import UsageError

SMALL = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
    "image_size": 28, "patch_size": 14,
}  # fmt: skip
WORDS = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
         "intermediate_size": 64, "vocab_size": 99}  # fmt: skip
PIXELS = np.random.default_rng(0).integers(0, 255, (3, 28, 28, 3), np.uint8)


def write_model(folder, model, config):
    torch.manual_seed(0)
    built = model(config)
    built.save_pretrained(folder)
    size = {"height": 28, "width": 28}
    transformers.ViTImageProcessor(
        size=size, image_mean=[0.5, 0.4, 0.3], image_std=[0.2, 0.3, 0.4]
    ).save_pretrained(folder)
    return built.eval()


def given(model):
    """Return the model's own output for images normalized by hand."""
    pixels = (PIXELS / 255 - [0.5, 0.4, 0.3]) / [0.2, 0.3, 0.4]
    with torch.inference_mode():
        return model(pixel_values=torch.from_numpy(pixels.transpose(0, 3, 1, 2)).float())


@pytest.mark.parametrize(
    ("model", "config"),
    [
        (transformers.Dinov2Model, transformers.Dinov2Config(**SMALL)),
        (
            transformers.Dinov2WithRegistersModel,
            transformers.Dinov2WithRegistersConfig(**SMALL, num_register_tokens=2),
        ),
        (
            transformers.DINOv3ViTModel,
            transformers.DINOv3ViTConfig(**SMALL, num_register_tokens=2),
        ),
        (transformers.CLIPVisionModel, transformers.CLIPVisionConfig(**SMALL)),
        (transformers.SiglipVisionModel, transformers.SiglipVisionConfig(**SMALL)),
        (transformers.BeitModel, transformers.BeitConfig(**SMALL)),
    ],
    ids=["DINOv2", "DINOv2 with registers", "DINOv3", "CLIP", "SigLIP", "BEiT"],
)
def test_the_vector_is_what_the_model_takes_for_its_output(tmp_path, model, config):
    built = write_model(tmp_path / "model", model, config)
    encoder = load_encoder(str(tmp_path / "model"))

    assert (encoder.id.dim, encoder.id.size, encoder.id.mean) == (32, 28, (0.5, 0.4, 0.3))
    expected = given(built).pooler_output
    np.testing.assert_allclose(encoder.encode(PIXELS), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", ["CLIP", "Siglip"])
def test_the_vision_tower_of_an_image_and_text_model_is_used(tmp_path, family):
    config = getattr(transformers, f"{family}Config")(vision_config=SMALL, text_config=WORDS)
    built = write_model(tmp_path / "both", getattr(transformers, f"{family}Model"), config)
    encoder = load_encoder(str(tmp_path / "both"))

    expected = given(built.vision_model).pooler_output
    np.testing.assert_allclose(encoder.encode(PIXELS), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("model", ["ViTModel", "ViTForImageClassification"])
def test_of_a_plain_vit_the_class_token_is_used_whose_pooling_is_often_missing(tmp_path, model):
    config = transformers.ViTConfig(**SMALL)
    built = write_model(tmp_path / "vit", getattr(transformers, model), config)
    encoder = load_encoder(str(tmp_path / "vit"))

    body = getattr(built, "vit", built)
    expected = given(body).last_hidden_state[:, 0]
    np.testing.assert_allclose(encoder.encode(PIXELS), expected, rtol=1e-4, atol=1e-5)
    assert load_encoder(str(tmp_path / "vit")).encode(PIXELS).tolist() == (
        encoder.encode(PIXELS).tolist()
    )


@pytest.mark.parametrize(
    ("model", "config", "why"),
    [
        ("ViTMAEModel", transformers.ViTMAEConfig(**SMALL), "one vector per image"),
        ("IJepaModel", transformers.IJepaConfig(**SMALL), "one vector per image"),
        ("BertModel", transformers.BertConfig(**WORDS), "takes no pixel_values"),
        (
            "CLIPVisionModel",
            transformers.CLIPVisionConfig(**{**SMALL, "image_size": 42}),
            "does not accept an image of 28 x 28 pixels",
        ),
    ],
    ids=["masked", "patches alone", "words", "another size"],
)
def test_a_model_without_one_vector_per_image_is_refused(tmp_path, model, config, why):
    write_model(tmp_path / "model", getattr(transformers, model), config)
    with pytest.raises(UsageError, match=why):
        load_encoder(str(tmp_path / "model"))


def test_the_papers_preprocessing_squashes_and_does_not_normalize(tmp_path):
    config = transformers.Dinov2Config(**{**SMALL, "image_size": 224})
    built = write_model(tmp_path / "model", transformers.Dinov2Model, config)
    encoder = load_encoder(str(tmp_path / "model"), preprocess="paper")
    pixels = np.random.default_rng(1).integers(0, 255, (1, 224, 224, 3), np.uint8)
    with torch.inference_mode():
        plain = torch.from_numpy(pixels.transpose(0, 3, 1, 2)).float() / 255
        expected = built(pixel_values=plain).pooler_output

    assert (encoder.id.size, encoder.id.mean, encoder.id.preprocess) == (224, None, "paper")
    np.testing.assert_allclose(encoder.encode(pixels), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["./absent", "absent/", "a..b", "/absent", ""])
def test_what_is_neither_a_folder_nor_an_id_is_refused(name):
    with pytest.raises(UsageError, match="cannot be loaded as a vision model"):
        load_encoder(name)
