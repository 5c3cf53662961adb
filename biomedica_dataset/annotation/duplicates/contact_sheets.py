"""Contact sheets of copies: pairs side by side, the least similar first, for people to look at."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc
from PIL import Image, ImageDraw, ImageFont

from biomedica_dataset.images.decode import open_rgb

from .compare import LEAST, thumbnails
from .copies import MEASURES

if TYPE_CHECKING:
    import pyarrow as pa

    from biomedica_dataset.annotation.look.measured import Look
    from biomedica_dataset.io.folders import Folder

SHEETS = "sheets"
MOST_PAIRS = 240

_COLUMNS, _ROWS = 3, 8
_SIDE, _GAP, _LINE, _FONT = 128, 8, 14, 11
_WIDTH = 2 * _SIDE + 3 * _GAP
_HEIGHT = _SIDE + 2 * _GAP + 3 * _LINE


def write_sheets(output: Folder, measured: Look, keys: pa.Array, pairs: pa.Table) -> int:
    """Write the sheets of copies whose bytes differ, and remove earlier ones; return how many.

    Parameters
    ----------
    keys
        The keys of all images, in the order of the measures.
    pairs
        The pairs that were compared.
    """
    is_other = pc.field("measure") != MEASURES[0]
    near = pairs.filter(is_other & (pc.field("similarity") >= LEAST))
    shown = near.sort_by([("similarity", "ascending"), ("first", "ascending")])[:MOST_PAIRS]
    numbers = [pc.index_in(shown[end], value_set=keys).to_numpy() for end in ("first", "second")]
    images = thumbnails(measured, np.concatenate(numbers))
    rows = list(zip(shown.to_pylist(), *(side.tolist() for side in numbers), strict=True))
    for name in output.names(SHEETS):
        output.remove(f"{SHEETS}/{name}")
    starts = range(0, len(rows), _COLUMNS * _ROWS)
    for sheet, start in enumerate(starts):
        page = _page(rows[start : start + _COLUMNS * _ROWS], images)
        output.write_bytes(f"{SHEETS}/{sheet:04d}.png", page)
    return len(starts)


def _page(rows: list[tuple[dict[str, Any], int, int]], images: dict[int, bytes]) -> bytes:
    height = -(-len(rows) // _COLUMNS) * _HEIGHT
    page = Image.new("RGB", (_COLUMNS * _WIDTH, height), "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(_FONT)
    for place, (pair, *numbers) in enumerate(rows):
        left, top = place % _COLUMNS * _WIDTH + _GAP, place // _COLUMNS * _HEIGHT + _GAP
        for column, number in enumerate(numbers):
            page.paste(open_rgb(images[number], _SIDE), (left + column * (_SIDE + _GAP), top))
        near = f"{pair['distance']} bits" if pair["cosine"] is None else f"cosine {pair['cosine']}"
        said = f"{pair['similarity']:.2f} alike, {near}"
        for line, text in enumerate((pair["first"], pair["second"], said)):
            place_of = left, top + _SIDE + line * _LINE
            draw.text(place_of, text[-44:], fill="black", font=font)
    data = io.BytesIO()
    page.save(data, "PNG")
    return data.getvalue()
