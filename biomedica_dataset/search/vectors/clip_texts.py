"""Texts as vectors that can be compared with those of images: the other half of a CLIP or SigLIP.

The config ``embeddings`` has what the vision model of a CLIP returns: vectors x, before the
projection P into the space that images and texts share. A text t of that space is as near to an
image as the cosine of P x and t. Since ``(P x) . t = x . (P^T t)``, the vector P^T t, in the space
of images, ranks them by their bits.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import numpy as np

from biomedica_dataset.annotation.embeddings.classical import NAME
from biomedica_dataset.annotation.embeddings.model_id import model_version
from biomedica_dataset.annotation.pretrained import (
    absent_weights,
    check_hub,
    load_transformers,
    loading,
    weights_digest,
    why_refused,
)
from biomedica_dataset.errors import UsageError
from biomedica_dataset.extras import require

Array = np.ndarray[Any, Any]

_CLOSE = 1e-3  # between features of the model and its projection, of numbers of about 1


def has_texts(name: str) -> bool:
    """Whether a model is on this machine, and is one of images and texts; it is not loaded."""
    if name == NAME:
        return False
    try:
        from transformers.utils import cached_file

        path = cached_file(name, "config.json", local_files_only=True)
        config = json.loads(Path(path).read_bytes())
    except (ImportError, OSError, ValueError, RecursionError):
        return False
    return isinstance(config, dict) and {"text_config", "vision_config"} <= config.keys()


class ClipTexts:
    """The texts of a model of images and texts for transformers, such as CLIP or SigLIP.

    Parameters
    ----------
    name
        Id on the Hub, or a folder.

    Attributes
    ----------
    version
        Which vision model it is, as the config ``embeddings`` says it.
    projection
        float32 of shape (d, dim): takes vectors of images to the shared space; ``None`` if they are
        in it.

    Raises
    ------
    UsageError
        A library is missing, there is no such model, or it has no texts.
    """

    def __init__(self, name: str) -> None:
        if name == NAME:
            msg = f"{name} is not a model of images and texts; embed with a CLIP or a SigLIP"
            raise UsageError(msg)
        self._torch: Any = require("torch", "embed")
        self._model, self._tokens = _load(name)
        shown = Path(name).resolve().name if Path(name).is_dir() else name
        revision = getattr(self._model.config, "_commit_hash", None)
        self.version = model_version(shown, revision, weights_digest(self._model.vision_model))
        try:
            with self._torch.inference_mode():
                self.projection = self._projection(name)
            self.encode("cells")
        except (TypeError, ValueError, RuntimeError, AttributeError, IndexError) as error:
            msg = f"{name} cannot be used as a model of images and texts: {why_refused(error)}"
            raise UsageError(msg) from error

    def encode(self, text: str) -> Array:
        """Return the vector of a text, of length 1, float32 of shape (d,)."""
        # SigLIP was trained on texts of full length, and CLIP takes no notice of the padding.
        whole = {
            "padding": "max_length", "truncation": True,
            "max_length": self._model.config.text_config.max_position_embeddings,
        }  # fmt: skip
        tokens = self._tokens([text], return_tensors="pt", **whole)
        tokens.pop("token_type_ids", None)
        with self._torch.inference_mode():
            made = _features(self._model.get_text_features(**tokens))[0]
            vector = self._torch.nn.functional.normalize(made, dim=0).numpy()
        if not np.isfinite(vector).all():
            msg = "its vectors contain NaN or infinite values"
            raise ValueError(msg)
        return cast("Array", vector)

    def _projection(self, name: str) -> Array | None:
        """Return the projection of images, after it was tried on a grey image."""
        torch, vision = self._torch, self._model.vision_model
        size = vision.config.image_size
        grey = torch.full((1, 3, size, size), 0.5)
        made = _features(self._model.get_image_features(pixel_values=grey))
        vector = vision(pixel_values=grey).pooler_output
        layer = getattr(self._model, "visual_projection", None)
        weight = None if layer is None else layer.weight
        tried = vector if weight is None else vector @ weight.T
        if tried.shape != made.shape or not torch.allclose(tried, made, _CLOSE, _CLOSE):
            msg = (
                f"{name} cannot be searched by text: it does more to the vectors of images than a "
                "CLIP or a SigLIP does"
            )
            raise UsageError(msg)
        return None if weight is None else cast("Array", weight.numpy())


def _load(name: str) -> tuple[Any, Any]:
    """Return a model of images and texts, in float32, and its tokenizer."""
    transformers, own = load_transformers("embed"), {"trust_remote_code": False}
    check_hub(name)
    with loading(f"{name} cannot be loaded as a model of images and texts", ", with its tokenizer"):
        model, info = transformers.AutoModel.from_pretrained(name, output_loading_info=True, **own)
        has_texts = hasattr(model, "get_text_features") and hasattr(model, "vision_model")
        tokens = transformers.AutoTokenizer.from_pretrained(name, **own) if has_texts else None
    if not has_texts:
        what = type(model).__name__
        msg = f"{name} is a {what}, which has no texts; embed with a CLIP or a SigLIP"
        raise UsageError(msg)
    if absent := absent_weights(info):
        msg = f"{name} lacks {len(absent)} of its weights, the first {absent[0]}"
        raise UsageError(msg)
    return model.eval().float(), tokens


def _features(answer: Any) -> Any:
    """Return the vectors of transformers' answer, which since its version 5 is a record."""
    return getattr(answer, "pooler_output", answer)
