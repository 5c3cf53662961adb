"""Data beside the pixels of an image: what it says of them, and the bytes without it.

None of it decides whether an image can be read. EXIF and XMP say how it is turned, two tags and a
chunk say how many bits a sample has; what cannot be read of these counts as absent.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

_ORIENTATION = 0x0112
_MAXIMA = (281, 341)  # MaxSampleValue and SMaxSampleValue of TIFF
_BITS = 258
_XMP = re.compile(rb'tiff:Orientation(?:="|>)([1-8])')
_PREFIX = b"Exif\0\0"
_NUMBERS = {1: "B", 3: "H", 4: "I"}  # types of EXIF

_JPEG, _PNG = b"\xff\xd8", b"\x89PNG\r\n\x1a\n"
_TIFF = {b"II*\0": "<", b"MM\0*": ">"}
_TIFF_PIXELS = {
    *range(254, 267), 273, 274, *range(277, 282), 284, 292, 293, 317, 320, *range(322, 326), 338,
    339, 341, 347, *range(512, 522), *range(529, 533),
}  # fmt: skip
_JFIF, _EXIF, _ADOBE, _COMMENT, _SCAN = 0xE0, 0xE1, 0xEE, 0xFE, 0xDA
_MOST_PARTS = 10_000


def orientation(image: Image.Image, data: bytes) -> int:
    """Return how the stored pixels are turned, 1 to 8 as in EXIF; 1 where nothing says it.

    Pillow turns a TIFF by itself. Of a PNG it reads a chunk behind the pixels only with them.
    """
    if image.format == "TIFF":
        return 1
    info = image.info
    exif = info.get("exif") or _raw_profile(info.get("Raw profile type exif"))
    if exif is None and image.format == "PNG":
        exif = png_chunk(data, b"eXIf")
    turned = _tag(exif) if exif else None
    if turned is None:
        xmp = info.get("xmp") or info.get("XML:com.adobe.xmp")
        xmp = xmp.encode(errors="replace") if isinstance(xmp, str) else xmp
        found = _XMP.search(xmp) if isinstance(xmp, bytes) else None
        turned = int(found[1]) if found else 1
    return turned if turned in range(1, 9) else 1


def declared_maximum(image: Image.Image, data: bytes) -> int:
    """Return the largest grey value that an image may have by its tags; 0 where they do not say."""
    if image.format == "PNG":
        bits = (png_chunk(data, b"sBIT") or b"\0")[0]
        return 2**bits - 1 if bits <= 16 else 0
    if image.format != "TIFF":
        return 0
    tags: Any = image.tag_v2  # type: ignore[attr-defined]
    bits = _largest(tags.get(_BITS))
    known = [_largest(tags.get(tag)) for tag in _MAXIMA]
    known.append((1 << bits) - 1 if bits < 16 else 0)
    return max((value for value in known if value < 2**16), default=0)


def _largest(value: Any) -> int:
    numbers = value if isinstance(value, tuple) else (value,)
    found = (int(n) for n in numbers if isinstance(n, int | float) and 0 <= n < 2**32)
    return max(found, default=0)


def _tag(exif: bytes) -> int | None:
    """Return the orientation in the first directory of EXIF."""
    while exif.startswith(_PREFIX):
        exif = exif[len(_PREFIX) :]
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return None
    try:
        (first,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, first)
        for entry in range(first + 2, first + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(f"{order}HH", exif, entry)
            if tag == _ORIENTATION and kind in _NUMBERS:
                return int(struct.unpack_from(order + _NUMBERS[kind], exif, entry + 8)[0])
    except struct.error:
        return None
    return None


def _raw_profile(text: Any) -> bytes | None:
    """Return EXIF as ImageMagick writes it into a PNG: hexadecimal digits, after three lines."""
    try:
        return bytes.fromhex("".join(text.split("\n")[3:])) if isinstance(text, str) else None
    except ValueError:
        return None


def png_chunk(data: bytes, name: bytes) -> bytes | None:
    """Return the content of the first chunk of a name, if it is whole."""
    at = data.find(name) - 4  # of its length
    if at < len(_PNG):
        return None
    end = at + 12 + int.from_bytes(data[at : at + 4])
    return data[at + 8 : end - 4] if _is_whole(data, at, end) else None


def _is_whole(data: bytes, at: int, end: int) -> bool:
    """Whether a chunk of a PNG has the checksum in its last four bytes."""
    return end <= len(data) and zlib.crc32(data[at + 4 : end - 4]) == int.from_bytes(
        data[end - 4 : end]
    )


def scans(data: bytes) -> int:
    """Return how many scans a JPEG has; a thumbnail in its side data has its own."""
    mark = bytes((0xFF, _SCAN))
    found = data.count(mark)
    return found if found < 8 else without_side_data(data).count(mark)


def without_side_data(data: bytes) -> bytes:
    """Return a JPEG, PNG or TIFF with its pixels and what turns them alone; others as they are."""
    if data[:4] in _TIFF:
        return _plain_tiff(data, _TIFF[data[:4]])
    if data.startswith(_JPEG):
        return b"".join([_JPEG, *_jpeg_parts(data)])
    if data.startswith(_PNG):
        return b"".join([_PNG, *_png_parts(data)])
    return data


def _plain_tiff(data: bytes, order: str) -> bytes:
    """Return a TIFF with another directory behind it, which has the tags of pixels alone."""
    try:
        (first,) = struct.unpack_from(f"{order}I", data, 4)
        (count,) = struct.unpack_from(f"{order}H", data, first)
        tags = struct.unpack_from(f"{order}" + "H10x" * count, data, first + 2)
    except struct.error:
        return data
    starts = [first + 2 + 12 * n for n, tag in enumerate(tags) if tag in _TIFF_PIXELS]
    data += bytes(len(data) % 2)
    directory = [
        struct.pack(f"{order}H", len(starts)), *(data[at : at + 12] for at in starts), bytes(4)
    ]  # fmt: skip
    return b"".join([data[:4], struct.pack(f"{order}I", len(data)), data[8:], *directory])


def _jpeg_parts(data: bytes) -> Iterator[bytes]:
    at = len(_JPEG)
    for _ in range(_MOST_PARTS):
        at = data.find(b"\xff", at)
        if at < 0 or at + 4 > len(data):
            return
        kind, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if kind == _SCAN:
            yield data[at:]
            return
        if kind in (0x00, 0xFF):  # no marker, or filled up
            at += 1
            continue
        part = data[at : at + 2 + length]
        is_side = _JFIF < kind <= 0xEF or kind == _COMMENT
        if not is_side or kind == _ADOBE or (kind == _EXIF and part[4:].startswith(_PREFIX)):
            yield part
        at += len(part)


def _png_parts(data: bytes) -> Iterator[bytes]:
    at = len(_PNG)
    for _ in range(_MOST_PARTS):
        end = at + 12 + int.from_bytes(data[at : at + 4])
        name = data[at + 4 : at + 8]
        if name[:1].isupper() or (name in (b"tRNS", b"eXIf") and _is_whole(data, at, end)):
            yield data[at:end]
        at = end
        if at >= len(data) or name == b"IEND":
            return
