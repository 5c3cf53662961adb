"""The identity of a model: what vectors depend on besides the image."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from biomedica_dataset.images.device_decode import GPU_DECODER_VERSION
from biomedica_dataset.io.rules import Between

_SIZE = Between(1, 2**20)
_ON_GPU = ", decoded on a GPU"
_NAME = re.compile(
    r"(?P<pixels>(?P<version>(?P<name>.+?)(?:@(?P<commit>[0-9a-f]{1,12})| [0-9a-f]{12})), "
    rf"(?P<preprocess>fit|paper) \d+ px), \w+(?:{_ON_GPU})?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelId:
    """A model, its weights and its preprocessing; vectors of different ones cannot be compared.

    Parameters
    ----------
    name
        Its id on the Hub, or the name of its folder.
    revision
        Commit on the Hub.
    weights
        SHA-256 of its parameters.
    dim
        Length of a vector.
    size
        Side of its square input in pixels.
    preprocess
        ``fit``: aspect kept, normalized; ``paper``: squashed to 224 x 224, not normalized.
    mean, std
        Normalization of colours; ``None`` if there is none.
    dtype
        Type in which it computes.
    pictures
        Version of the image decoder, see `DECODER_VERSION` and `GPU_DECODER_VERSION`.
    """

    name: str
    revision: str | None
    weights: str
    dim: Annotated[int, _SIZE]
    size: Annotated[int, _SIZE]
    preprocess: str
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None
    dtype: str
    pictures: int

    def __str__(self) -> str:
        version = model_version(self.name, self.revision, self.weights)
        where = _ON_GPU if self.pictures == GPU_DECODER_VERSION else ""
        return f"{version}, {self.preprocess} {self.size} px, {self.dtype}{where}"


def model_version(name: str, revision: str | None, weights: str) -> str:
    """Return which model it is, and which of its versions.

    Examples
    --------
    >>> model_version("org/name", "0123456789abcdef", "fedcba9876543210")
    'org/name@0123456789ab'
    """
    return f"{name}@{revision[:12]}" if revision else f"{name} {weights[:12]}"


def parts_of_name(name: str) -> dict[str, str | None]:
    """Return the parts of a `ModelId` as text.

    ``pixels`` is what it does to the pixels it is given: all but its dtype, and what decodes.

    Examples
    --------
    >>> parts = parts_of_name("org/name@0123456789ab, fit 224 px, float32, decoded on a GPU")
    >>> parts["pixels"], parts["name"], parts["preprocess"]
    ('org/name@0123456789ab, fit 224 px', 'org/name', 'fit')
    """
    found = _NAME.fullmatch(name)
    if found is not None:
        return found.groupdict()
    return {"name": name, "version": name, "pixels": name, "commit": None, "preprocess": "fit"}
