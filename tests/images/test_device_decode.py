"""JPEGs on a device, here the CPU: their pixels, and what the device may not decode."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from biomedica_dataset.errors import ArticleError, UsageError
from biomedica_dataset.images import device_decode
from biomedica_dataset.images.decode import decode_rgb
from biomedica_dataset.images.device_decode import decode_on, decoding_device

FULL = 1 << 20


def drawn(size=(90, 60), mode="RGB"):
    """Return something smooth with edges, the same each time."""
    across, down = np.meshgrid(np.linspace(0, 255, size[0]), np.linspace(0, 255, size[1]))
    pixels = np.stack([across, down, (across + down) % 256], axis=-1).astype(np.uint8)
    return Image.fromarray(pixels).convert(mode)


def saved(image, kind="JPEG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def turned(turn):
    tags = Image.Exif()
    tags[0x0112] = turn
    return saved(drawn(), exif=tags, quality=95)


def psnr(first, second):
    error = np.mean((first.astype(float) - second) ** 2)
    return np.inf if error == 0 else 20 * np.log10(255) - 10 * np.log10(error)


def here(data):
    """Return what this package's own decoder gives."""
    try:
        return decode_rgb(data, FULL)
    except ArticleError as error:
        return str(error)


@pytest.fixture
def on_device(monkeypatch):
    """How many JPEGs the device was asked for, call by call."""
    from torchvision import io as torchvision

    asked, real = [], torchvision.decode_jpeg

    def decode_jpeg(given, mode, device):
        asked.append(len(given))
        return real(given, mode, device)

    monkeypatch.setattr(torchvision, "decode_jpeg", decode_jpeg)
    return asked


def decoded(images):
    """Return pixels as `decode_rgb` has them, or the reason of an error."""
    made = decode_on("cpu", images)
    return [str(one) if isinstance(one, ArticleError) else np.moveaxis(one.numpy(), 0, 2)
            for one in made]  # fmt: skip


JPEGS = {
    "colour": saved(drawn(), quality=90),
    "full colour": saved(drawn(), quality=90, subsampling=0),
    "progressive": saved(drawn(), progressive=True),
    "grey": saved(drawn(mode="L")),
    **{f"turned {turn}": turned(turn) for turn in range(1, 9)},
}
ADOBE = saved(drawn(), keep_rgb=True)
OTHERS = {
    "PNG": saved(drawn(), "PNG"),
    "transparent": saved(drawn(mode="RGBA"), "PNG"),
    "four colours": saved(drawn(mode="CMYK")),
    "components that are RGB": ADOBE,
    "cut short": JPEGS["colour"][:-200],
    "too many scans": JPEGS["colour"] + 40 * b"\xff\xda" + b"\xff\xd9",
    "no image": b"no image",
}


@pytest.mark.parametrize("data", JPEGS.values(), ids=JPEGS)
def test_a_jpeg_has_nearly_the_pixels_of_this_package(data, on_device):
    (pixels,), expected = decoded([data]), here(data)

    assert pixels.shape == expected.shape
    assert psnr(pixels, expected) > 40
    assert on_device == [1]


@pytest.mark.parametrize("data", OTHERS.values(), ids=OTHERS)
def test_what_a_device_would_show_otherwise_is_decoded_here(data, on_device):
    np.testing.assert_array_equal(decoded([data])[0], here(data))
    assert on_device == []


def test_images_keep_their_order_and_one_that_is_refused_loses_no_other(on_device):
    """Damaged where only the device looks: nothing before that tells it from a whole one."""
    table = JPEGS["colour"].index(b"\xff\xc4")
    damaged = JPEGS["colour"][: table + 4] + b"\xff" * 20 + JPEGS["colour"][table + 24 :]
    images = [JPEGS["grey"], damaged, OTHERS["PNG"], OTHERS["no image"], JPEGS["turned 6"]]
    found = decoded(images)

    assert on_device == [3, 1, 1, 1]
    for one, data in zip(found, images, strict=True):
        expected = here(data)
        assert (one == expected) if isinstance(expected, str) else psnr(one, expected) > 40
    assert [isinstance(one, str) for one in found] == [False, True, False, True, False]


def test_batches_are_bounded_by_pixels(on_device, monkeypatch):
    monkeypatch.setattr(device_decode, "_BATCH", 2 * 90 * 60)
    coming = decode_on("cpu", iter([JPEGS["colour"]] * 5))
    next(coming)

    assert on_device == [2]
    assert len(list(coming)) == 4
    assert on_device == [2, 2, 1]


def test_the_decoder_gpu_needs_a_gpu():
    with pytest.raises(UsageError, match="the model is on cpu; use decoder cpu"):
        decoding_device("gpu", "cpu")
    with pytest.raises(UsageError, match="decoder"):
        decoding_device("gpus", "cuda:0")
