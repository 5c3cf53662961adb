"""The images of figures that were found, each by its byte range."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from biomedica_dataset.annotation.review.originals import shown
from biomedica_dataset.annotation.review.thumbnails import make_thumbnail
from biomedica_dataset.errors import UsageError
from biomedica_dataset.streaming.reading.places import until_valid

if TYPE_CHECKING:
    from biomedica_dataset.search.found_rows import FoundRows
    from biomedica_dataset.streaming.reading.places import Place


class FoundImages:
    """Images by key; no place of bytes comes from a request."""

    def __init__(self, place: Place, found: FoundRows) -> None:
        self._found = found
        self._files = place.open()

    def thumbnail(self, key: str) -> tuple[bytes, str] | None:
        """Return a small JPEG."""
        data = self._stored(key)
        made = None if data is None else make_thumbnail(data, None, ())
        return None if made is None else (made, "image/jpeg")

    def original(self, key: str) -> tuple[bytes, str] | None:
        """Return the stored bytes, as browsers show them."""
        data = self._stored(key)
        return None if data is None else shown(data)

    def close(self) -> None:
        """End connections."""
        self._files.close()

    def _stored(self, key: str) -> bytes | None:
        try:
            (row,) = self._found.rows([self._found.hit(key)]).to_pylist()
        except UsageError:
            return None
        file, start, length = row["file"], row["image_offset"], row["image_length"]
        read = partial(self._files.range, file, start, length)
        return bytes(until_valid(self._files, file, read))
