"""What is shown of panels that were found: their figures, boxes and own texts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import pyarrow as pa

from biomedica_dataset.folder.panel_rows import LETTER
from biomedica_dataset.folder.record import path_beside
from biomedica_dataset.folder.search_files import SEARCH, SearchPart
from biomedica_dataset.io.failures import reading
from biomedica_dataset.io.rules import shown
from biomedica_dataset.keys import panel_key
from biomedica_dataset.streaming.reading.boxes import box_within
from biomedica_dataset.streaming.reading.panel_reader import PanelReader

from .found_rows import AGAIN, FoundRows
from .lexical import Hit, Lexical

if TYPE_CHECKING:
    from biomedica_dataset.images.crop import Box


class _Stored(NamedTuple):
    """What is stored of a panel; `SearchDocument` says what it is."""

    figure: int
    number: int
    row: int
    letter: str | None
    box: list[int] | None


class FoundPanels(FoundRows):
    """Reads what is shown of hits that are panels.

    Parameters
    ----------
    figures
        Reads their figures.
    parts
        The parts of the search index.
    """

    unit: ClassVar[str] = "panel"
    caption: ClassVar[str] = "subcaption"
    contexts: ClassVar[tuple[str, ...]] = ("contexts", "letter", "image_context")
    own: ClassVar[tuple[str, ...]] = ("figure_key", "letter", "box")
    reader: ClassVar[type[PanelReader]] = PanelReader

    def __init__(self, figures: FoundRows, lexical: Lexical, parts: Sequence[SearchPart]) -> None:
        super().__init__(figures.place, figures.digest, figures.manifest, lexical)
        self._figures = figures
        own = [part for part in parts if part.unit == "figure"]
        self._rows = [part.rows for part in own]
        numbers = {(part.index, part.is_other): number for number, part in enumerate(own)}
        self._parts = [numbers[part.index, part.is_other] for part in parts if part.unit == "panel"]

    def key(self, hit: Hit) -> str:
        """Return the key of a panel."""
        figure, letter = self._figures.key(self._figure(hit)), self._stored(hit).letter
        return figure if letter is None else panel_key(figure, letter)

    def index_row(self, hit: Hit) -> list[Any]:
        """Return the row of the index of the figure of a panel."""
        return self._figures.index_row(self._figure(hit))

    def rows(self, hits: list[Hit]) -> pa.Table:
        """Return the rows of the index of the figures of panels.

        Beside the columns `PLACED` there is the box.
        """
        of = [self._figure(hit) for hit in hits]
        figures = list(dict.fromkeys(of))
        numbers = pa.array(map(figures.index, of))
        table, places = self._figures.rows(figures).take(numbers), list(map(self._stored, hits))
        boxes = list(map(self._box, places, table.to_pylist()))
        columns = {
            "figure": numbers,
            "panel": pa.array([place.number for place in places], pa.int32()),
            "panel_row": pa.array([place.row for place in places], pa.int64()),
            "score": pa.nulls(len(hits), pa.float32()),
            "box": pa.array(map(list, boxes), pa.list_(pa.int32())),
        }
        for name, column in columns.items():
            table = table.append_column(name, column)
        return table

    def _box(self, place: _Stored, figure: dict[str, Any]) -> Box:
        """Return the box of a panel, or refuse one that its figure or its file cannot have."""
        size = figure["image_width"], figure["image_height"]
        if place.number < 0:
            return 0, 0, *size
        beside = path_beside(figure["file"], "panels", self.manifest.splits)
        with reading(f"{self.place.url}/{SEARCH}", AGAIN):
            if not 0 <= place.row < self._files[beside].rows:
                msg = f"{beside} has no row {place.row}"
                raise ValueError(msg)
        key = panel_key(figure["key"], place.letter or "")
        return box_within(self.place.url, key, place.box or (), size)

    def _figure(self, hit: Hit) -> Hit:
        part, row = self._parts[hit.part], self._stored(hit).figure
        with reading(f"{self.place.url}/{SEARCH}", AGAIN):
            if not 0 <= row < self._rows[part]:
                msg = f"there is no row {row}"
                raise ValueError(msg)
        return Hit(part, row, 0.0)

    def _stored(self, hit: Hit) -> _Stored:
        with reading(f"{self.place.url}/{SEARCH}", AGAIN):
            found = _Stored(*json.loads(self._lexical.place(hit)))
            is_whole = found.number < 0
            if not (
                all(type(number) is int for number in found[:3])
                and (is_whole or LETTER.holds(found.letter))
            ):
                msg = f"a panel is stored as {shown(list(found))}"
                raise ValueError(msg)
            return found._replace(letter=None, box=None) if is_whole else found
