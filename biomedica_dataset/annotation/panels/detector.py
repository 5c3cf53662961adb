"""Object detectors for transformers, which propose panels."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biomedica_dataset.annotation.pretrained import (
    check_hub,
    load_transformers,
    refusal,
    weights_digest,
    why_refused,
)
from biomedica_dataset.errors import UsageError
from biomedica_dataset.extras import require

from .boxes import Box
from .proposals import Proposal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PIL import Image

_LEAST = 0.5  # score
_SAME = 0.5  # intersection over union of two boxes of one object
_MOST = 100  # boxes of an image
_DIGITS = 16  # of the digest in the id


class ObjectDetector:
    """An object detector in the form of transformers' `AutoModelForObjectDetection`.

    Whatever classes it knows, each box that it finds is a panel.

    Parameters
    ----------
    model
        Id on the Hub, or a folder, with weights in safetensors.

    Raises
    ------
    UsageError
        torch or transformers is missing, or there is no such detector.
    """

    def __init__(self, model: str) -> None:
        self._torch: Any = require("torch", "embed")
        check_hub(model)
        transformers, own = load_transformers("embed"), {"trust_remote_code": False}
        broken: type[Exception] = require("safetensors", "embed").SafetensorError
        try:
            found, info = transformers.AutoModelForObjectDetection.from_pretrained(
                model, use_safetensors=True, output_loading_info=True, **own
            )
            self._processor = transformers.AutoImageProcessor.from_pretrained(model, **own)
        except (OSError, ValueError, KeyError, RuntimeError, broken) as error:
            msg = (
                f"{model} cannot be loaded as an object detector: {why_refused(error)}. Give a "
                "folder written by save_pretrained, with its preprocessor_config.json and weights "
                "in safetensors, or an id on the Hub."
            )
            raise refusal(msg, error) from error
        absent = sorted({*info["missing_keys"], *(key for key, *_ in info["mismatched_keys"])})
        if absent:
            msg = f"{model} lacks {len(absent)} of its weights, the first {absent[0]}"
            raise UsageError(msg)
        self._model = found.eval().to("cuda" if self._torch.cuda.is_available() else "cpu")
        name = Path(model).resolve().name if Path(model).is_dir() else model
        self.id = f"{name} {weights_digest(found)[:_DIGITS]}"

    def propose(self, image: Image.Image) -> list[Proposal]:
        """Return boxes within an RGB image, each object once, the surest first."""
        given = self._processor(images=image, return_tensors="pt").to(self._model.device)
        with self._torch.inference_mode():
            out = self._model(**given)
        (found,) = self._processor.post_process_object_detection(
            out, threshold=_LEAST, target_sizes=[(image.height, image.width)]
        )
        boxes, scores = (found[name].float().cpu().tolist() for name in ("boxes", "scores"))
        return each_once(zip(boxes, scores, strict=True), image.size)


def each_once(found: Iterable[tuple[list[float], float]], size: tuple[int, int]) -> list[Proposal]:
    """Return the boxes that a detector found, cut at the edges of the image, each object once.

    Examples
    --------
    >>> found = [([-3, 0, 50, 60], 0.75), ([0, 0, 52, 60], 0.5), ([60, 0, 9e9, 60], 0.6)]
    >>> [(*box, score) for box, score in each_once(found, (99, 60))]
    [(0, 0, 50, 60, 0.75), (60, 0, 99, 60, 0.6)]
    """
    width, height = size
    kept: list[Proposal] = []
    for sides, score in sorted(found, key=lambda one: -one[1]):
        if not all(map(math.isfinite, (*sides, score))):
            continue
        x0, y0, x1, y1 = sides
        box = Box(max(0, x0), max(0, y0), min(width, x1), min(height, y1))
        if box.x1 - box.x0 < 1 or box.y1 - box.y0 < 1 or not 0 <= score <= 1:
            continue
        if len(kept) < _MOST and all(box.iou(other.box) < _SAME for other in kept):
            kept.append(Proposal(box, score))
    return kept
