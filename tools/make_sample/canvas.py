"""A surface to draw on: everything is drawn at twice its size and shrunk, which smooths edges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

if TYPE_CHECKING:
    from numpy.typing import NDArray

Colour: TypeAlias = tuple[int, int, int]
Point: TypeAlias = tuple[float, float]
Draw: TypeAlias = Callable[[Random], Image.Image]

SCALE = 2
BLACK: Colour = (34, 34, 38)
GREY: Colour = (140, 142, 148)
PALE: Colour = (226, 228, 232)
WHITE: Colour = (255, 255, 255)
PALETTE: tuple[Colour, ...] = (
    (38, 98, 160),
    (220, 118, 51),
    (52, 140, 92),
    (176, 58, 72),
    (122, 92, 160),
    (110, 110, 116),
)


@cache
def font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own typeface at a size in pixels: the same on every machine."""
    return ImageFont.load_default(size)


@dataclass
class Canvas:
    """An image in the making; all coordinates are those of the finished image.

    Parameters
    ----------
    width, height
        Size of the finished image in pixels.
    background
        Its colour before anything is drawn.
    """

    width: int
    height: int
    background: Colour = WHITE
    image: Image.Image = field(init=False)
    pen: ImageDraw.ImageDraw = field(init=False)

    def __post_init__(self) -> None:
        size = (self.width * SCALE, self.height * SCALE)
        self.image = Image.new("RGB", size, self.background)
        self.pen = ImageDraw.Draw(self.image)

    def line(self, points: Sequence[Point], colour: Colour = BLACK, width: float = 1.5) -> None:
        """Draw straight lines from point to point."""
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        self.pen.line(scaled, fill=colour, width=max(1, round(width * SCALE)), joint="curve")

    def rect(
        self,
        corners: Sequence[float],
        fill: Colour | None = None,
        outline: Colour | None = None,
        radius: float = 0,
    ) -> None:
        """Draw a box given as left, top, right, bottom."""
        box = [v * SCALE for v in corners]
        self.pen.rounded_rectangle(box, radius * SCALE, fill=fill, outline=outline, width=3)

    def dot(
        self,
        centre: Point,
        radius: float,
        fill: Colour | None = BLACK,
        outline: Colour | None = None,
    ) -> None:
        """Draw a disc."""
        x, y, r = centre[0] * SCALE, centre[1] * SCALE, radius * SCALE
        self.pen.ellipse([x - r, y - r, x + r, y + r], fill=fill, outline=outline, width=3)

    def shape(
        self, points: Sequence[Point], fill: Colour | None, outline: Colour | None = None
    ) -> None:
        """Draw a closed polygon."""
        self.pen.polygon([(x * SCALE, y * SCALE) for x, y in points], fill, outline, 3)

    def text(
        self,
        where: Point,
        words: str,
        size: float = 14,
        colour: Colour = BLACK,
        anchor: str = "mm",
    ) -> None:
        """Write words; `anchor` is Pillow's two letters, middle and middle unless told."""
        place = (where[0] * SCALE, where[1] * SCALE)
        self.pen.text(place, words, fill=colour, font=font(size * SCALE), anchor=anchor)

    def upright(self, where: Point, words: str, size: float = 14) -> None:
        """Write words from bottom to top, centred at a point."""
        letters = font(size * SCALE)
        side = round(letters.getlength(words)) + 8
        mask = Image.new("L", (side, round(size * SCALE * 1.6)))
        ImageDraw.Draw(mask).text((side / 2, mask.height / 2), words, 255, letters, "mm")
        mask = mask.rotate(90, expand=True)
        corner = (round(where[0] * SCALE - mask.width / 2), round(where[1] * SCALE - side / 2))
        self.image.paste(BLACK, corner, mask)

    def arrow(self, start: Point, end: Point, colour: Colour = BLACK, width: float = 1.5) -> None:
        """Draw a line with a filled head at its end."""
        way = np.array(end, float) - np.array(start, float)
        way /= max(float(np.hypot(*way)), 1e-9)
        side = np.array([-way[1], way[0]])
        foot = np.array(end) - way * 9
        self.line([start, (float(foot[0]), float(foot[1]))], colour, width)
        wings = [foot + side * 4.5, foot - side * 4.5]
        self.shape([end, *((float(x), float(y)) for x, y in wings)], colour)

    def scale_bar(self, words: str, length: float = 80, colour: Colour = WHITE) -> None:
        """Draw a scale bar at the lower right."""
        right, low = self.width - 18, self.height - 18
        self.rect([right - length, low - 4, right, low], fill=colour)
        self.text((right - length / 2, low - 15), words, 13, colour)

    def soften(self, radius: float) -> None:
        """Blur all that was drawn so far."""
        self.put(self.image.filter(ImageFilter.GaussianBlur(radius * SCALE)))

    def grain(self, rng: Random, strength: float) -> None:
        """Add grey noise of a standard deviation in grey levels."""
        step = noise(rng, self.image.size, strength)
        pixels = np.asarray(self.image, dtype=np.float32) + step[..., None]
        self.put(Image.fromarray(pixels.clip(0, 255).astype(np.uint8)))

    def fade(self, mask: Image.Image, colour: Colour = (0, 0, 0)) -> None:
        """Cover with a colour what lies outside a mask."""
        self.put(Image.composite(self.image, Image.new("RGB", self.image.size, colour), mask))

    def glow(self, light: Image.Image) -> None:
        """Add the light of another image of the same size."""
        self.put(ImageChops.add(self.image, light))

    def put(self, image: Image.Image) -> None:
        """Go on drawing on another image of the same size."""
        self.image = image
        self.pen = ImageDraw.Draw(image)

    def done(self) -> Image.Image:
        """Give the finished image."""
        return self.image.reduce(SCALE)


def noise(rng: Random, size: tuple[int, int], strength: float) -> NDArray[np.float32]:
    """Draw nearly normal noise of shape (height, width), standard deviation `strength`."""
    width, height = size
    # The sum of four uniform bytes has the standard deviation 147.8.
    flat = np.frombuffer(rng.randbytes(4 * width * height), dtype=np.uint8)
    total = flat.reshape(4, height, width).sum(axis=0, dtype=np.float32)
    steps: NDArray[np.float32] = (total - np.float32(510)) * np.float32(strength / 147.8)
    return steps


def clouds(rng: Random, size: tuple[int, int], grain: int) -> NDArray[np.float32]:
    """Draw smooth noise from 0 to 1 of shape (height, width); `grain` is the size of a cloud."""
    cells = (max(2, size[0] // grain), max(2, size[1] // grain))
    coarse = noise(rng, cells, 1.0)
    span = max(float(coarse.max() - coarse.min()), 1e-6)
    small = Image.fromarray(((coarse - coarse.min()) / span * 255).astype(np.uint8))
    wide = small.resize(size, Image.Resampling.BICUBIC)
    levels: NDArray[np.float32] = np.asarray(wide, dtype=np.float32) / np.float32(255)
    return levels


def mix(low: Colour, high: Colour, share: float) -> Colour:
    """Give the colour that lies a share of the way from one to another."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(low, high, strict=True))
    return red, green, blue


def blob(rng: Random, centre: Point, radius: float, rough: float = 0.12) -> list[Point]:
    """Give the outline of a roundish shape; `rough` is how far it leaves the circle."""
    turns = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    reach = np.ones(60)
    for wave in range(2, 6):
        reach += rng.uniform(-rough, rough) / wave * 1.6 * np.cos(wave * turns + rng.uniform(0, 6))
    xs = centre[0] + radius * reach * np.cos(turns)
    ys = centre[1] + radius * reach * np.sin(turns)
    return [(float(x), float(y)) for x, y in zip(xs, ys, strict=True)]
