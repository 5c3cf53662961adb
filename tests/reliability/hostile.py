"""A bucket of articles that mean harm: documents, pictures, names and texts."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from PIL import Image

from .buckets import article, figure, put

if TYPE_CHECKING:
    from pathlib import Path

HARM = (
    "<script>document.title='harmed'</script><img src=x onerror=\"document.title='harmed'\"> "
    "](javascript:alert(3)) ![x](http://example.org/x.png) www.example.org | `x` **b** "
    "--- license: mit {{7*7}} =cmd|' /C calc'!A0 \u202edlrow\u2066 \x9b31m \x85 end"
)
"""HTML, Markdown, YAML, a template, a formula, and what XML lets through of terminals and bidi."""

CONTROLS = "\x1b[31m\x1b]0;harmed\x07 \x00\x9b2J\u202e\ud800"
"""What only JSON can hold."""

TEXTS, NAMES, PICTURES = 8_000_001, 8_000_002, 8_000_003
"""PMCIDs of the articles with harmful texts, names and pictures; the documents come after."""


@dataclass(frozen=True)
class Picture:
    """A picture, and what becomes of it: as a row, and as a vector of a row."""

    data: bytes
    row: str = "kept"
    vector: str = "kept"


def _saved(mode: str, format_: str, **options: object) -> bytes:
    data = io.BytesIO()
    Image.new(mode, (40, 20), 1).save(data, format_, **options)
    return data.getvalue()


def _png(width: int, height: int) -> bytes:
    """Return a PNG whose header says so much, and that holds next to nothing."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def pictures() -> dict[str, Picture]:
    """Return pictures by file name."""
    rotated = Image.Exif()
    rotated[0x0112] = 6
    frames = [Image.new("RGB", (40, 20), (n, 0, 0)) for n in (1, 90, 200)]
    jpeg, png = _saved("RGB", "JPEG"), _saved("RGB", "PNG")
    return {
        "plain.png": Picture(png),
        "header.jpg": Picture(jpeg[:20] + b"no more of it" * 9, "not_an_image"),
        "markup.png": Picture(b"<svg onload='alert(1)'/>", "not_an_image"),
        "empty.gif": Picture(b"", "not_an_image"),
        "zero.png": Picture(_png(0, 7), "not_an_image"),
        "other.jpg": Picture(_saved("P", "GIF")),
        "bomb.png": Picture(_png(60_000, 60_000), "too_many_pixels"),
        "nearly.png": Picture(_png(13_000, 13_000), "kept", "too_many_pixels"),
        "animated.gif": Picture(_animated(frames, "GIF")),
        "animated.webp": Picture(_animated(frames, "WEBP")),
        "cmyk.jpg": Picture(_saved("CMYK", "JPEG")),
        "sixteen.png": Picture(_saved("I;16", "PNG")),
        "sixteen.tif": Picture(_saved("I;16", "TIFF")),
        "float.tif": Picture(_saved("F", "TIFF")),
        "palette.png": Picture(_saved("P", "PNG", transparency=0)),
        "alpha.png": Picture(_saved("LA", "PNG")),
        "bits.png": Picture(_saved("1", "PNG")),
        "rotated.jpg": Picture(_saved("RGB", "JPEG", exif=rotated)),
        "cut.jpg": Picture(jpeg[: len(jpeg) - 8], "kept", "not_decodable"),
        "cut.png": Picture(png[: len(png) - 25], "kept", "not_decodable"),
    }


def _animated(frames: list[Image.Image], format_: str) -> bytes:
    data = io.BytesIO()
    frames[0].save(data, format_, save_all=True, append_images=frames[1:])
    return data.getvalue()


def names() -> dict[str, str]:
    """Return by name of a file what becomes of the figure that asks for it."""
    unsafe = (
        "%2e%2e.png",
        "../up.png",
        "..\\up.png",
        "\u202egnp.exe.png",
        "a\x9bb.png",
        "sub/a.png",
    )
    devices = (
        "CON.png",
        "nul.png",
        "AUX.h.png",
        "com1.png",
        "-rf.png",
        "a b$(id).png",
    )
    return dict.fromkeys(unsafe, "no_file") | dict.fromkeys(devices, "kept")


def documents() -> dict[str, tuple[bytes, str]]:
    """Return documents by what is wrong with them, with what becomes of them."""
    laughs = "".join(f"<!ENTITY l{n + 1} '{f'&l{n};' * 10}'>" for n in range(9))
    inside = figure("g.png", "&l9;").replace("Made up.", "&l9;")
    plain = article(figure("g.png"))
    unread = "corrupt: XML not readable"
    return {
        "laughs": (_doctype(f"<!ENTITY l0 'ha'>{laughs}", inside), unread),
        "quadratic": (_doctype(f"<!ENTITY q '{'a' * 50_000}'>", "&q;" * 500), unread),
        "external": (_doctype("<!ENTITY l9 SYSTEM 'file:///etc/passwd'>", inside), unread),
        "parameter": (
            _doctype("<!ENTITY % p SYSTEM 'http://127.0.0.1:9/p.dtd'> %p;", inside),
            unread,
        ),
        "deep": (article("<sec>" * 20_000 + figure("g.png") + "</sec>" * 20_000), unread),
        "encoding": (plain.replace(b"Made up", "Müde".encode("latin-1")), unread),
        "NUL": (plain.replace(b"Made up", b"Made\0up"), unread),
        "control": (plain.replace(b"Made up", b"&#x1b;[31m"), unread),
        "nothing": (b"", unread),
        "page": (b"<!doctype html><html><script>1</script></html>", unread),
        "wide": (plain.decode().encode("utf-16"), "kept"),
    }


def _doctype(declared: str, figures: str) -> bytes:
    return f"<!DOCTYPE article [{declared}]>\n".encode() + article(figures)


def write_bucket(bucket: Path) -> None:
    """Write all of it as a bucket."""
    good = _saved("RGB", "PNG")
    harm = escape(HARM, {'"': "&quot;"})
    front = (
        f"<front><journal-meta><journal-title-group><journal-title>{harm}</journal-title>"
        f"</journal-title-group></journal-meta><article-meta><title-group><article-title>{harm}"
        f"</article-title></title-group><kwd-group><kwd>{harm}</kwd></kwd-group></article-meta></front>"
    )
    text = figure("g.png", harm).replace("Fig. 0", harm).replace('id="f0"', f'id="{harm}"')
    fields = {"title": HARM + CONTROLS, "citation": HARM + CONTROLS, "doi": CONTROLS}
    put(bucket, TEXTS, article(text, front=front), {"g.png": good}, **fields)
    hrefs = enumerate(escape(name, {'"': "&quot;"}) for name in names())
    figures = "".join(figure(href, f"Made up, {n}.", n) for n, href in hrefs)
    put(bucket, NAMES, article(figures), dict.fromkeys(names(), good))
    shown = "".join(figure(name, f"Made up, {n}.", n) for n, name in enumerate(pictures()))
    put(bucket, PICTURES, article(shown), {n: p.data for n, p in pictures().items()})
    for number, (xml, _fate) in enumerate(documents().values(), start=PICTURES + 1):
        put(bucket, number, xml, {"g.png": good})
