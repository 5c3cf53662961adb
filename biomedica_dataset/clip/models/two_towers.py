"""Models that turn images and texts into vectors of one space: OpenCLIP's, transformers'."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from biomedica_dataset.annotation.embeddings.encoder import BATCH
from biomedica_dataset.annotation.pretrained import (
    absent_weights,
    check_hub,
    load_transformers,
    refusal,
    weights_digest,
    why_refused,
)
from biomedica_dataset.errors import BiomedicaError, UsageError
from biomedica_dataset.extras import require
from biomedica_dataset.images.decode import DECODER_VERSION

from .open_clip import CONFIG, load_open_clip, shown_name, unreadable

_PROBE = "H&E stain, 40x: 3 µm of Über-long naïve text; Figure 1(a) shows α-SMA+ cells." * 3
_FORMS = (
    "NAME:TAG of OpenCLIP, hf-hub:ID for a model of OpenCLIP on the Hub, ID for one of "
    "transformers on the Hub, or a folder of either kind"
)


class Model(Protocol):
    """What `evaluate` needs of a model.

    Attributes
    ----------
    name
        Shown in tables.
    digest
        Of all that its vectors depend on besides image and text.
    scale
        What similarities are multiplied with before a softmax.
    """

    name: str
    digest: str
    scale: float

    def prepare(self, image: Any) -> Any:
        """Return an image, RGB, as the model sees it: (3, height, width)."""

    def images(self, prepared: Sequence[Any]) -> np.ndarray[Any, Any]:
        """Return unit vectors, float32 (n, d)."""

    def texts(self, texts: Sequence[str]) -> np.ndarray[Any, Any]:
        """Return unit vectors, float32 (n, d)."""


def load_model(spec: str, device: str | None = None) -> Model:
    """Return a model, in float32.

    Parameters
    ----------
    spec
        ``ViT-L-14:commonpool_xl_clip_s13b_b90k``, also with a file of weights in place of the
        tag; ``hf-hub:microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224``;
        ``google/siglip-base-patch16-224``; or a folder.
    device
        ``cuda:0``; a GPU where there is one by default.

    Raises
    ------
    UsageError
        There is no such model, it lacks weights, or it has no vectors of both kinds.
    """
    torch = require("torch", "clip")
    device = device or ("cuda:0" if torch.cuda.is_available() else "cpu")
    folder = Path(spec.removeprefix("local-dir:"))
    if folder.is_dir():
        if (folder / CONFIG).is_file():
            return _open_clip(f"local-dir:{folder}", None, device)
        if (folder / "config.json").is_file():
            return _transformers(str(folder), device)
        msg = f"model {spec} has no {CONFIG} of OpenCLIP and no config.json of transformers"
        raise UsageError(msg)
    if spec.startswith("hf-hub:"):
        return _open_clip(spec, None, device)
    name, _, tag = spec.partition(":")
    known = require("open_clip", "clip").list_models()
    if name in known:
        tags = require("open_clip", "clip").list_pretrained_tags_by_model(name)
        if not tag or not (tag in tags or Path(tag).is_file()):
            what = f"has no tag and no file {tag!r}" if tag else f"needs a tag, {name}:TAG"
            msg = f"model {name} {what}; its tags are {', '.join(tags)}"
            raise UsageError(msg)
        return _open_clip(name, tag, device)
    if name.count("/") == 1 and not tag and not name.startswith((".", "/")):
        return _transformers(name, device)
    near = get_close_matches(name, known, n=1, cutoff=0.8)  # what is typed may also be a folder
    hint = f"; did you mean {near[0]!r}?" if near else "."
    msg = f"there is no model and no folder {spec!r}{hint} Use {_FORMS}."
    raise UsageError(msg)


def _refused(spec: str, error: Exception) -> BiomedicaError:
    said = why_refused(error)[:400].rstrip(".")
    return refusal(f"model {spec} cannot be loaded: {said}. Use {_FORMS}.", error)


class _TwoTowers:
    def __init__(
        self,
        name: str,
        model: Any,
        prepare: Callable[[Any], Any],
        towers: tuple[Callable[[Any], Any], Callable[[list[str]], Any]],
        tokenize: Callable[[list[str]], Any],
    ) -> None:
        self.name, self.prepare = name, prepare
        self._model, (self._see, self._read) = model.eval(), towers
        scale = getattr(model, "logit_scale", None)
        self.scale = 100.0 if scale is None else float(scale.detach().float().exp())
        if not math.isfinite(self.scale):
            msg = f"model {name} has the logit scale {self.scale}, which must be finite"
            raise UsageError(msg)
        digest = hashlib.sha256(f"{DECODER_VERSION} {weights_digest(model)}".encode())
        rows, columns = np.mgrid[0:61, 0:97]  # an image that tells transforms apart
        probe = np.stack([rows * 4, columns * 2, rows ^ columns], -1).astype(np.uint8)
        seen = prepare(Image.fromarray(probe))
        digest.update(np.asarray(seen, np.float32).tobytes())
        try:
            digest.update(json.dumps(np.asarray(tokenize([_PROBE])).tolist()).encode())
        except ValueError as error:  # such as a tokenizer that cannot fill up a text
            raise _refused(name, error) from error
        self.digest = digest.hexdigest()

    def images(self, prepared: Sequence[Any]) -> np.ndarray[Any, Any]:
        torch = require("torch", "clip")
        return self._batches(prepared, lambda some: self._see(torch.stack(some)))

    def texts(self, texts: Sequence[str]) -> np.ndarray[Any, Any]:
        return self._batches(texts, self._read)

    def _batches(
        self, given: Sequence[Any], tower: Callable[[list[Any]], Any]
    ) -> np.ndarray[Any, Any]:
        """Return vectors of batches of one size: a vector must not depend on its neighbours."""
        torch = require("torch", "clip")
        made = []
        with torch.inference_mode():
            for start in range(0, len(given), BATCH):
                some = list(given[start : start + BATCH])
                vectors = tower(some + some[:1] * (BATCH - len(some)))[: len(some)].float()
                made.append(torch.nn.functional.normalize(vectors, dim=-1).cpu().numpy())
        joined: np.ndarray[Any, Any] = np.concatenate(made)
        if not np.isfinite(joined).all():
            msg = f"model {self.name} gives vectors with NaN or infinite values"
            raise UsageError(msg)
        return joined


def _open_clip(name: str, tag: str | None, device: str) -> Model:
    open_clip = load_open_clip()
    spec = f"{name}:{tag}" if tag else name
    try:
        model, prepare = open_clip.create_model_from_pretrained(name, tag, device=device)
        tokenize = open_clip.get_tokenizer(name)
    except unreadable() as error:
        raise _refused(spec, error) from error
    tag = Path(tag).stem if tag and Path(tag).is_file() else tag
    shown = f"{name}:{tag}" if tag else shown_name(name).removeprefix("hf-hub:")
    towers = (
        lambda images: model.encode_image(images.to(device)),
        lambda texts: model.encode_text(tokenize(texts).to(device)),
    )
    return _TwoTowers(shown, model, prepare, towers, tokenize)


def _transformers(spec: str, device: str) -> Model:
    transformers, own = load_transformers("clip"), {"trust_remote_code": False}
    check_hub(spec)
    try:
        model, info = transformers.AutoModel.from_pretrained(spec, output_loading_info=True, **own)
        processor = transformers.AutoImageProcessor.from_pretrained(spec, **own)
        tokenizer = transformers.AutoTokenizer.from_pretrained(spec, **own)
    except unreadable() as error:
        raise _refused(spec, error) from error
    if absent := absent_weights(info):
        msg = f"model {spec} lacks {len(absent)} of its weights, the first of them {absent[0]}"
        raise UsageError(msg)
    if not hasattr(model, "get_image_features") or not hasattr(model, "get_text_features"):
        msg = f"model {spec} is a {type(model).__name__}, which has no vectors of images and texts"
        raise UsageError(msg)
    model = model.to(device)
    length = getattr(model.config.text_config, "max_position_embeddings", None)

    def tokens(texts: list[str]) -> Any:
        # SigLIP was trained on texts of full length, and CLIP takes no notice of the padding.
        whole = {"padding": "max_length", "truncation": True, "max_length": length}
        made = tokenizer(texts, return_tensors="pt", **whole)
        made.pop("token_type_ids", None)
        return made.to(device)

    def prepare(image: Any) -> Any:
        return processor(images=image, return_tensors="pt")["pixel_values"][0]

    name = shown_name(str(Path(spec).resolve()) if Path(spec).is_dir() else spec)
    towers = (
        lambda images: _vectors(model.get_image_features(pixel_values=images.to(device))),
        lambda texts: _vectors(model.get_text_features(**tokens(texts))),
    )
    return _TwoTowers(name, model, prepare, towers, lambda texts: tokens(texts)["input_ids"].cpu())


def _vectors(answer: Any) -> Any:
    """Return the vectors of transformers' answer, which since its version 5 is a record."""
    return getattr(answer, "pooler_output", answer)
