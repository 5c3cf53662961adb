"""The images of figures and panels that were found, each fetched once by its byte range."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from biomedica_dataset.annotation.review.originals import shown
from biomedica_dataset.annotation.review.thumbnails import make_thumbnail
from biomedica_dataset.errors import UsageError
from biomedica_dataset.streaming.reading.places import until_valid
from biomedica_dataset.streaming.reading.texts import Shared

if TYPE_CHECKING:
    from biomedica_dataset.search.search import Search
    from biomedica_dataset.search.searched_rows import SearchedRows

_KEPT = 48  # images: more than a screen shows, and those of panels beside each other


class FoundImages:
    """Images by key; no place of bytes comes from a request."""

    def __init__(self, search: Search) -> None:
        self._search, self._files = search, search.place.open()
        self._kept = Shared(_KEPT)

    def thumbnail(self, key: str) -> tuple[bytes, str] | None:
        """Return a small JPEG; of a panel its box alone."""
        row = self._row(key)
        if row is None:
            return None
        size = row["image_width"], row["image_height"]
        box = tuple(row["box"]) if row.get("panel", -1) >= 0 else None
        made = make_thumbnail(self._stored(row), box, size)
        return None if made is None else (made, "image/jpeg")

    def original(self, key: str) -> tuple[bytes, str] | None:
        """Return the stored bytes, as browsers show them; of a panel those of its figure."""
        row = self._row(key)
        return None if row is None else shown(self._stored(row))

    def close(self) -> None:
        """End connections."""
        self._files.close()

    def _row(self, key: str) -> dict[str, Any] | None:
        """Return the row of a figure or a panel; ``None`` if there is none."""
        for rows in self._searched():
            try:
                found: dict[str, Any] = rows.found.rows([rows.found.hit(key)]).to_pylist()[0]
            except UsageError:
                continue
            return found
        return None

    def _searched(self) -> Iterator[SearchedRows]:
        yield self._search.figures
        if self._search.index.of("panel"):
            yield self._search.panels

    def _stored(self, row: dict[str, Any]) -> bytes:
        place = row["file"], row["image_offset"], row["image_length"]
        found: bytes = self._kept.get(place, partial(self._fetched, *place))
        return found

    def _fetched(self, file: str, start: int, length: int) -> bytes:
        read = partial(self._files.range, file, start, length)
        return bytes(until_valid(self._files, file, read))
