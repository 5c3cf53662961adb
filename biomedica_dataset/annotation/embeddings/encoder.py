"""Vision models that turn images into vectors."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from biomedica_dataset.annotation.pretrained import (
    absent_weights,
    check_hub,
    load_transformers,
    loading,
    weights_digest,
)
from biomedica_dataset.errors import UsageError
from biomedica_dataset.extras import require
from biomedica_dataset.images.decode import DECODER_VERSION
from biomedica_dataset.images.device_decode import GPU_DECODER_VERSION, decoding_device

from .classical import NAME, classical
from .model_id import ModelId

Preprocess = Literal["fit", "paper"]
Pooling = Literal["class token", "pooled"]

DEFAULT_MODEL = "facebook/dinov2-with-registers-large"
BATCH = 32
"""Number of images per batch. It is fixed because a vector must not depend on the other images of
its batch, and the arithmetic of a model depends on the batch size.
"""

_PAPER_SIZE = 224
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


class Encoder(Protocol):
    """Turns images into vectors."""

    @property
    def id(self) -> ModelId:
        """What its vectors depend on."""

    @property
    def colour(self) -> tuple[int, int, int]:
        """The colour that pads an image to a square."""

    def encode(self, images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return vectors, float32 (n, d), of images, uint8 (n, size, size, 3)."""


def load_encoder(
    model: str,
    *,
    revision: str | None = None,
    preprocess: Preprocess = "fit",
    device: str | None = None,
    decoder: str = "cpu",
) -> Encoder:
    """Load a vision model for transformers: a ViT such as DINOv2, or the one in CLIP or SigLIP.

    Parameters
    ----------
    model
        Id on the Hub, or a folder.
    device
        Such as ``cuda:0``; a GPU by default, if there is one. On a GPU the model computes in
        bfloat16, or in float16 if the GPU does not support bfloat16.
    decoder
        What decodes JPEGs for it, ``cpu`` or ``gpu``; its identity says so.

    Raises
    ------
    UsageError
        torch or transformers is missing, the decoder gpu has no GPU, there is no such vision model,
        or it does not return one vector per image.
    """
    torch = require("torch", "embed")
    device = device or ("cuda:0" if torch.cuda.is_available() else "cpu")
    is_on_gpu = decoding_device(decoder, device) is not None
    loaded, info, numbers = _loaded(model, revision)
    vision = getattr(loaded, "vision_model", loaded).eval()
    if "pixel_values" not in inspect.signature(vision.forward).parameters:
        msg = f"{model} is not a vision model: {type(loaded).__name__} takes no pixel_values"
        raise UsageError(msg)
    pooling = _pooling(vision)
    _check_whole(model, info, "vision_model." if vision is not loaded else "", pooling)
    revision = getattr(loaded.config, "_commit_hash", None)
    size = _PAPER_SIZE if preprocess == "paper" else _size(numbers, vision.config)
    mean, std = numbers.get("image_mean", _IMAGENET[0]), numbers.get("image_std", _IMAGENET[1])
    dtype = _dtype(torch, device)
    identity = ModelId(
        name=Path(model).resolve().name if Path(model).is_dir() else model,
        revision=revision,
        weights=weights_digest(vision),
        dim=_dim(torch, vision, pooling, size, model),
        size=size,
        preprocess=preprocess,
        mean=None if preprocess == "paper" else tuple(mean),
        std=None if preprocess == "paper" else tuple(std),
        dtype=str(dtype).removeprefix("torch."),
        pictures=GPU_DECODER_VERSION if is_on_gpu else DECODER_VERSION,
    )
    vision = vision.to(device=device, dtype=dtype)
    return _Vision(torch, vision, identity, (mean, std), pooling)


def _loaded(model: str, revision: str | None) -> tuple[Any, Mapping[str, Any], Mapping[str, Any]]:
    """Return a model, the report on its weights, and its preprocessing."""
    check_hub(model, revision)  # before what takes seconds to import
    transformers = load_transformers("embed")
    has = ", with its preprocessor_config.json"
    with loading(f"{model} cannot be loaded as a vision model", has):
        loaded, info = transformers.AutoModel.from_pretrained(
            model, revision=revision, output_loading_info=True, trust_remote_code=False
        )
        numbers, _ = transformers.ImageProcessingMixin.get_image_processor_dict(
            model, revision=revision
        )
    return loaded, info, numbers


def _dtype(torch: Any, device: str) -> Any:
    if not device.startswith("cuda"):
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16


def _pooling(vision: Any) -> Pooling:
    """Return which output of the model is the vector of an image.

    The pooling layer of a plain ViT belongs to its training task and often was not released, so the
    vector is the class token after the last norm, as in DINOv2. Otherwise it is the model's own
    pooled output, as in CLIP and SigLIP.
    """
    is_plain = any(name.startswith("pooler.dense.") for name in vision.state_dict())
    return "class token" if is_plain else "pooled"


def _vector(out: Any, pooling: Pooling) -> Any:
    if pooling == "class token":
        return out.last_hidden_state[:, 0]
    return out.get("pooler_output")


def _dim(torch: Any, vision: Any, pooling: Pooling, size: int, model: str) -> int:
    """Return the length of the vector of one image."""
    try:
        with torch.inference_mode():
            vector = _vector(vision(pixel_values=torch.zeros(1, 3, size, size)), pooling)
    except (TypeError, ValueError, RuntimeError) as error:
        msg = f"{model} does not accept an image of {size} x {size} pixels: {error}"
        raise UsageError(msg) from error
    if vector is None or vector.dim() != 2:
        msg = (
            f"{model} cannot be used: {type(vision).__name__} does not return one vector per image"
        )
        raise UsageError(msg)
    return int(vector.shape[1])


def _check_whole(model: str, info: Mapping[str, Any], part: str, pooling: Pooling) -> None:
    """Refuse missing weights, which transformers would initialize at random on each load."""
    unused = f"{part}pooler." if pooling == "class token" else None
    absent = [
        key
        for key in absent_weights(info)
        if key.startswith(part) and not (unused and key.startswith(unused))
    ]
    if absent:
        msg = (
            f"{model} lacks {len(absent)} of its weights, the first {absent[0]}: it is truncated, "
            "or its config.json belongs to another model"
        )
        raise UsageError(msg)


def _size(numbers: Mapping[str, Any], config: Any) -> int:
    """Return the side of the square that a model was trained on."""
    for name in ("crop_size", "size"):
        size = numbers.get(name)
        if isinstance(size, dict):
            size = size.get("height") or size.get("shortest_edge")
        if isinstance(size, int):
            return size
    return int(config.image_size)


class _Vision:
    """A vision model for transformers."""

    def __init__(
        self,
        torch: Any,
        model: Any,
        identity: ModelId,
        scale: tuple[Any, Any],
        pooling: Pooling,
    ) -> None:
        self._torch, self._model, self._pooling = torch, model, pooling
        self.id = identity
        mean, std = scale
        is_paper = identity.preprocess == "paper"
        self._mean, self._std = (
            torch.tensor(list(numbers), device=model.device).view(1, 3, 1, 1)
            for numbers in ((0.0,) * 3 if is_paper else mean, (1.0,) * 3 if is_paper else std)
        )
        red, green, blue = (round(255 * value) for value in mean)
        self.colour = red, green, blue

    def encode(self, images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return vectors, float32 (n, d), of images, uint8 (n, size, size, 3)."""
        parts = [self._batch(images[i : i + BATCH]) for i in range(0, len(images), BATCH)]
        return np.concatenate(parts) if parts else np.zeros((0, self.id.dim), np.float32)

    def _batch(self, images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        torch, count = self._torch, len(images)
        filled = np.zeros((BATCH, *images.shape[1:]), np.uint8)
        filled[:count] = images
        with torch.inference_mode():
            pixels = torch.from_numpy(filled).to(self._model.device).permute(0, 3, 1, 2)
            pixels = (pixels.float() / 255 - self._mean) / self._std
            out = self._model(pixel_values=pixels.to(self._model.dtype))
            vectors: np.ndarray[Any, Any] = _vector(out, self._pooling).float().cpu().numpy()
        return vectors[:count]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderSpec:
    """The arguments of `load_encoder`, which can be sent to another process."""

    name: str
    revision: str | None = None
    preprocess: Preprocess = "fit"
    decoder: str = "cpu"

    def load(self, device: str | None = None) -> Encoder:
        """Return the encoder."""
        if self.name == NAME:
            return classical(self.preprocess, self.revision, self.decoder)
        return load_encoder(
            self.name,
            revision=self.revision,
            preprocess=self.preprocess,
            device=device,
            decoder=self.decoder,
        )
