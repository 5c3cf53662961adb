"""Images as a microscope or a gel reader takes them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from .canvas import BLACK, SCALE, WHITE, Canvas, Colour, Point, blob, clouds, mix

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random


def _apart(rng: Random, size: tuple[int, int], gap: float, wanted: int) -> list[Point]:
    """Scatter points that keep a distance from each other."""
    points: list[Point] = []
    for _ in range(wanted * 12):
        spot = (rng.uniform(10, size[0] - 10), rng.uniform(10, size[1] - 10))
        if all(math.dist(spot, other) > gap for other in points):
            points.append(spot)
        if len(points) == wanted:
            break
    return points


def fluorescence(
    rng: Random,
    cytoplasm: Colour = (40, 190, 90),
    nucleus: Colour = (60, 90, 235),
    cells: int = 22,
    width: int = 520,
) -> Image.Image:
    """Draw cells that glow in one colour with nuclei in another, on black."""
    canvas = Canvas(width, width * 3 // 4, (4, 5, 9))
    radius = width / 15
    spots = _apart(rng, (canvas.width, canvas.height), radius * 2.0, cells)
    nuclei = Canvas(canvas.width, canvas.height, (0, 0, 0))
    for spot in spots:
        bright = rng.uniform(0.45, 0.95)
        canvas.shape(
            blob(rng, spot, radius * rng.uniform(0.85, 1.25), 0.35),
            mix((0, 0, 0), cytoplasm, bright),
        )
        reach = radius * rng.uniform(0.36, 0.48)
        place = (spot[0] + rng.uniform(-4, 4), spot[1] + rng.uniform(-4, 4))
        nuclei.shape(blob(rng, place, reach, 0.1), mix((0, 0, 0), nucleus, rng.uniform(0.75, 1)))
    canvas.soften(3.5)
    threads = clouds(rng, canvas.image.size, 9)[..., None] * 0.9 + 0.35
    pixels = np.asarray(canvas.image, dtype=np.float32) * threads
    canvas.put(Image.fromarray(pixels.clip(0, 255).astype(np.uint8)))
    nuclei.soften(1.3)
    canvas.glow(nuclei.image)
    canvas.grain(rng, 7)
    canvas.scale_bar("20 um")
    return canvas.done()


def tissue(rng: Random, density: float = 1.0, glands: int = 3, width: int = 560) -> Image.Image:
    """Draw a pink section with purple nuclei; `glands` are rings of nuclei round a lumen."""
    canvas = Canvas(width, width * 3 // 4, (232, 170, 198))
    shade = clouds(rng, canvas.image.size, 46)[..., None]
    fibres = clouds(rng, canvas.image.size, 12)[..., None]
    pink, pale = np.array((221, 138, 178), np.float32), np.array((247, 216, 228), np.float32)
    ground = pink * shade + pale * (1 - shade) + (fibres - 0.5) * 34
    canvas.put(Image.fromarray(ground.clip(0, 255).astype(np.uint8)))
    for spot in _apart(rng, (width, canvas.height), 7, round(260 * density)):
        _nucleus(rng, canvas, spot, rng.uniform(2.6, 4.6))
    for centre in _apart(rng, (width, canvas.height), width / 3.6, glands):
        reach = rng.uniform(0.07, 0.11) * width
        canvas.shape(blob(rng, centre, reach * 1.35), (206, 128, 178))
        canvas.shape(blob(rng, centre, reach * 0.62), (250, 240, 245))
        rows = round(reach * 0.9)
        for turn in range(rows):
            angle, out = 2 * math.pi * turn / rows, reach * rng.uniform(0.98, 1.15)
            spot = (centre[0] + out * math.cos(angle), centre[1] + out * math.sin(angle))
            _nucleus(rng, canvas, spot, rng.uniform(3.6, 5))
    canvas.soften(0.5)
    canvas.grain(rng, 3.5)
    canvas.scale_bar("100 um", colour=BLACK)
    return canvas.done()


def _nucleus(rng: Random, canvas: Canvas, spot: Point, radius: float) -> None:
    dark = mix((74, 36, 120), (122, 78, 160), rng.random())
    canvas.shape(blob(rng, spot, radius, 0.3), dark)
    canvas.dot((spot[0] - radius * 0.25, spot[1]), radius * 0.25, mix(dark, (20, 10, 60), 0.6))


def blood_smear(rng: Random, white_cells: int = 4, width: int = 540) -> Image.Image:
    """Draw red cells with pale centres and a few white cells with lobed nuclei."""
    canvas = Canvas(width, width * 3 // 4, (246, 238, 232))
    spots = _apart(rng, (width, canvas.height), 31, 150)
    for spot in spots:
        radius = rng.uniform(14, 16.5)
        canvas.shape(blob(rng, spot, radius, 0.05), (222, 140, 132))
        canvas.dot(spot, radius * 0.42, (240, 190, 180))
    canvas.soften(1.6)
    for spot in _apart(rng, (width, canvas.height), 120, white_cells):
        canvas.shape(blob(rng, spot, 30, 0.06), (214, 200, 226))
        for lobe in range(3):
            angle = lobe * 2.2 + rng.uniform(0, 0.6)
            place = (spot[0] + 11 * math.cos(angle), spot[1] + 11 * math.sin(angle))
            canvas.shape(blob(rng, place, 11, 0.12), (92, 52, 138))
    canvas.soften(0.6)
    canvas.grain(rng, 3)
    canvas.scale_bar("10 um", colour=BLACK)
    return canvas.done()


def electron_micrograph(rng: Random, particles: int = 16, width: int = 520) -> Image.Image:
    """Draw grey particles with a dark rim, as a transmission electron microscope shows them."""
    canvas = Canvas(width, width * 3 // 4, (178, 178, 178))
    ground = clouds(rng, canvas.image.size, 40)[..., None] * 46 + 150
    canvas.put(Image.fromarray(np.repeat(ground, 3, axis=2).astype(np.uint8)))
    for spot in _apart(rng, (width, canvas.height), 62, particles):
        radius = rng.uniform(19, 30)
        canvas.shape(blob(rng, spot, radius + 4, 0.07), (206, 206, 206))
        canvas.shape(blob(rng, spot, radius, 0.07), (66, 66, 66))
        canvas.shape(blob(rng, spot, radius * 0.78, 0.07), (132, 132, 132))
        canvas.shape(blob(rng, spot, radius * 0.36, 0.2), (84, 84, 84))
    canvas.soften(1.4)
    canvas.grain(rng, 20)
    canvas.soften(0.4)
    canvas.scale_bar("200 nm", 110, BLACK)
    return canvas.done()


def plate(rng: Random, colonies: int = 60, zones: int = 0, width: int = 440) -> Image.Image:
    """Draw an agar plate with colonies; `zones` are discs with a clear halo of inhibition."""
    canvas = Canvas(width, width, (40, 42, 46))
    middle, reach = (width / 2, width / 2), width * 0.46
    canvas.dot(middle, reach, (214, 208, 190))
    canvas.dot(middle, reach * 0.95, (232, 204, 150))
    if zones:
        _lawn(rng, canvas, middle, reach, zones)
    else:
        for spot in _apart(rng, (width, width), 13, colonies * 2):
            if math.dist(spot, middle) < reach * 0.88:
                radius = rng.uniform(3.4, 7.5)
                canvas.dot((spot[0] + 1.5, spot[1] + 2), radius, (196, 166, 112))
                canvas.dot(spot, radius, (250, 243, 222))
                canvas.dot((spot[0] - radius / 3, spot[1] - radius / 3), radius / 4, WHITE)
    canvas.soften(0.6)
    canvas.grain(rng, 3)
    return canvas.done()


def _lawn(rng: Random, canvas: Canvas, middle: Point, reach: float, zones: int) -> None:
    canvas.dot(middle, reach * 0.93, (206, 178, 122))
    canvas.grain(rng, 9)
    for disc in range(zones):
        angle = 2 * math.pi * disc / zones + 0.4
        spot = (
            middle[0] + reach * 0.52 * math.cos(angle),
            middle[1] + reach * 0.52 * math.sin(angle),
        )
        canvas.dot(spot, 18 + 11 * disc % 44 + rng.uniform(0, 5), (238, 214, 164))
        canvas.dot(spot, 11, WHITE, (190, 190, 186))
        canvas.text(spot, "ABCDEF"[disc], 13)


def gel(rng: Random, lanes: Sequence[str], rows: Sequence[str]) -> Image.Image:
    """Draw blot bands: one strip for each of `rows`, one band in it for each of `lanes`."""
    canvas = Canvas(150 + 74 * len(lanes), 60 + 74 * len(rows))
    for i, row in enumerate(rows):
        top = 46 + 74 * i
        strip = Image.new("L", ((74 * len(lanes) + 10) * SCALE, 58 * SCALE), 222)
        pen = ImageDraw.Draw(strip)
        last = i == len(rows) - 1
        for j in range(len(lanes)):
            share = 0.85 if last else 0.2 + 0.7 * (j + 1) / len(lanes)
            dark = round(215 - 190 * max(0.05, min(1, share + rng.uniform(-0.08, 0.08))))
            x, y = (74 * j + 42) * SCALE, (29 + rng.uniform(-2, 2)) * SCALE
            half, high = (25 + rng.uniform(-2, 2)) * SCALE, (6.5 + rng.uniform(-1, 1.5)) * SCALE
            pen.rounded_rectangle([x - half, y - high, x + half, y + high], high, fill=dark)
        strip = strip.filter(ImageFilter.GaussianBlur(3.2 * SCALE))
        canvas.image.paste(strip.convert("RGB"), (24 * SCALE, top * SCALE))
        right = 34 + 74 * len(lanes)
        canvas.rect([24, top, right, top + 58], outline=BLACK)
        canvas.text((right + 12, top + 29), row, 14, anchor="lm")
    canvas.grain(rng, 2)
    for j, lane in enumerate(lanes):
        canvas.text((66 + 74 * j, 26), lane, 14)
    return canvas.done()
