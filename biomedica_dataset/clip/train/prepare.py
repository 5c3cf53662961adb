"""From the bytes of an image and a text to what the model is given."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from biomedica_dataset.engine.timings import Timings, measured
from biomedica_dataset.errors import ArticleError
from biomedica_dataset.extras import require
from biomedica_dataset.images.crop import View, box_at_scale, figure_target
from biomedica_dataset.images.decode import decode_rgb
from biomedica_dataset.images.device_decode import decode_on
from biomedica_dataset.images.fit import as_planes

Given = tuple[bytes, str, int, View | None]  # image, text, seed, and what to cut out
Ready = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]  # image and tokens
SCALES: dict[str, float | None] = {"full": None, "draft": 1.0, "draft-1x": 0.5}
"""Half of the smallest scale, in sizes of what the model sees, by the name of the mode."""
_AT_ITS_OWN = 1 << 20  # pixels: no image is larger


@dataclass(frozen=True, slots=True)
class Prepare:
    """Makes an image, uint8 (size, size, 3), and tokens (context,) of each image and text.

    Parameters
    ----------
    size, transform, tokenizer
        See `Model`.
    decode
        See `DataConfig`.
    timings
        Measures decoding and transforming.
    device
        Decodes and transforms JPEGs, see `decode_on`; ``None``: this package's decoder.
    """

    size: int
    transform: Callable[[Any], Any]
    tokenizer: Callable[[list[str]], Any]
    decode: str
    timings: Timings | None = None
    device: str | None = None

    def __call__(self, given: Sequence[Given]) -> list[Ready | None]:
        """Return what the model is given, None for an image that cannot be read."""
        found: list[Ready | None] = [None] * len(given)
        # The panels of a figure share its bytes, which are decoded once.
        by_image: dict[int, list[int]] = {}
        for number, (data, *_) in enumerate(given):
            by_image.setdefault(id(data), []).append(number)
        decoded = self._decoded([[given[one] for one in mine] for mine in by_image.values()])
        for mine in by_image.values():
            with measured(self.timings, "decoding"):
                pixels = next(decoded)
            with contextlib.suppress(ArticleError):
                for number in mine if pixels is not None else ():
                    with measured(self.timings, "transforming"):
                        found[number] = self._one(pixels, given[number])
        return found

    def _decoded(self, groups: Sequence[Sequence[Given]]) -> Iterator[Any]:
        """Yield the pixels of the image that each group shares, None for one without."""
        if self.device is not None:
            for pixels in decode_on(self.device, (data for (data, *_), *_ in groups)):
                yield None if isinstance(pixels, ArticleError) else pixels
            return
        for group in groups:
            try:
                pixels = self._decoded_here(group[0][0], [view for *_, view in group])
            except ArticleError:
                yield None
            else:
                yield as_planes(pixels)

    def _decoded_here(self, data: bytes, views: Sequence[View | None]) -> np.ndarray[Any, Any]:
        """Return an image at a scale at which each of its parts is large enough."""
        scale = SCALES[self.decode]
        if scale is None:
            return decode_rgb(data, _AT_ITS_OWN)
        target = math.ceil(self.size * scale)
        targets = (figure_target(target, *view) if view else target for view in views)
        return decode_rgb(data, max(targets))

    def _one(self, pixels: Any, given: Given) -> Ready:
        torch = require("torch", "clip")
        _data, text, seed, view = given
        if view is not None:
            x0, y0, x1, y1 = box_at_scale(*view, (pixels.shape[2], pixels.shape[1]))
            pixels = pixels[:, y0:y1, x0:x1]
        # The random numbers are the pair's own, so that no order of work changes them. A seed for
        # all generators would also be one of the training's on a GPU.
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            made = self.transform(pixels)
        return made.permute(1, 2, 0).cpu().numpy(), self.tokenizer([text])[0].numpy()
