"""The images of sheets, as a browser shows them: thumbnails and stored bytes."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from biomedica_dataset.archive.stored_images import open_images
from biomedica_dataset.errors import ArticleError
from biomedica_dataset.images.decode import open_rgb
from biomedica_dataset.images.probe import FORMATS
from biomedica_dataset.keys import pmcid

if TYPE_CHECKING:
    from biomedica_dataset.archive.ledger import Archive
    from biomedica_dataset.io.folders import Folder

    from .thumbnails import Card

_SHOWN = ("JPEG", "PNG", "GIF", "WEBP")  # by every browser


class SheetImages:
    """The images of sheets by key.

    Parameters
    ----------
    cards
        Images by key.
    folder
        Folder of the sheets, which has the thumbnails.
    archive
        Where the images are stored.
    """

    def __init__(self, cards: Mapping[str, Card], folder: Folder, archive: Archive) -> None:
        self._cards, self._archive = cards, archive
        self._folder = Path(folder.root).resolve()

    def thumbnail(self, key: str) -> tuple[bytes, str] | None:
        """Return the thumbnail of a key."""
        card = self._cards.get(key)
        path = (self._folder / ((card and card.thumbnail) or "")).resolve()
        if not path.is_file() or not path.is_relative_to(self._folder / "thumbs"):
            return None
        return path.read_bytes(), "image/jpeg"

    def original(self, key: str) -> tuple[bytes, str] | None:
        """Return the stored bytes of a key."""
        card = self._cards.get(key)
        return read_original(self._archive, card) if card else None


def read_original(archive: Archive, card: Card) -> tuple[bytes, str] | None:
    """Return the stored bytes of an image and their media type; ``None`` if there are none."""
    data = _stored(archive, pmcid(card.key), card.file)
    return None if data is None else shown(data)


def shown(data: bytes) -> tuple[bytes, str] | None:
    """Return an image as browsers show it, and its media type; ``None`` if it cannot be decoded.

    A format that browsers do not show, such as TIFF, becomes a PNG of the same pixels.
    """
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
