"""Plots: a frame with axes, and what is drawn in it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .canvas import BLACK, GREY, PALE, PALETTE, Canvas, Colour, Point, mix

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from PIL import Image

Span = tuple[float, float]


@dataclass(frozen=True)
class Frame:
    """The box of a plot and the numbers at its edges."""

    canvas: Canvas
    box: tuple[float, float, float, float]
    xs: Span
    ys: Span

    def at(self, x: float, y: float) -> Point:
        """Give the place of a pair of numbers on the canvas."""
        left, top, right, low = self.box
        across = (x - self.xs[0]) / (self.xs[1] - self.xs[0])
        up = (y - self.ys[0]) / (self.ys[1] - self.ys[0])
        return left + across * (right - left), low - up * (low - top)


def _number(value: float) -> str:
    whole = abs(value) >= 20 or abs(value - round(value)) < 1e-6
    return f"{value:.0f}" if whole else f"{value:.2g}"


def frame(
    canvas: Canvas, names: tuple[str, str], xs: Span, ys: Span, *, ticks: bool = True
) -> Frame:
    """Draw the axes of a plot.

    Parameters
    ----------
    canvas
        Where to draw.
    names
        The words at the horizontal and at the vertical axis.
    xs, ys
        The numbers at both ends of each axis.
    ticks
        Whether the horizontal axis has numbers.
    """
    made = Frame(canvas, (78, 26, canvas.width - 24, canvas.height - 66), xs, ys)
    left, top, right, low = made.box
    for step in range(6):
        y = ys[0] + (ys[1] - ys[0]) * step / 5
        place = made.at(xs[0], y)[1]
        canvas.line([(left, place), (right, place)], PALE, 1)
        canvas.text((left - 8, place), _number(y), 13, anchor="rm")
        if ticks:
            x = xs[0] + (xs[1] - xs[0]) * step / 5
            across = made.at(x, ys[0])[0]
            canvas.line([(across, low), (across, low + 5)])
            canvas.text((across, low + 17), _number(x), 13)
    canvas.line([(left, top), (left, low), (right, low)], BLACK, 1.6)
    canvas.text(((left + right) / 2, canvas.height - 22), names[0], 15)
    canvas.upright((22, (top + low) / 2), names[1], 15)
    return made


def legend(canvas: Canvas, where: Point, names: Sequence[str]) -> None:
    """Write the names of the series, each after a patch of its colour."""
    for row, name in enumerate(names):
        x, y = where[0], where[1] + row * 20
        canvas.rect([x, y - 5, x + 16, y + 5], fill=PALETTE[row])
        canvas.text((x + 23, y), name, 13, anchor="lm")


def bars(rng: Random, groups: Sequence[str], names: tuple[str, str], top: float) -> Image.Image:
    """Draw one bar with an error bar for each group, rising to about `top`."""
    canvas = Canvas(150 + 92 * len(groups), 400)
    plot = frame(canvas, names, (0, len(groups)), (0, top), ticks=False)
    for place, group in enumerate(groups):
        share = 0.25 + 0.55 * (place + 1) / len(groups) + rng.uniform(-0.08, 0.08)
        spread = rng.uniform(0.03, 0.08)
        (left, high), (right, low) = plot.at(place + 0.22, top * share), plot.at(place + 0.78, 0)
        canvas.rect([left, high, right, low], PALETTE[place % 6], BLACK)
        ends = [plot.at(place + 0.5, top * (share + way * spread)) for way in (-1, 1)]
        canvas.line(ends)
        for x, y in ends:
            canvas.line([(x - 7, y), (x + 7, y)])
        canvas.text((plot.at(place + 0.5, 0)[0], low + 17), group, 13)
    return canvas.done()


def lines(
    rng: Random,
    series: Sequence[str],
    names: tuple[str, str],
    xs: Span,
    top: float,
    shape: str = "growth",
) -> Image.Image:
    """Draw curves with markers; `shape` is growth, wave or decay."""
    canvas = Canvas(600, 420)
    plot = frame(canvas, names, xs, (0, top))
    for row, _ in enumerate(series):
        rate, reach = 1 / (1 + 0.6 * row), 0.9 - 0.17 * row
        points = []
        for step in range(13):
            t = step / 12
            level = {
                "growth": 0.04 + (reach - 0.04) / (1 + math.exp(-13 * (t - 0.38 / rate**0.3))),
                "wave": 0.1 + reach * 0.85 * math.exp(-(((t - 0.45 - 0.12 * row) / 0.17) ** 2)),
                "decay": 0.06 + (0.88 - 0.05 * row) * math.exp(-4.2 * t * rate),
            }[shape]
            level = max(0.01, level + rng.gauss(0, 0.012))
            points.append(plot.at(xs[0] + (xs[1] - xs[0]) * t, top * level))
        canvas.line(points, PALETTE[row], 2.2)
        for point in points:
            canvas.dot(point, 4.2, PALETTE[row])
    corner = (plot.box[0] + 20, 40) if shape == "growth" else (plot.box[2] - 130, 40)
    legend(canvas, corner, series)
    return canvas.done()


def survival(
    rng: Random, series: Sequence[str], names: tuple[str, str], months: int
) -> Image.Image:
    """Draw Kaplan-Meier steps with marks for the censored."""
    canvas = Canvas(600, 430)
    plot = frame(canvas, names, (0, months), (0, 1))
    for row, _ in enumerate(series):
        alive, last, points = 1.0, 0.0, [plot.at(0, 1)]
        while last < months * 0.95:
            last = min(months * 0.98, last + rng.expovariate(26 / months))
            points.append(plot.at(last, alive))
            if rng.random() < 0.25:
                x, y = points[-1]
                canvas.line([(x, y - 6), (x, y + 6)], PALETTE[row])
            alive *= 1 - rng.uniform(0.008, 0.03) * (1 + 1.3 * row)
            points.append(plot.at(last, alive))
        canvas.line(points, PALETTE[row], 2.2)
    legend(canvas, (plot.box[0] + 22, plot.box[3] - 20 * len(series)), series)
    return canvas.done()


def scatter(
    rng: Random, names: tuple[str, str], xs: Span, ys: Span, groups: Sequence[str] = ()
) -> Image.Image:
    """Draw a cloud of points with its straight line; with `groups`, one separate cloud for each."""
    canvas = Canvas(560, 440)
    plot = frame(canvas, names, xs, ys)
    wide, high = xs[1] - xs[0], ys[1] - ys[0]
    for row in range(max(1, len(groups))):
        middle = (0.24 + 0.27 * row, 0.3 + 0.4 * ((row * 2) % 3) / 2)
        for _ in range(46 if groups else 90):
            u = rng.gauss(middle[0], 0.075) if groups else rng.uniform(0.04, 0.97)
            v = rng.gauss(middle[1], 0.08) if groups else 0.16 + 0.6 * u + rng.gauss(0, 0.07)
            point = plot.at(xs[0] + wide * u, ys[0] + high * min(0.98, max(0.02, v)))
            canvas.dot(point, 4.6, mix(PALETTE[row], (255, 255, 255), 0.25), PALETTE[row])
    if groups:
        legend(canvas, (plot.box[2] - 130, 38), groups)
    else:
        ends = [plot.at(xs[0] + wide * u, ys[0] + high * (0.16 + 0.6 * u)) for u in (0.03, 0.98)]
        canvas.line(ends, PALETTE[3], 2.4)
    return canvas.done()


def histogram(rng: Random, names: tuple[str, str], xs: Span, top: float) -> Image.Image:
    """Draw the counts of a bell-shaped quantity."""
    canvas = Canvas(560, 400)
    plot = frame(canvas, names, xs, (0, top))
    for bin_ in range(18):
        share = 0.86 * math.exp(-(((bin_ - 7.5) / 4.1) ** 2)) * rng.uniform(0.85, 1.1) + 0.01
        edges = [xs[0] + (xs[1] - xs[0]) * (bin_ + side) / 18 for side in (0, 1)]
        (left, high), (right, low) = plot.at(edges[0], top * share), plot.at(edges[1], 0)
        canvas.rect([left, high, right, low], mix(PALETTE[0], (255, 255, 255), 0.2), BLACK)
    return canvas.done()


def boxes(rng: Random, groups: Sequence[str], names: tuple[str, str], ys: Span) -> Image.Image:
    """Draw a box plot with its single points for each group."""
    canvas = Canvas(140 + 110 * len(groups), 430)
    plot = frame(canvas, names, (0, len(groups)), ys, ticks=False)
    high = ys[1] - ys[0]
    for place, group in enumerate(groups):
        centre = 0.28 + 0.42 * place / max(1, len(groups) - 1)
        values = sorted(min(0.97, max(0.03, rng.gauss(centre, 0.1))) for _ in range(31))
        low, first, middle, third, top = (
            plot.at(place + 0.5, ys[0] + high * values[n]) for n in (0, 7, 15, 23, 30)
        )
        canvas.line([low, top])
        tint = mix(PALETTE[place % 6], (255, 255, 255), 0.45)
        canvas.rect([middle[0] - 28, third[1], middle[0] + 28, first[1]], tint, BLACK)
        canvas.line([(middle[0] - 28, middle[1]), (middle[0] + 28, middle[1])], BLACK, 3)
        for value in values:
            x, y = plot.at(place + 0.5, ys[0] + high * value)
            canvas.dot((x + rng.uniform(-18, 18), y), 2.6, GREY)
        canvas.text((middle[0], plot.box[3] + 17), group, 13)
    return canvas.done()


def heat_map(rng: Random, rows: Sequence[str], columns: Sequence[str], name: str) -> Image.Image:
    """Draw a table of coloured fields, blue over white to red, with its colour bar."""
    canvas = Canvas(210 + 58 * len(columns), 96 + 40 * len(rows))
    cold: Colour = (44, 90, 160)
    hot: Colour = (190, 48, 52)

    def tint(level: float) -> Colour:
        pale: Colour = (247, 245, 242)
        return mix(pale, hot, level) if level > 0 else mix(pale, cold, -level)

    for i, row in enumerate(rows):
        for j in range(len(columns)):
            level = math.sin(1.1 * i + 0.8 * j) * 0.75 + rng.uniform(-0.25, 0.25)
            corner = (96 + 58 * j, 24 + 40 * i)
            canvas.rect([*corner, corner[0] + 58, corner[1] + 40], tint(max(-1, min(1, level))))
        canvas.text((88, 44 + 40 * i), row, 13, anchor="rm")
    for j, column in enumerate(columns):
        canvas.text((125 + 58 * j, canvas.height - 50), column, 13)
    right, low = canvas.width - 70, canvas.height - 72
    for step in range(100):
        y = 24 + (low - 24) * step / 100
        canvas.rect([right, y, right + 18, y + 6], tint(1 - step / 50))
    canvas.text((right + 24, 30), "+2", 12, anchor="lm")
    canvas.text((right + 24, low), "-2", 12, anchor="lm")
    canvas.text((canvas.width / 2 - 10, canvas.height - 18), name, 14)
    return canvas.done()


def roc(rng: Random, series: Sequence[str]) -> Image.Image:
    """Draw receiver operating characteristic curves over the diagonal of chance."""
    canvas = Canvas(460, 460)
    plot = frame(canvas, ("1 - specificity", "Sensitivity"), (0, 1), (0, 1))
    canvas.line([plot.at(0, 0), plot.at(1, 1)], GREY, 1.2)
    for row, _ in enumerate(series):
        bend = 0.13 + 0.17 * row + rng.uniform(-0.02, 0.02)
        points = [plot.at(t / 60, (t / 60) ** bend) for t in range(61)]
        canvas.line(points, PALETTE[row], 2.4)
    legend(canvas, (plot.box[0] + 150, plot.box[3] - 22 * len(series)), series)
    return canvas.done()
