"""Reads and prefetches panels: the columns of their figures, and those that are their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from biomedica_dataset.folder.record import path_beside

from .boxes import box_within, refuse_panel
from .decoding import FetchedPanel, RecentFigures
from .panels import IN_FIGURE, NEW, OWN, in_panels
from .shards import Reader, Row
from .texts import Texts

if TYPE_CHECKING:
    import pyarrow as pa

    from biomedica_dataset.engine.timings import Timings

    from .index import Index
    from .places import Files

_OWN = "own columns"  # of a row on its way


class PanelReader(Reader):
    """Reads panels by position; a figure is fetched once for its panels in a run.

    Parameters
    ----------
    table
        Panels, as `expand` returns them.
    columns
        Columns of a row, in order.
    margin
        See `open_dataset`.
    """

    def __init__(
        self,
        index: Index,
        table: pa.Table,
        columns: Sequence[str],
        *,
        verify: bool = False,
        timings: Timings | None = None,
        margin: float = 0.0,
    ) -> None:
        figures = [name for name in columns if name not in NEW]
        numbers = table["panel"].to_numpy()
        if (numbers < 0).any():
            figures += [IN_FIGURE[name] for name in columns if name in IN_FIGURE]
        sizes = ["image_width", "image_height"]
        of_figure = list(dict.fromkeys(["key", *sizes, *figures]))
        super().__init__(index, table, of_figure, verify=verify, timings=timings)
        self._given, self._margin = list(columns), margin
        self._recent = RecentFigures()
        self._numbers, self._panel_rows = numbers, table["panel_row"].to_numpy()
        self._figures, self._scores = table["figure"].to_numpy(), table["score"]
        self._own = [name for name in OWN if name in {*columns, "key", "figure_key", "box"}]
        self._reads_text = True
        self._asked += 1
        paths = set(in_panels(index, table)["file"].to_pylist())
        self._panel_shards = {path: index.files[path] for path in paths}
        self._splits = index.manifest.splits

    def _texts(self, files: Files) -> list[Texts]:
        return [
            *super()._texts(files),
            Texts(files, self._panel_shards, self._own, timings=self._timings),
        ]

    def _other_columns(
        self, texts: list[Texts], file: str, positions: np.ndarray
    ) -> dict[int, Row]:
        rows = super()._other_columns(texts, file, positions)
        for row in rows.values():
            row[_OWN] = None
        panels = positions[self._numbers[positions] >= 0]
        if len(panels):
            panels = panels[np.argsort(self._panel_rows[panels])]
            beside = path_beside(file, "panels", self._splits)
            table = texts[1].rows(beside, self._panel_rows[panels])
            for position, own in zip(panels.tolist(), table.to_pylist(), strict=True):
                rows[position][_OWN] = own
        return rows

    def _finished(self, files: Files, position: int, row: Row) -> Row:
        own = row.pop(_OWN)
        row = super()._finished(files, position, row)
        size = (row["image_width"], row["image_height"])
        if own is None:
            found = {name: row.get(IN_FIGURE.get(name, name)) for name in self._given}
            return found | ({"box": [0, 0, *size]} if "box" in found else {})
        if not own["key"].startswith(f"{own['figure_key']}-") or own["figure_key"] != row["key"]:
            refuse_panel(self._place.url, own["key"], f"it is said to be of {row['key']}")
        box = box_within(self._place.url, own["key"], own["box"], size, self._margin)
        if "image" in row:
            number = int(self._figures[position])
            row["image"] = FetchedPanel(row["image"], own["key"], number, (box, size), self._recent)
        own["score"] = self._scores[position].as_py()
        return {name: own[name] if name in own else row[name] for name in self._given}
