"""The panels of the figures of an archive, as files.

::

    PANELS/
      panels.json               the letter reader and its version, the detector; width of a block
      blocks/<block>.parquet    key, figure, letter, box, score, image_hash of each panel
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from biomedica_dataset.annotation.blocks import BlockTables
from biomedica_dataset.io.rules import PAIR_KEY, SHA256, Between, Form, Positive
from biomedica_dataset.io.tables import Column

FEWEST = 2
"""Letters in the caption of a compound figure."""

_NAME = Form(
    "[A-Z]|[1-9][0-9]?|(?:top|middle|bottom|left|right)(?: (?:left|right))?(?: (?:row|column))?",
    "a letter from A to Z, a number or a place such as 'top left'",
)
_PLACE, _SIDE = Between(0, 2**31 - 2), Between(1, 2**31 - 1)
_COLUMNS = {
    "key": Column(type=pa.string(), rule=PAIR_KEY, is_unique=True),
    "figure": Column(type=pa.string(), rule=PAIR_KEY),
    "letter": Column(type=pa.string(), rule=_NAME),
    "x0": Column(type=pa.int32(), rule=_PLACE),
    "y0": Column(type=pa.int32(), rule=_PLACE),
    "x1": Column(type=pa.int32(), rule=_SIDE),
    "y1": Column(type=pa.int32(), rule=_SIDE),
    "score": Column(type=pa.float32(), rule=Between(0, 1)),
    "image_hash": Column(type=pa.string(), rule=SHA256),
}
SCHEMA = pa.schema([(name, column.type) for name, column in _COLUMNS.items()])


@dataclass(frozen=True, slots=True)
class PanelsHeader:
    """PMCIDs per block, and what found the panels, of figures without letters as well or not."""

    width: Positive
    reader: str
    every: bool = False
    detector: str | None = None


class Panels(BlockTables[PanelsHeader]):
    """The panels of an archive's figures in a folder; boxes are pixels of the displayed image."""

    what, name, header_type = "a folder of panels", "panels.json", PanelsHeader
    columns = _COLUMNS

    def difference(self, header: PanelsHeader) -> str:
        """Return why the folder cannot take panels of another archive or reader."""
        return (
            f"{self.folder.url} has panels of {_said(self.header)}; these would be of "
            f"{_said(header)}: name another folder"
        )


def _said(header: PanelsHeader) -> str:
    figures = "all figures" if header.every else "figures with letters"
    by = header.reader + (f" and {header.detector}" if header.detector else "")
    return f"{by}, {figures} and blocks of {header.width} PMCIDs"
