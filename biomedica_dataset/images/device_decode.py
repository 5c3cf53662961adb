"""Decodes JPEGs on the device of a model, and all other images as `decode` does."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from biomedica_dataset.errors import ArticleError, UsageError
from biomedica_dataset.extras import require
from biomedica_dataset.suggest import one_of

from .decode import check_cost, decode_rgb
from .probe import read_image
from .side_data import orientation

if TYPE_CHECKING:
    from PIL import Image

DECODERS = ("cpu", "gpu")
GPU_DECODER_VERSION = 1001
"""What `DECODER_VERSION` is for these pixels, which differ by some levels, mostly of colour."""

_BATCH = 2**26  # pixels, 200 MB as bytes: a larger batch would be no faster
_FULL = 1 << 20  # pixels: no image is larger
_SCAN, _END = b"\xff\xda", b"\xff\xd9"
_RGB = [ord(letter) for letter in "RGB"]  # components that are colours already


@dataclass(frozen=True, slots=True)
class _Jpeg:
    """A JPEG that a device may decode, its size as it is stored, and how it is turned."""

    data: bytes
    height: int
    width: int
    turn: int


def decoding_device(decoder: str, device: str) -> str | None:
    """Return the device that decodes JPEGs; ``None`` if this package's own decoder does.

    Parameters
    ----------
    decoder
        ``cpu`` or ``gpu``.
    device
        Where the model is, such as ``cuda:0``.

    Raises
    ------
    UsageError
        There is no such decoder, or the model is not on a GPU.

    Examples
    --------
    >>> decoding_device("gpu", "cuda:1"), decoding_device("cpu", "cuda:1")
    ('cuda:1', None)
    """
    one_of("decoder", decoder, DECODERS)
    if decoder == "cpu":
        return None
    if not device.startswith("cuda"):
        msg = (
            "decoder gpu needs a CUDA GPU that PyTorch can see, but the model is on "
            f"{device}; use decoder cpu"
        )
        raise UsageError(msg)
    return device


def decode_on(device: str, images: Iterable[bytes]) -> Iterator[Any]:
    """Decode images as RGB, upright, with transparent parts white, JPEGs in batches on a device.

    What the device refuses, or would show in other colours, is decoded by `decode_rgb`. No JPEG is
    decoded at a reduced scale.

    Yields
    ------
    torch.Tensor or ArticleError
        In order: uint8 (3, height, width) on the device, or why an image cannot be decoded.
    """
    batch: list[tuple[bytes, _Jpeg | None]] = []
    pixels = 0
    for data in images:
        jpeg = _jpeg(data)
        batch.append((data, jpeg))
        pixels += jpeg.height * jpeg.width if jpeg else 0
        if pixels >= _BATCH:
            yield from _batch_on(device, batch)
            batch, pixels = [], 0
    yield from _batch_on(device, batch)


def _jpeg(data: bytes) -> _Jpeg | None:
    try:
        return read_image(data, _allowed, "not_decodable")
    except ArticleError:
        return None


def _allowed(image: Image.Image, data: bytes) -> _Jpeg | None:
    """Return a JPEG that a device decodes as this package would; ``None`` for other images.

    Of a JPEG that is cut short a device may make up the rest. nvJPEG does not say whether it heeds
    Adobe's marker and the names of components, by which a JPEG may hold RGB.
    """
    if image.format != "JPEG" or image.mode not in ("RGB", "L"):
        return None
    turn = orientation(image, data)
    check_cost(image, data, is_turned=turn > 1)
    names = [layer[0] for layer in image.layer]  # type: ignore[attr-defined]
    is_whole = data.rfind(_END) > data.rfind(_SCAN)
    if not is_whole or image.info.get("adobe_transform") == 0 or names == _RGB:
        return None
    return _Jpeg(data, image.height, image.width, turn)


def _batch_on(device: str, batch: Sequence[tuple[bytes, _Jpeg | None]]) -> Iterator[Any]:
    torch = require("torch", "embed")
    jpegs = [jpeg for _data, jpeg in batch if jpeg is not None]
    made = iter(_decoded(device, [jpeg.data for jpeg in jpegs]))
    for data, jpeg in batch:
        pixels = next(made) if jpeg else None
        if jpeg and pixels is not None and pixels.shape[1:] == (jpeg.height, jpeg.width):
            yield _turned(pixels, jpeg.turn)
            continue
        try:
            here = decode_rgb(data, _FULL)
        except ArticleError as error:
            yield error
            continue
        yield torch.from_numpy(here).permute(2, 0, 1).to(device)


def _decoded(device: str, files: list[bytes]) -> list[Any]:
    """Return the pixels of JPEGs, ``None`` for one that the device refuses."""
    if not files:
        return []
    torch, io = require("torch", "embed"), require("torchvision.io", "embed")
    given = [torch.frombuffer(bytearray(data), dtype=torch.uint8) for data in files]
    if torch.device(device).type == "cuda":
        # The JPEG engine of a GPU may write before what is queued there has read its memory.
        torch.cuda.current_stream(device).synchronize()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # in favour of TorchCodec
            found: list[Any] = io.decode_jpeg(given, io.ImageReadMode.RGB, device)
    except RuntimeError:  # one image is enough, and nothing says which
        return [None] if len(files) == 1 else [_decoded(device, [one])[0] for one in files]
    return found


def _turned(pixels: Any, turn: int) -> Any:
    """Return pixels upright, by the number of EXIF."""
    if turn in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 2)
    flips = {2: (2,), 3: (1, 2), 4: (1,), 6: (2,), 7: (1, 2), 8: (1,)}.get(turn, ())
    return pixels.flip(flips) if flips else pixels
