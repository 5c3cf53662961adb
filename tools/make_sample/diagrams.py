"""Drawings that no camera took: charts of steps, networks, trees, molecules, maps, tables."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from .canvas import BLACK, GREY, PALE, PALETTE, SCALE, WHITE, Canvas, Colour, Draw, Point, blob, mix

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random


def flow_chart(_rng: Random, steps: Sequence[str], left_out: Sequence[str] = ()) -> Image.Image:
    """Draw boxes from top to bottom, and to their right what was excluded between them."""
    canvas = Canvas(660 if left_out else 380, 40 + 96 * len(steps))
    for row, step in enumerate(steps):
        top = 22 + 96 * row
        canvas.rect([40, top, 340, top + 56], (232, 240, 248), PALETTE[0], 8)
        for line, words in enumerate(step.split("\n")):
            canvas.text((190, top + 28 + 18 * (line - step.count("\n") / 2)), words, 15)
        if row + 1 < len(steps):
            canvas.arrow((190, top + 56), (190, top + 95))
    for row, words in enumerate(left_out):
        y = 22 + 96 * row + 76
        canvas.arrow((190, y), (396, y))
        canvas.rect([397, y - 19, 630, y + 19], (250, 240, 232), PALETTE[1], 8)
        canvas.text((513, y), words, 14)
    return canvas.done()


def pathway(_rng: Random, names: Sequence[str], title: str) -> Image.Image:
    """Draw proteins from the membrane down to the nucleus, joined by arrows."""
    canvas = Canvas(560, 460, (250, 251, 246))
    canvas.rect([20, 62, 540, 84], (226, 200, 150), (188, 158, 100), 10)
    canvas.text((92, 46), "Membrane", 14, GREY)
    canvas.dot((280, 560), 210, (226, 226, 242), (150, 150, 190))
    canvas.text((280, 434), "Nucleus", 15, (100, 100, 150))
    canvas.text((280, 24), title, 17)
    spots = [(280, 74), (190, 160), (370, 160), (280, 240), (190, 312), (370, 312), (280, 388)]
    for start, end in ((0, 1), (0, 2), (1, 3), (2, 3), (3, 4), (3, 5), (4, 6), (5, 6)):
        (x, y), (u, v) = spots[start], spots[end]
        canvas.arrow((x, y + 20), (u, v - 22), GREY, 2)
    for spot, name, colour in zip(spots, names, (*PALETTE, PALETTE[0]), strict=False):
        tint = mix(colour, WHITE, 0.6)
        canvas.rect([spot[0] - 52, spot[1] - 20, spot[0] + 52, spot[1] + 20], tint, colour, 19)
        canvas.text(spot, name, 15)
    return canvas.done()


def network(rng: Random, names: Sequence[str]) -> Image.Image:
    """Draw a graph of three communities; the hub of each has its name beside it."""
    canvas = Canvas(600, 500)
    hubs = [(170, 160), (430, 170), (290, 370)]
    nodes: list[tuple[Point, int]] = [(hub, group) for group, hub in enumerate(hubs)]
    links = [(0, 1), (1, 2), (0, 2)]
    for group, hub in enumerate(hubs):
        for turn in range(13):
            angle = 2 * math.pi * turn / 13 + rng.uniform(-0.15, 0.15)
            out = rng.uniform(62, 118)
            spot = (hub[0] + out * math.cos(angle), hub[1] + out * math.sin(angle))
            links.append((group, len(nodes)))
            nodes.append((spot, group))
    links += [(rng.randrange(3, len(nodes)), rng.randrange(3, len(nodes))) for _ in range(16)]
    for start, end in links:
        canvas.line([nodes[start][0], nodes[end][0]], (196, 198, 204), 1.2)
    for place, (spot, group) in enumerate(nodes):
        radius = 19 if place < 3 else rng.uniform(5, 9)
        canvas.dot(spot, radius, mix(PALETTE[group], WHITE, 0.2), WHITE)
    for hub, name in zip(hubs, names, strict=True):
        canvas.rect([hub[0] - 50, hub[1] + 22, hub[0] + 50, hub[1] + 42], WHITE, PALE, 6)
        canvas.text((hub[0], hub[1] + 32), name, 14)
    return canvas.done()


def tree(rng: Random, leaves: Sequence[str]) -> Image.Image:
    """Draw a phylogenetic tree with support values at its nodes."""
    canvas = Canvas(600, 70 + 34 * len(leaves))

    def branch(low: int, high: int, x: float) -> float:
        """Draw the subtree of some leaves and give the height at which it hangs."""
        if high - low == 1:
            y = 38.0 + 34 * low
            end = 400 + rng.uniform(-36, 0)
            canvas.line([(x, y), (end, y)], BLACK, 2)
            canvas.text((end + 8, y), leaves[low], 15, anchor="lm")
            return y
        cut = low + max(1, min(high - low - 1, round((high - low) * rng.uniform(0.3, 0.6))))
        step = x + rng.uniform(0.7, 1.1) * (360 - x) / math.log2(high - low + 1.4)
        ends = [branch(low, cut, step), branch(cut, high, step)]
        canvas.line([(step, ends[0]), (step, ends[1])], BLACK, 2)
        y = sum(ends) / 2
        canvas.line([(x, y), (step, y)], BLACK, 2)
        canvas.text((step - 4, y - 10), str(rng.randint(71, 100)), 11, PALETTE[3], "rm")
        return y

    branch(0, len(leaves), 34)
    low = canvas.height - 22
    canvas.line([(40, low), (110, low)], BLACK, 2)
    canvas.text((120, low), "0.05", 13, anchor="lm")
    return canvas.done()


def _ring(canvas: Canvas, centre: Point, double: Sequence[int]) -> list[Point]:
    turns = [math.radians(60 * n - 90) for n in range(6)]
    corners = [(centre[0] + 40 * math.cos(t), centre[1] + 40 * math.sin(t)) for t in turns]
    canvas.line([*corners, corners[0], corners[1]], BLACK, 2.2)
    for side in double:
        ends = [corners[side], corners[(side + 1) % 6]]
        inner = [(x + (centre[0] - x) * 0.2, y + (centre[1] - y) * 0.2) for x, y in ends]
        canvas.line(inner, BLACK, 2.2)
    return corners


def _bond(canvas: Canvas, start: Point, way: Point, name: str) -> None:
    end = (start[0] + way[0], start[1] + way[1])
    canvas.line([start, end], BLACK, 2.2)
    size = 7 + 5 * len(name)
    canvas.rect([end[0] - size, end[1] - 11, end[0] + size, end[1] + 11], WHITE)
    canvas.text(end, name, 17)


def molecule(_rng: Random, name: str, left: str = "HO", right: str = "OCH3") -> Image.Image:
    """Draw two joined aromatic rings with a rest on each side."""
    canvas = Canvas(460, 260)
    apart = 40 * math.sqrt(3)
    first = _ring(canvas, (180, 116), (0, 2, 4))
    second = _ring(canvas, (180 + apart, 116), (0, 2))
    _bond(canvas, first[4], (-44, 26), left)
    _bond(canvas, second[1], (42, -26), right)
    _bond(canvas, second[3], (0, 44), "CH3")
    canvas.text((230, 238), name, 16)
    return canvas.done()


def reaction(_rng: Random, over: str, names: tuple[str, str]) -> Image.Image:
    """Draw one ring molecule, an arrow with its conditions, and the product."""
    canvas = Canvas(700, 240)
    start = _ring(canvas, (130, 110), (0, 2, 4))
    _bond(canvas, start[4], (-40, 24), "HO")
    _bond(canvas, start[1], (40, -24), "NH2")
    canvas.arrow((248, 110), (420, 110), BLACK, 2.4)
    for row, words in enumerate(over.split("\n")):
        canvas.text((334, 88 + 44 * row), words, 15)
    apart = 40 * math.sqrt(3)
    left = _ring(canvas, (520, 110), (0, 2, 4))
    right = _ring(canvas, (520 + apart, 110), (0, 2))
    _bond(canvas, left[4], (-40, 24), "HO")
    _bond(canvas, right[1], (40, -24), "CN")
    canvas.text((130, 210), names[0], 17)
    canvas.text((555, 210), names[1], 17)
    return canvas.done()


def region_map(rng: Random, title: str) -> Image.Image:
    """Draw districts of an island shaded by a rate, with its scale and the study sites."""
    canvas = Canvas(560, 480, (214, 230, 242))
    coast = blob(rng, (244, 258), 160, 0.3)
    shore = Canvas(560, 480, (0, 0, 0))
    shore.shape(coast, WHITE)
    seeds = [(rng.uniform(90, 400), rng.uniform(105, 410)) for _ in range(14)]
    tints = np.array([_rate(rng.random()) for _ in seeds], np.uint8)
    ys, xs = np.mgrid[: canvas.image.height, : canvas.image.width].astype(np.float32) / SCALE
    far = np.stack([np.hypot(xs - x, ys - y) for x, y in seeds])
    districts = Image.fromarray(tints[far.argmin(axis=0)])
    canvas.put(Image.composite(districts, canvas.image, shore.image.convert("L")))
    canvas.line([*coast, coast[0]], (90, 90, 84), 2)
    for x, y in seeds:
        if shore.image.getpixel((round(x * SCALE), round(y * SCALE))) == WHITE:
            canvas.dot((x, y), 5, WHITE, BLACK)
    canvas.text((280, 24), title, 17)
    for row, level in enumerate((0.1, 0.35, 0.6, 0.9)):
        top = 330 + 26 * row
        canvas.rect([470, top, 494, top + 18], _rate(level), GREY)
        canvas.text((502, top + 9), ("0-5", "5-10", "10-20", "> 20")[row], 13, anchor="lm")
    canvas.arrow((500, 110), (500, 60), BLACK, 2.4)
    canvas.text((500, 46), "N", 16)
    return canvas.done()


def _rate(level: float) -> Colour:
    return mix((252, 238, 200), (178, 40, 50), round(level * 3) / 3)


def table(_rng: Random, rows: Sequence[Sequence[str]]) -> Image.Image:
    """Draw a table with a heading and three rules."""
    wide = [max(len(row[n]) for row in rows) * 8.6 + 34 for n in range(len(rows[0]))]
    canvas = Canvas(round(sum(wide)) + 40, 34 + 32 * len(rows))
    right = canvas.width - 20
    for y, thick in ((16, 2.2), (48, 1.2), (canvas.height - 14, 2.2)):
        canvas.line([(20, y), (right, y)], BLACK, thick)
    for i, row in enumerate(rows):
        x = 28.0
        if i and i % 2 == 0:
            canvas.rect([20, 17 + 32 * i, right, 48 + 32 * i], (244, 246, 249))
        for j, cell in enumerate(row):
            canvas.text((x, 33 + 32 * i), cell, 15, anchor="lm")
            x += wide[j]
    return canvas.done()


def panels(
    rng: Random, draws: Sequence[Draw], width: int = 400, letters: str = "ABCDEF"
) -> Image.Image:
    """Draw several images in two columns as one figure with a bold letter over each."""
    images = []
    for draw in draws:
        image = draw(rng)
        high = round(image.height * width / image.width)
        images.append(image.resize((width, high), Image.Resampling.LANCZOS))
    rows = [images[n : n + 2] for n in range(0, len(images), 2)]
    heights = [max(image.height for image in row) + 34 for row in rows]
    canvas = Canvas(2 * (width + 14) + 14, sum(heights) + 12)
    corners = [
        (14 + j * (width + 14), 6 + sum(heights[:i]))
        for i, row in enumerate(rows)
        for j in range(len(row))
    ]
    for letter, (x, y) in zip(letters, corners, strict=False):
        for nudge in (0, 0.6):
            canvas.text((x + 3 + nudge, y + 15), letter, 22, anchor="lm")
    sheet = canvas.done()
    for image, (x, y) in zip(images, corners, strict=True):
        sheet.paste(image, (x, y + 30))
    return sheet
