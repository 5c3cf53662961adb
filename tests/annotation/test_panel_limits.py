"""Figures and captions that ask for too much, or that nobody would draw."""

from __future__ import annotations

import io
import random
import struct
import time
import zlib
from string import ascii_uppercase

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from biomedica_dataset.annotation.panels.boxes import Box
from biomedica_dataset.annotation.panels.cut import cut_between
from biomedica_dataset.annotation.panels.find_panels import find_apart, find_panels
from biomedica_dataset.annotation.panels.find_stage import panels
from biomedica_dataset.annotation.panels.letters import SIDES, Letter, read_letter
from biomedica_dataset.annotation.panels.lines import Lines
from biomedica_dataset.annotation.panels.panels import Panels
from biomedica_dataset.annotation.panels.spots import choose_spots, lengthened
from biomedica_dataset.errors import ArchiveError
from biomedica_dataset.extraction.extract import extract
from biomedica_dataset.images.decode import open_rgb

from .bucket import write_articles
from .drawn import FONT, GRID, figure

CAPTION = "Growth. (A) Controls. (B) Cells. (C) Mice. (D) People. Figure"


@given(st.text(max_size=40), st.booleans())
def test_whatever_is_read_is_a_single_letter_or_nothing(text, is_glyph):
    found = read_letter(text, 0.9, Box(0, 0, 20, 20), is_glyph=is_glyph)

    assert found is None or found.letter in ascii_uppercase + "0123456789"


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "A\u202e", "\u202eA", "\x1b[31mA", "A\0", "А", "Ａ", "𝐀"]
)
def test_hostile_texts_and_letters_that_only_look_latin_are_no_letters(text):
    for is_glyph in (False, True):
        assert read_letter(text, 0.9, Box(0, 0, 20, 20), is_glyph=is_glyph) is None


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 900), (900, 1), (17, 17)])
@pytest.mark.parametrize("colour", ["white", "black"])
def test_an_image_of_hardly_a_pixel_stays_whole(reader, size, colour):
    image = Image.new("RGB", size, colour)

    assert find_panels(image, "AB", reader) == "letters_not_read"
    assert find_apart(image, [], reader) == "one_image"


def test_noise_gives_no_sure_panel(reader):
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    found = find_panels(Image.fromarray(noise), "AB", reader)

    assert isinstance(found, str) or max(panel.score for panel in found) < 0.5


def test_a_panel_that_is_hardly_more_than_its_letter_leaves_the_figure_whole(reader):
    image = figure(GRID, (800, 600), letters="ABC")
    draw = ImageDraw.Draw(image)
    draw.rectangle(GRID[3], fill="white")
    draw.text((760, 560), "D", "black", FONT)

    assert find_panels(image, "ABCD", reader) == "letters_not_apart"


def stray(rng, letter):
    x, y, height = rng.randrange(1500), rng.randrange(1500), rng.randrange(12, 40)
    return Letter(letter, Box(x, y, x + height, y + height), height, None, 1.0, is_glyph=True)


@pytest.mark.slow
def test_an_image_full_of_letters_takes_seconds():
    rng = random.Random(0)
    letters = [stray(rng, letter) for letter in ascii_uppercase for _ in range(20)]
    started = time.process_time()
    found = choose_spots(letters, ascii_uppercase)
    lengthened(letters, "ABC")
    lines = Lines(Image.frombytes("L", (700, 500), rng.randbytes(700 * 500)).convert("RGB"))
    cut_between(lines, {name: one.box.scaled(0.3) for name, one in found.items()})

    assert len(found) > 20
    assert time.process_time() - started < 60


@pytest.mark.slow
def test_a_figure_of_200_letters_ends_soon_with_its_panels_or_why_not(reader):
    image = Image.new("RGB", (1600, 1200), "white")
    draw = ImageDraw.Draw(image)
    for number in range(200):
        x, y = 10 + 79 * (number % 20), 10 + 118 * (number // 20)
        draw.text((x, y), ascii_uppercase[number % 26], "black", FONT)
    started = time.process_time()
    found = find_panels(image, ascii_uppercase, reader)

    assert found in ("letters_not_read", "letters_not_apart") or len(found) == 26
    assert time.process_time() - started < 60


@pytest.mark.slow
def test_an_image_of_100_megapixels_that_can_be_decoded_is_searched_at_a_small_scale(reader):
    data = as_bytes(Image.new("1", (10_000, 10_000), 1))
    started = time.process_time()

    assert next(reader.looks(open_rgb(data, SIDES[-1]))).letters == []
    assert time.process_time() - started < 60


def huge_png(side):
    """Return a whole PNG of four channels, as compressed as it can be."""
    pack, row = zlib.compressobj(1), bytes(1 + 4 * side)
    pixels = b"".join([*(pack.compress(row) for _ in range(side)), pack.flush()])
    header = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def as_bytes(image, kind="PNG"):
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """Keys and panels of an archive of odd figures that all name panels A to D."""
    folder = tmp_path_factory.mktemp("odd")
    good = as_bytes(figure(GRID, (800, 600)))
    pictures = [good, good[:-900], b"not an image", huge_png(13_000),
                as_bytes(Image.new("RGB", (1, 1)))]  # fmt: skip
    keys = write_articles(folder / "bucket", pictures, caption=CAPTION)
    extract(str(folder / "bucket"), str(folder / "archive"))
    return keys, panels(folder / "archive", folder / "panels", workers=1), folder / "panels"


@pytest.mark.slow
def test_broken_and_huge_images_stay_whole_and_are_counted(odd):
    keys, report, folder = odd
    there = Panels.open(folder)
    found = [row for block in there.blocks() for row in there.read(block).to_pylist()]

    assert {row["figure"] for row in found} == {keys[0]}
    assert [row["letter"] for row in found] == list("ABCD")
    assert report.figures.kept == 1
    assert report.figures.seen == 1 + sum(report.figures.dropped.values())
    assert report.figures.dropped["letters_not_read"] == 1
    assert report.figures.dropped["too_many_pixels"] == 1
    assert report.figures.dropped["not_decodable"] >= 1
    assert report.panels.seen == 4 * report.figures.seen


@pytest.mark.parametrize(
    "letter",
    ["<img src=x>", "A\u202e", "\x1b[31mA", "AA", "", "../A", "100", "left\n", "A" * 10**5],
)
def test_a_letter_that_none_of_ours_can_be_is_refused_in_a_plain_line(odd, tmp_path, letter):
    _, _, folder = odd
    there = Panels.open(folder)
    (block,) = (block for block in there.blocks() if len(there.read(block)))
    name = f"blocks/{block:07d}.parquet"
    (tmp_path / "blocks").mkdir()
    for one in ("panels.json", name):
        (tmp_path / one).write_bytes((folder / one).read_bytes())
    table = pq.read_table(folder / name)
    letters = pc.replace_with_mask(table["letter"], [True] + [False] * (len(table) - 1), letter)
    pq.write_table(table.set_column(table.column_names.index("letter"), "letter", letters),
                   tmp_path / name)  # fmt: skip
    with pytest.raises(ArchiveError) as error:
        Panels.open(tmp_path).read(block)

    assert str(error.value).isprintable()
    assert len(str(error.value)) < 600
