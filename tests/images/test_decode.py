"""What decides over pixels: the pixels."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import time
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from biomedica_dataset.errors import ArticleError
from biomedica_dataset.images.decode import decoding_problem, open_rgb, open_upright
from biomedica_dataset.images.probe import probe
from biomedica_dataset.images.side_data import without_side_data

WIDE = Image.effect_noise((48, 24), 90).convert("RGB")
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
KINDS = ("JPEG", "PNG", "TIFF", "WEBP")


def saved(image, kind, **options):
    written = io.BytesIO()
    image.save(written, kind, **options)
    return written.getvalue()


def exif(turn):
    tags = Image.Exif()
    tags[0x0112], tags[0x010E] = turn, "of a microscope"
    return tags


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def segment(kind, data):
    return b"\xff" + bytes([kind]) + struct.pack(">H", len(data) + 2) + data


def with_chunk(png, added, *, behind=False):
    at = -12 if behind else 33
    return png[:at] + added + png[at:]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("turn", range(1, 9))
def test_sizes_are_those_of_the_image_as_it_is_displayed(kind, turn):
    data = saved(WIDE, kind, exif=exif(turn))
    facts = probe(data)

    assert (facts.width, facts.height) == ((24, 48) if turn > 4 else (48, 24))
    assert (facts.width, facts.height) == open_rgb(data, 9).size == open_upright(data).size


def test_the_turn_may_stand_behind_the_pixels_or_in_xmp():
    png, jpeg = saved(WIDE, "PNG"), saved(WIDE, "JPEG")
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="8"/></x:xmpmeta>'
    turned = [
        with_chunk(png, chunk(b"eXIf", exif(6).tobytes()[6:]), behind=True),
        with_chunk(png, chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)),
        jpeg[:2] + segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp) + jpeg[2:],
    ]

    for data in turned:
        assert (probe(data).width, probe(data).height) == (24, 48) == open_rgb(data, 9).size


BROKEN = {
    "exif of a png": with_chunk(saved(WIDE, "PNG"), chunk(b"eXIf", b"no exif")),
    "profile that unpacks to 4 MB": with_chunk(
        saved(WIDE, "PNG"), chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(2**22)))
    ),
    "text that unpacks to 4 MB": with_chunk(
        saved(WIDE, "PNG"), chunk(b"zTXt", b"t\0\0" + zlib.compress(bytes(2**22)))
    ),
    "such a text behind the pixels": with_chunk(
        saved(WIDE, "PNG"), chunk(b"zTXt", b"t\0\0" + zlib.compress(bytes(2**22))), behind=True
    ),
    "checksum of a chunk beside the pixels": with_chunk(
        saved(WIDE, "PNG"), chunk(b"tEXt", b"Comment\0of somebody")[:-1] + b"?"
    ),
    "profile of a jpeg cut short": (
        saved(WIDE, "JPEG")[:2] + segment(0xE2, b"ICC_PROFILE\0") + saved(WIDE, "JPEG")[2:]
    ),
    "exif of a jpeg": (
        saved(WIDE, "JPEG")[:2]
        + segment(0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff" * 2)
        + saved(WIDE, "JPEG")[2:]
    ),
    "photoshop's block of a jpeg": (
        saved(WIDE, "JPEG")[:2]
        + segment(0xED, b"Photoshop 3.0\0" + b"8BIM\x03\xed\0\0\0\xff\xff\xff1")
        + saved(WIDE, "JPEG")[2:]
    ),
    "xmp": saved(WIDE, "JPEG", xmp=b"\xff\xfe<tiff:Orientation"),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_side_data_that_cannot_be_read_do_not_decide(data):
    clean = saved(WIDE, "PNG" if data.startswith(b"\x89") else "JPEG")

    assert decoding_problem(data) is None
    assert (probe(data).width, probe(data).height) == (48, 24)
    assert open_rgb(data, 99).tobytes() == open_rgb(clean, 99).tobytes()


def side_data(data, kind):
    """Yield the ranges of EXIF and profile, lengths and names of their parts left out."""
    if kind == "TIFF":
        for known in (ICC[:64], b"of a microscope"):
            at = data.index(known)
            yield from range(at, at + len(known))
        first = struct.unpack_from("<I", data, 4)[0]
        for at in range(first + 2, first + 2 + 12 * data[first], 12):
            if struct.unpack_from("<H", data, at)[0] in (270, 34675):
                yield from range(at + 2, at + 12)
        return
    order, name, at = {"JPEG": (">H", 1, 2), "PNG": (">I", 4, 8), "WEBP": ("<I", 0, 12)}[kind]
    while at < len(data) and data[at : at + 2] != b"\xff\xda":
        place = {"JPEG": at + 2, "PNG": at, "WEBP": at + 4}[kind]
        (length,) = struct.unpack_from(order, data, place)
        end = {"JPEG": place + length, "PNG": at + 12 + length, "WEBP": at + 8 + length}[kind]
        if data[at + name : at + name + 4] in (b"iCCP", b"eXIf", b"ICCP", b"EXIF") or (
            kind == "JPEG" and data[at + 1] in (0xE1, 0xE2)
        ):
            yield from range(at + (4 if kind == "JPEG" else 8), end)
        at = end + (length % 2 if kind == "WEBP" else 0)


WHOLE = {kind: saved(WIDE, kind, exif=exif(3), icc_profile=ICC) for kind in KINDS}
SIDES = {kind: list(side_data(data, kind)) for kind, data in WHOLE.items()}


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_byte_of_side_data_decides(drawn):
    kind = drawn.draw(st.sampled_from(KINDS))
    changed = bytearray(WHOLE[kind])
    for at in drawn.draw(st.lists(st.sampled_from(SIDES[kind]), min_size=1, max_size=9)):
        changed[at] = drawn.draw(st.integers(0, 255))
    data = bytes(changed)
    shown = open_rgb(data, 99)

    assert (probe(data).width, probe(data).height) == shown.size
    turned = [shown.transpose(method).tobytes() for method in Image.Transpose]
    assert open_rgb(WHOLE[kind], 99).tobytes() in [shown.tobytes(), *turned]


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(KINDS), st.integers(0, 5000), st.binary(max_size=9))
def test_bytes_without_side_data_have_the_same_pixels_or_none(kind, at, junk):
    data = WHOLE[kind]
    plain = without_side_data(data)

    assert Image.open(io.BytesIO(plain)).tobytes() == Image.open(io.BytesIO(data)).tobytes()
    without_side_data(data[: at % len(data)] + junk)  # whatever comes, it ends


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_grey_values_are_shown_over_the_bits_that_they_have(kind, bits):
    ramp = np.linspace(0, 2**bits - 1, 48 * 24).astype(np.uint16).reshape(24, 48)
    shown = np.asarray(open_rgb(saved(Image.fromarray(ramp), kind), 99))[..., 0]

    assert (shown[0, 0], shown[-1, -1]) == (0, 255)
    assert np.abs(shown.ravel() - np.linspace(0, 255, 48 * 24)).max() < 1


def test_a_file_says_how_many_bits_a_dark_image_has():
    dark = Image.fromarray(np.full((24, 48), 500, np.uint16))
    tagged = [saved(dark, "TIFF", tiffinfo={tag: 4095}) for tag in (281, 341)]
    tagged.append(with_chunk(saved(dark, "PNG"), chunk(b"sBIT", b"\x0c")))
    scaled = Image.fromarray(np.full((24, 48), 40_000, np.uint16))  # as PNG asks for it

    assert {open_rgb(data, 99).getpixel((0, 0))[0] for data in tagged} == {31}
    assert open_rgb(saved(dark, "PNG"), 99).getpixel((0, 0))[0] == 125  # 10 bits hold it
    data = with_chunk(saved(scaled, "PNG"), chunk(b"sBIT", b"\x0c"))
    assert open_rgb(data, 99).getpixel((0, 0))[0] == 156


HELD = """
import sys
from pathlib import Path
from biomedica_dataset.images.decode import decode_rgb
def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) // 1024
data, before = Path(sys.argv[1]).read_bytes(), peak()
print(decode_rgb(data, 1 << 20).shape, peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    ("mode", "kind", "turn"), [("RGB", "PNG", 1), ("I;16", "PNG", 1), ("RGB", "JPEG", 6)]
)
def test_decoding_holds_no_more_memory_than_its_limit_counts(mode, kind, turn, tmp_path):
    path = tmp_path / "large"
    Image.new(mode, (8_000, 6_000)).save(path, kind, exif=exif(turn))
    command = [sys.executable, "-c", HELD, path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    shape, held = done.stdout.rsplit(maxsplit=1)

    assert shape == str((8_000, 6_000, 3) if turn == 6 else (6_000, 8_000, 3))
    each = {"RGB": 7, "I;16": 5}[mode]
    assert int(held) < 48 * each * 1e6 / 2**20 + 60


def progressive(size, scans):
    """Return a progressive JPEG that repeats its last scan."""
    data = saved(Image.new("RGB", size), "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * scans + data[-2:]


def test_a_jpeg_of_dozens_of_scans_is_refused_before_it_is_decoded():
    huge = progressive((7000, 7000), 60)
    begun = time.process_time()
    for refused in (open_upright, lambda data: open_rgb(data, 99)):
        with pytest.raises(ArticleError, match="too_many_scans"):
            refused(huge)

    assert decoding_problem(huge) == decoding_problem(progressive((48, 24), 40)) == "too_many_scans"
    assert time.process_time() - begun < 5
    assert decoding_problem(progressive((48, 24), 8)) is None


def test_scans_of_thumbnails_are_not_those_of_the_image():
    data = saved(WIDE, "JPEG", progressive=True)
    thumbnails = b"".join(segment(0xE2, progressive((8, 8), 60)) for _ in range(3))

    assert decoding_problem(data[:2] + thumbnails + data[2:]) is None


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "GIF", "BMP"])
def test_a_cut_image_has_a_problem_at_any_scale(kind):
    large = Image.effect_noise((400, 300), 90).convert("RGB")
    data = saved(large, kind)

    assert decoding_problem(data) is None
    assert decoding_problem(data[: len(data) * 2 // 3]) == "not_decodable"
