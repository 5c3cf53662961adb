"""Measures the images of a block, or their panels, with whatever decodes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from biomedica_dataset.annotation.blocks import BlockRecord, write_block
from biomedica_dataset.errors import ArticleError
from biomedica_dataset.images.measures import DECODED, count_frames, measure
from biomedica_dataset.keys import pmcid

from .measured import SCHEMA

if TYPE_CHECKING:
    from biomedica_dataset.annotation.panels.panels import Panels
    from biomedica_dataset.images.decode_once import ImageDecoder
    from biomedica_dataset.io.folders import Folder
    from biomedica_dataset.schema import Pair

Box = tuple[int, int, int, int]
Boxes = dict[str, dict[str, Box]]
Row = dict[str, Any]


def boxes_by_article(panels: Panels | None, block: int) -> dict[int, Boxes]:
    """Return the boxes of a block's panels, by PMCID, key of the figure, and key of the panel."""
    boxes: dict[int, Boxes] = {}
    if panels is not None and block in panels.blocks():
        for row in panels.read(block).to_pylist():
            own = boxes.setdefault(pmcid(row["figure"]), {}).setdefault(row["figure"], {})
            own[row["key"]] = row["x0"], row["y0"], row["x1"], row["y1"]
    return boxes


def measure_pair(pair: Pair, boxes: Mapping[str, Box], decoder: ImageDecoder) -> list[Row]:
    """Return the measures of a pair's image, or of each box of it in pixels of its full size.

    Parameters
    ----------
    boxes
        Boxes by the keys of panels; none for the whole image.

    Returns
    -------
    list of dict
        Rows of the table, with ``problem`` for an image that cannot be decoded.
    """
    width, height = pair.image_size
    places = dict(boxes) or {pair.key: (0, 0, width, height)}
    rows: list[Row] = [
        {"key": key, "image_hash": pair.image_hash, "width": x1 - x0, "height": y1 - y0}
        for key, (x0, y0, x1, y1) in places.items()
    ]
    # A small panel of a large figure is decoded with as many pixels as a small figure.
    least = min(max(row["width"], row["height"]) for row in rows)
    try:
        frames = count_frames((pair.image or {})["bytes"])
        pixels = decoder.rgb(max(1, DECODED * max(width, height) // max(1, least)))
    except ArticleError as error:
        return [{**row, "is_decodable": False, "problem": str(error)} for row in rows]
    across, down = pixels.shape[1] / width, pixels.shape[0] / height
    for row, (x0, y0, x1, y1) in zip(rows, places.values(), strict=True):
        left, top = int(x0 * across), int(y0 * down)
        right, bottom = max(left + 1, round(x1 * across)), max(top + 1, round(y1 * down))
        measures = asdict(measure(pixels[top:bottom, left:right]))
        row |= {"is_decodable": True, "frames": frames, **measures}
    return rows


def write_measures(output: Folder, block: int, fingerprint: str, rows: Iterable[Row]) -> None:
    """Write the measures of a block."""
    rows = list(rows)
    problems = [f"{row['key']}: {row['problem']}" for row in rows if "problem" in row]
    counts = Counter(row.get("problem", "kept") for row in rows)
    record = BlockRecord(fingerprint=fingerprint, counts=dict(counts), problems=problems)
    write_block(output, block, pa.Table.from_pylist(rows, SCHEMA), record)
