"""Object detectors as ONNX files, which propose panels.

The names of the outputs tell two forms apart: `logits` and `pred_boxes`, as DETR gives, and
`boxes` and `scores`, as the detectors of torchvision give.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image

from biomedica_dataset.errors import UsageError

from .onnx_file import (
    SIDES,
    Normalization,
    Settings,
    fixed,
    listed,
    load_onnx,
    onnx_errors,
    read_bounded,
    said,
)
from .proposals import LEAST_SCORE, Proposal, each_once

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_LONGEST = 1000  # pixels of the longest side, where the model leaves the size open
_MOST = 1000  # boxes that are looked at: the surest
_DIGITS = 16  # of the digest in the id
_PROBED = (64, 64)  # size of the image that is tried on loading
_FLOATS = ("tensor(float)", "tensor(float16)", "tensor(double)")
_READ = (
    "what is read is one input, float32 (1, 3, height, width) with sides of "
    f"{SIDES[0]} to {SIDES[-1]} or left open, and the outputs logits (1, n, classes) and "
    "pred_boxes (1, n, 4), or scores (n) and boxes (n, 4)"
)


class _Form(NamedTuple):
    """How a detector takes an image, and how it gives scores, of few dimensions, and boxes."""

    outputs: tuple[str, str]
    dimensions: int
    normalization: Normalization


_DETR = _Form(("logits", "pred_boxes"), 2, ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
_TORCHVISION = _Form(("scores", "boxes"), 1, ((0.0,) * 3, (1.0,) * 3))


class OnnxDetector:
    """An object detector as an ONNX file, run by onnxruntime on one core.

    Whatever classes it knows, each box that it finds is a panel. Neither libraries of operators nor
    weights outside of the file are loaded.

    Parameters
    ----------
    file
        Beside it may lie ``config.json`` and ``preprocessor_config.json``.

    Raises
    ------
    UsageError
        onnxruntime is missing, or the file is not such a detector.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        data = read_bounded(file)
        self._settings = Settings.beside(file)
        self._session = load_onnx(data, file)
        digest = hashlib.sha256(data + repr(self._settings).encode()).hexdigest()
        self.id = f"{file.name} {digest[:_DIGITS]}"
        self._image, self._mask = self._inputs()
        self._form = self._output_form()
        self.propose(Image.new("RGB", _PROBED, "white"))  # outputs of other shapes are refused now

    def propose(self, image: Image.Image) -> list[Proposal]:
        """Return boxes within an RGB image, each object once, the surest first."""
        given = self._size(image)
        small = image.resize(given, Image.Resampling.BILINEAR, reducing_gap=2.0)
        mean, deviation = self._settings.normalization or self._form.normalization
        pixels = np.asarray(small).astype(np.float32) / 255
        pixels = (pixels - np.asarray(mean, np.float32)) / np.asarray(deviation, np.float32)
        feed: dict[str, Any] = {self._image.name: pixels.transpose(2, 0, 1)[None]}
        if self._mask is not None:
            own = zip(self._mask.shape, (1, *reversed(given)), strict=True)
            feed[self._mask.name] = np.ones([fixed(side) or open_ for side, open_ in own], int)
        try:
            found = self._session.run(list(self._form.outputs), feed)
        except onnx_errors() as error:
            msg = f"{self._file} failed on an image of {given[0]} x {given[1]}: {said(error)}"
            raise UsageError(msg) from error
        scores, boxes = self._relative(found, given)
        sure = np.flatnonzero(scores >= LEAST_SCORE)
        sure = sure[np.argsort(-scores[sure], kind="stable")[:_MOST]]
        placed = boxes[sure] * np.tile(image.size, 2)
        return each_once(zip(placed.tolist(), scores[sure].tolist(), strict=True), image.size)

    def _size(self, image: Image.Image) -> tuple[int, int]:
        """Return width and height of the image that the model is given."""
        scale = _LONGEST / max(image.size)
        width, height = self._settings.size or (
            max(SIDES[0], round(side * scale)) for side in image.size
        )
        return fixed(self._image.shape[3]) or width, fixed(self._image.shape[2]) or height

    def _relative(self, found: list[Any], given: tuple[int, int]) -> tuple[Array, Array]:
        """Return a score for each box, and its sides as shares of those of the image."""
        dimensions = (self._form.dimensions, 2)
        first, boxes = (
            one[0] if one.ndim > number and len(one) == 1 else one
            for one, number in zip((np.asarray(a, float) for a in found), dimensions, strict=True)
        )
        is_read = first.ndim == dimensions[0] and boxes.shape == (len(first), 4)
        if not is_read or first.shape[-1:] == (0,) != first.shape:
            shapes = " and ".join(str(np.shape(one)) for one in found)
            msg = f"{self._file} gives {' and '.join(self._form.outputs)} as {shapes}; {_READ}"
            raise UsageError(msg)
        if self._form is _TORCHVISION:
            return first, boxes / np.tile(given, 2)
        middle, half = boxes[:, :2], boxes[:, 2:] / 2
        return _probabilities(first, self._settings.classes), np.hstack(
            [middle - half, middle + half]
        )

    def _inputs(self) -> tuple[Any, Any]:
        """Return the input that takes an image, and the one that says where it is, if any."""
        inputs = self._session.get_inputs()
        images = [one for one in inputs if _takes_image(one)]
        masks = [one for one in inputs if one.name == "pixel_mask" and _takes_mask(one)]
        if len(images) != 1 or len(inputs) != len(images) + len(masks):
            msg = f"{self._file} takes {listed(f'{i.name} {i.shape}' for i in inputs)}; {_READ}"
            raise UsageError(msg)
        return images[0], masks[0] if masks else None

    def _output_form(self) -> _Form:
        outputs = {one.name: one.type for one in self._session.get_outputs()}
        for form in (_DETR, _TORCHVISION):
            if all(outputs.get(name) in _FLOATS for name in form.outputs):
                return form
        found = listed(f"{name} {kind}" for name, kind in outputs.items())
        msg = f"{self._file} gives {found}; {_READ}"
        raise UsageError(msg)


def _takes_image(one: Any) -> bool:
    return (
        one.type == "tensor(float)" and len(one.shape) == 4
        and (one.shape[0] == 1 or not isinstance(one.shape[0], int)) and one.shape[1] == 3
        and all(fixed(side) or not isinstance(side, int) for side in one.shape[2:])
    )  # fmt: skip


def _takes_mask(one: Any) -> bool:
    return one.type == "tensor(int64)" and len(one.shape) == 3


def _probabilities(logits: Array, classes: int | None) -> Array:
    """Return the probability that a box has an object, of its likeliest class.

    By softmax with a last class for no object, unless there are logits for the classes alone.
    """
    with np.errstate(all="ignore"):  # a logit may be infinite
        if logits.shape[1] in (1, classes):
            likeliest: Array = 1 / (1 + np.exp(-logits.max(1)))
            return likeliest
        powers = np.exp(logits - logits.max(1, keepdims=True))
        shares: Array = powers[:, :-1].max(1) / powers.sum(1)
        return shares
