"""Object detectors that propose panels: those for transformers, and ONNX files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from biomedica_dataset.annotation.pretrained import (
    absent_weights,
    check_hub,
    load_transformers,
    loading,
    weights_digest,
)
from biomedica_dataset.errors import UsageError
from biomedica_dataset.extras import require

from .onnx_detector import OnnxDetector
from .onnx_file import find_onnx
from .proposals import LEAST_SCORE, Detector, Proposal, each_once

if TYPE_CHECKING:
    from PIL import Image


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
        has = ", with its preprocessor_config.json and weights in safetensors"
        with loading(f"{model} cannot be loaded as an object detector", has):
            found, info = transformers.AutoModelForObjectDetection.from_pretrained(
                model, use_safetensors=True, output_loading_info=True, **own
            )
            self._processor = transformers.AutoImageProcessor.from_pretrained(model, **own)
        if absent := absent_weights(info):
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
            out, threshold=LEAST_SCORE, target_sizes=[(image.height, image.width)]
        )
        boxes, scores = (found[name].float().cpu().tolist() for name in ("boxes", "scores"))
        return each_once(zip(boxes, scores, strict=True), image.size)


def load_detector(model: str) -> Detector:
    """Return the detector of an ONNX file, of a folder that holds one, or for transformers.

    Parameters
    ----------
    model
        Path, or id on the Hub.

    Raises
    ------
    UsageError
        An extra is missing, or there is no such detector.
    """
    file = find_onnx(model)
    return ObjectDetector(model) if file is None else OnnxDetector(file)
