"""Images of whole organs: skin, eye, and what radiology shows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from .canvas import SCALE, WHITE, Canvas, Colour, Point, blob, clouds, mix

if TYPE_CHECKING:
    from random import Random


def _mask(canvas: Canvas, outline: list[Point], blur: float) -> Image.Image:
    made = Image.new("L", canvas.image.size)
    ImageDraw.Draw(made).polygon([(x * SCALE, y * SCALE) for x, y in outline], fill=255)
    return made.filter(ImageFilter.GaussianBlur(blur * SCALE))


def lesion(
    rng: Random, irregular: float = 0.16, dark: float = 0.5, width: int = 480
) -> Image.Image:
    """Draw a pigmented lesion through a dermatoscope; `irregular` is that of its border."""
    canvas = Canvas(width, width * 3 // 4)
    size, centre = canvas.image.size, (width * 0.5, width * 0.375)
    skin, brown = np.array((226, 178, 156), np.float32), np.array((112, 66, 44), np.float32)
    shade = clouds(rng, size, 70)[..., None]
    ground = skin + (shade - 0.5) * 26
    outline = blob(rng, centre, width * rng.uniform(0.2, 0.24), irregular * 2)
    inside = np.asarray(_mask(canvas, outline, 7), np.float32)[..., None] / 255
    patches = clouds(rng, size, 60)[..., None] * 0.75 + clouds(rng, size, 14)[..., None] * 0.25
    pigment = brown * (1 - dark * patches) + (1 - patches) * np.array((58, 40, 30), np.float32)
    pixels = ground * (1 - inside) + pigment * inside
    canvas.put(Image.fromarray(pixels.clip(0, 255).astype(np.uint8)))
    _pigment_net(rng, canvas, centre, width * 0.17)
    for _ in range(rng.randint(5, 9)):
        _hair(rng, canvas)
    canvas.soften(0.5)
    canvas.grain(rng, 3)
    round_view = Image.new("L", size)
    reach = width * 0.49 * SCALE
    x, y = centre[0] * SCALE, centre[1] * SCALE
    ImageDraw.Draw(round_view).ellipse([x - reach, y - reach, x + reach, y + reach], fill=255)
    canvas.fade(round_view.filter(ImageFilter.GaussianBlur(6)), (16, 12, 12))
    return canvas.done()


def _pigment_net(rng: Random, canvas: Canvas, centre: Point, reach: float) -> None:
    for _ in range(150):
        angle, out = rng.uniform(0, 6.3), reach * math.sqrt(rng.random())
        spot = (centre[0] + out * math.cos(angle), centre[1] + out * math.sin(angle))
        tint = mix((60, 34, 24), (128, 82, 56), rng.random())
        canvas.dot(spot, rng.uniform(1.2, 2.8), tint)


def _hair(rng: Random, canvas: Canvas) -> None:
    x, y = rng.uniform(0, canvas.width), rng.uniform(0, canvas.height)
    angle, bend = rng.uniform(0, 6.3), rng.uniform(-0.05, 0.05)
    points = []
    for _ in range(26):
        points.append((x, y))
        x, y, angle = x + 6 * math.cos(angle), y + 6 * math.sin(angle), angle + bend
    canvas.line(points, (58, 40, 34), 1.1)


def fundus(
    rng: Random, spots: int = 0, haemorrhages: int = 0, width: int = 480, *, left: bool = False
) -> Image.Image:
    """Draw the back of a right or left eye, if wanted with pale drusen and dark haemorrhages."""
    canvas = Canvas(width, width, (8, 6, 6))
    middle, reach = (width / 2, width / 2), width * 0.47
    shade = clouds(rng, canvas.image.size, 90)[..., None]
    ground = np.array((196, 84, 36), np.float32) + (shade - 0.5) * 20
    canvas.put(Image.fromarray(ground.clip(0, 255).astype(np.uint8)))
    for step in range(8):
        canvas.dot((width * 0.48, width / 2), 60 - 6 * step, (196 - 9 * step, 84 - 5 * step, 36))
    canvas.soften(10)
    disc = (width * 0.76, width * 0.49)
    _arcades(rng, canvas, disc)
    for _ in range(haemorrhages):
        _mark(rng, canvas, middle, reach * 0.75, ((118, 14, 14), rng.uniform(3, 9)))
    for _ in range(spots):
        _mark(
            rng,
            canvas,
            (width * 0.48, width / 2),
            reach * 0.5,
            ((246, 214, 120), rng.uniform(2, 5)),
        )
    canvas.soften(1.1)
    glow = Canvas(width, width, (0, 0, 0))
    glow.dot(disc, width * 0.075, (58, 120, 84))
    glow.dot((disc[0] + 3, disc[1]), width * 0.035, (70, 150, 130))
    glow.soften(4)
    canvas.glow(glow.image)
    canvas.grain(rng, 3)
    outline = [
        (middle[0] + reach * math.cos(t / 30), middle[1] + reach * math.sin(t / 30))
        for t in range(189)
    ]
    canvas.fade(_mask(canvas, outline, 2), (6, 5, 5))
    return ImageOps.mirror(canvas.done()) if left else canvas.done()


def _arcades(rng: Random, canvas: Canvas, disc: Point) -> None:
    for side in (-1, 1):
        for vein in (0, 1):
            start = math.pi + side * (0.75 - 0.28 * vein)
            dark: Colour = (122, 22, 18) if vein else (160, 38, 26)
            _vessel(rng, canvas, disc, (start, 5.2 - 1.2 * vein, -side * 0.026), dark)
            _vessel(rng, canvas, disc, (side * 1.1, 4 - vein, -side * 0.03), dark)


def _mark(
    rng: Random, canvas: Canvas, centre: Point, reach: float, look: tuple[Colour, float]
) -> None:
    angle, out = rng.uniform(0, 6.3), reach * math.sqrt(rng.random())
    spot = (centre[0] + out * math.cos(angle), centre[1] + out * math.sin(angle))
    canvas.shape(blob(rng, spot, look[1], 0.3), look[0])


def _vessel(
    rng: Random, canvas: Canvas, start: Point, course: tuple[float, float, float], colour: Colour
) -> None:
    """Draw a vessel that thins out and branches; `course` is its angle, width and bend."""
    (x, y), (angle, width, bend) = start, course
    for step in range(70):
        nxt = (x + 6 * math.cos(angle), y + 6 * math.sin(angle))
        canvas.line([(x, y), nxt], colour, width)
        (x, y), width = nxt, width * 0.985
        angle += bend + rng.uniform(-0.09, 0.09)
        if step % 16 == 10 and width > 2:
            turn = rng.choice((-0.6, 0.6))
            _vessel(rng, canvas, (x, y), (angle + turn, width * 0.55, -bend / 2), colour)


def chest_ct(rng: Random, *, nodule: bool = False, width: int = 500) -> Image.Image:
    """Draw an axial slice of a chest; with `nodule`, a bright spot in one lung."""
    canvas = Canvas(width, width * 4 // 5, (6, 6, 6))
    x, y, unit = width / 2, width * 0.4, width / 500

    def oval(dx: float, dy: float, rx: float, ry: float, grey: int) -> None:
        box = [
            x + (dx - rx) * unit,
            y + (dy - ry) * unit,
            x + (dx + rx) * unit,
            y + (dy + ry) * unit,
        ]
        canvas.pen.ellipse([v * SCALE for v in box], fill=(grey, grey, grey))

    oval(0, 0, 218, 158, 112)
    oval(0, -2, 204, 144, 150)
    for side in (-1, 1):
        oval(side * 100, -4, 82, 108, 190)
        oval(side * 100, -4, 76, 102, 26)
        for _ in range(34):
            angle, out = rng.uniform(0, 6.3), 0.85 * math.sqrt(rng.random())
            spot = (side * 100 + 76 * out * math.cos(angle), -4 + 100 * out * math.sin(angle))
            size = rng.uniform(1.2, 3.4)
            oval(*spot, size, size, rng.randint(90, 150))
        for rib in range(5):
            oval(side * (196 - 13 * abs(rib - 2) ** 1.6), -90 + 45 * rib, 8, 14, 232)
    oval(-14, -34, 62, 58, 158)
    oval(8, -22, 42, 40, 178)
    oval(0, 96, 30, 26, 226)
    oval(0, 74, 15, 12, 120)
    oval(34, 58, 14, 14, 182)
    if nodule:
        oval(-122, -26, 13, 12, 186)
    canvas.soften(1.5)
    canvas.grain(rng, 12)
    if nodule:
        spot = (x - 138 * unit, y - 40 * unit)
        canvas.arrow((spot[0] - 34, spot[1] - 30), spot, WHITE, 2.4)
    canvas.text((20, 22), "R", 17, WHITE)
    return canvas.done()


def radiograph(rng: Random, *, fracture: bool = True, width: int = 380) -> Image.Image:
    """Draw the two bones of a forearm; with `fracture`, a dark line through one of them."""
    canvas = Canvas(width, width * 4 // 3, (14, 15, 18))
    high = canvas.height
    limb = [(width * 0.2, 0), (width * 0.8, 0), (width * 0.7, high), (width * 0.27, high)]
    canvas.shape(limb, (66, 68, 74))
    canvas.soften(16)
    for left, thick in ((0.4, 0.055), (0.6, 0.065)):
        for share, grey in ((1.0, 176), (0.62, 140)):
            right_side, left_side = [], []
            for step in range(41):
                t = step / 40
                flare = 1 + 0.6 * (2 * t - 1) ** 4
                middle = width * (left + 0.02 * math.sin(3 * t + left * 9))
                half = width * thick * share * flare
                left_side.append((middle - half, high * (0.08 + 0.84 * t)))
                right_side.append((middle + half, high * (0.08 + 0.84 * t)))
            tint = (grey, grey, grey + 4)
            canvas.shape(left_side + right_side[::-1], tint)
            for end in (0, -1):
                reach = (right_side[end][0] - left_side[end][0]) / 2
                canvas.dot((left_side[end][0] + reach, left_side[end][1]), reach, tint)
    if fracture:
        edge, y = width * 0.5, high * 0.62
        crack = [(edge + 12 * n, y + (-1) ** n * 5 - 5 * n) for n in range(8)]
        canvas.line(crack, (50, 52, 58), 4)
    canvas.soften(2.2)
    canvas.grain(rng, 9)
    if fracture:
        canvas.arrow((width * 0.92, high * 0.68), (width * 0.73, high * 0.605), WHITE, 2.4)
    canvas.text((width - 26, 26), "L", 20, WHITE)
    return canvas.done()


def ultrasound(rng: Random, width: int = 500) -> Image.Image:
    """Draw a fan of speckle with a dark, round cyst."""
    canvas = Canvas(width, width * 4 // 5, (4, 4, 5))
    size = canvas.image.size
    depth = clouds(rng, size, 60) * 70 + clouds(rng, size, 9) * 70 + clouds(rng, size, 4) * 90 - 50
    depth = depth[..., None]
    canvas.put(Image.fromarray(np.repeat(depth.clip(0, 255), 3, axis=2).astype(np.uint8)))
    cyst = (width * rng.uniform(0.42, 0.58), width * 0.42)
    canvas.shape(blob(rng, cyst, width * 0.105, 0.1), (10, 10, 12))
    below = blob(rng, (cyst[0], cyst[1] + width * 0.2), width * 0.075, 0.1)
    light = Image.new("RGB", size, (150, 150, 152))
    echo = _mask(canvas, below, 9).point([level // 2 for level in range(256)])
    canvas.put(Image.composite(light, canvas.image, echo))
    canvas.soften(0.9)
    canvas.grain(rng, 16)
    top, reach = (width / 2, -width * 0.12), width * 0.86
    arc = [
        (top[0] + reach * math.sin(t / 40), top[1] + reach * math.cos(t / 40))
        for t in range(-26, 27)
    ]
    near = [(top[0] + (x - top[0]) * 0.2, top[1] + (y - top[1]) * 0.2) for x, y in arc]
    canvas.fade(_mask(canvas, arc + near[::-1], 1), (4, 4, 5))
    return canvas.done()
