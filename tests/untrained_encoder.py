"""An untrained vision model, to try the stages without downloading weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biomedica_dataset.extras import require

if TYPE_CHECKING:
    from pathlib import Path


def write_encoder(
    folder: Path, *, seed: int = 0, dim: int = 64, layers: int = 2, size: int = 56
) -> None:
    """Write a small DINOv2 with registers, randomly initialised, as `save_pretrained` does.

    Parameters
    ----------
    dim
        Length of a vector; a multiple of 16.
    size
        Side of its square input in pixels; a multiple of 14.

    Raises
    ------
    UsageError
        torch or transformers is missing.
    """
    torch = require("torch", "embed")
    transformers = require("transformers", "embed")
    transformers.utils.logging.disable_progress_bar()
    config = transformers.Dinov2WithRegistersConfig(
        hidden_size=dim,
        num_hidden_layers=layers,
        num_attention_heads=max(1, dim // 16),
        image_size=size,
        patch_size=14,
        num_register_tokens=2,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = transformers.Dinov2WithRegistersModel(config)
    model.save_pretrained(folder)
    numbers = {
        "crop_size": {"height": size, "width": size},
        "image_mean": [0.485, 0.456, 0.406],
        "image_processor_type": "BitImageProcessor",
        "image_std": [0.229, 0.224, 0.225],
        "size": {"shortest_edge": size + 8},
    }
    transformers.BitImageProcessor(**numbers).save_pretrained(folder)
