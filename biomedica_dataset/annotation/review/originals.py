"""Reads the stored bytes of one image, as a browser shows them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from PIL import Image

from biomedica_dataset.archive.stored_images import open_images
from biomedica_dataset.errors import ArticleError
from biomedica_dataset.images.decode import open_rgb
from biomedica_dataset.images.probe import FORMATS
from biomedica_dataset.keys import pmcid

if TYPE_CHECKING:
    from biomedica_dataset.archive.ledger import Archive

    from .thumbnails import Card

_SHOWN = ("JPEG", "PNG", "GIF", "WEBP")  # by every browser


def read_original(archive: Archive, card: Card) -> tuple[bytes, str] | None:
    """Return the stored bytes of an image and their media type; ``None`` if there are none.

    A format that browsers do not show, such as TIFF, becomes a PNG of the same pixels.
    """
    data = _stored(archive, pmcid(card.key), card.file)
    if data is None:
        return None
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            kind = image.format
        if kind in _SHOWN:
            return data, f"image/{kind.lower()}"
        written = io.BytesIO()
        open_rgb(data, 0).save(written, "PNG")
    except (ArticleError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return written.getvalue(), "image/png"


def _stored(archive: Archive, article: int, name: str | None) -> bytes | None:
    block = article // archive.width
    file = archive.header(block).images_file if block in archive.blocks() else None
    if file is None:
        return None
    images = open_images(archive.folder, file)
    found = [
        (version, group, row)
        for (number, version, image, _md5), group, row in images.entries()
        if (number, image) == (article, name)
    ]
    if not found:
        return None
    _version, group, row = max(found)
    data: bytes = images.read(group, row).to_pybytes()
    return data
