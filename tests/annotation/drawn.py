"""Compound figures drawn for tests, and where their panels are."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

FONT = ImageFont.load_default(26)

GRID = [(10, 10, 390, 290), (410, 10, 790, 290), (10, 310, 390, 590), (410, 310, 790, 590)]
IRREGULAR = [(10, 10, 290, 590), (310, 10, 790, 240), (310, 260, 540, 590), (560, 260, 790, 590)]
TOUCHING = [(0, 0, 300, 260), (300, 0, 620, 260), (0, 260, 300, 520), (300, 260, 620, 520)]
COLOURS = ["#301820", "#18402a", "#202850", "#503818"]


def figure(boxes, size, *, ground="white", ink="black", corner=(8, 4), letters="ABCDEFGH"):
    """Draw panels as plots with their letters inside, at a corner."""
    image = Image.new("RGB", size, ground)
    draw = ImageDraw.Draw(image)
    for letter, (x0, y0, x1, y1) in zip(letters, boxes, strict=False):
        draw.rectangle([x0 + 50, y0 + 40, x1 - 1, y1 - 1], outline=ink, width=2)
        for step in range(1, 5):
            middle = (y0 + y1) / 2 + 9 * step
            draw.line([x0 + 60, middle, x1 - 20, middle - 40], ink, 2)
        x = x0 + corner[0] if corner[0] >= 0 else x1 + corner[0]
        y = y0 + corner[1] if corner[1] >= 0 else y1 + corner[1]
        draw.text((x, y), letter, ink, FONT)
    return image


def photographs(boxes, size, colours):
    """Draw panels as areas that touch, with a white letter in each."""
    image = Image.new("RGB", size)
    draw = ImageDraw.Draw(image)
    for letter, box, colour in zip("ABCDEFGH", boxes, colours, strict=False):
        draw.rectangle([box[0], box[1], box[2] - 1, box[3] - 1], fill=colour)
        draw.ellipse([box[0] + 80, box[1] + 80, box[0] + 140, box[1] + 120], fill="#807060")
        draw.text((box[0] + 10, box[1] + 6), letter, "white", FONT)
    return image
