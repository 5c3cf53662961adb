"""Cuts panels out of their figures and encodes them as images of their own."""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Iterable, Iterator
from typing import Any

from PIL import Image

from biomedica_dataset.errors import ArticleError
from biomedica_dataset.images.crop import crop
from biomedica_dataset.images.decode import open_rgb
from biomedica_dataset.images.lost import LostImages
from biomedica_dataset.schema import Pair, column_names

logger = logging.getLogger(__name__)

QUALITY = 95
"""Of a JPEG."""

ENCODINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "png": ("png", {}),
    "jpeg": ("jpg", {"quality": QUALITY}),
}
"""The ending of a file, and how it is saved."""

_WHOLE = 2**30  # more pixels than an image has: no reduced scale


def crops(rows: Iterable[dict[str, Any]], encoding: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of panels with an image of their own, in RGB.

    Its name, digest and size are those of the panel. A figure that cannot be decoded is left out,
    with its panels, and said in a warning.

    Parameters
    ----------
    rows
        Panels as they are read, those of a figure after one another.
    encoding
        One of `ENCODINGS`.
    """
    ending, options = ENCODINGS[encoding]
    lost = LostImages("left out")
    last, figure = b"", None
    for row in rows:
        image = row["image"]
        try:
            if figure is None or image["bytes"] is not last:
                last, figure = image["bytes"], open_rgb(image["bytes"], _WHOLE)
            shown = crop(figure, *image.view) if image.view else figure
        except ArticleError:
            lost.add(row["key"])
            figure = None
            continue
        file, name = io.BytesIO(), f"{row['key']}.{ending}"
        shown.save(file, Image.registered_extensions()[f".{ending}"], **options)
        data = file.getvalue()
        yield row | {
            "image": {"bytes": data, "path": name},
            "image_file_name": name,
            "image_hash": hashlib.sha256(data).hexdigest(),
            "image_size": list(shown.size),
            "image_decodes": True,
        }
    if lost.count:
        logger.warning("%s", lost)


def as_pair(row: dict[str, Any]) -> Pair:
    """Return a panel as a pair: its texts are those of the panel."""
    own = {"caption": row["subcaption"] or "", "image_context": row["contexts"], "panels": None}
    return Pair(**{name: (row | own)[name] for name in column_names(Pair)})
