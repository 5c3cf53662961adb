"""The panels of the figures of an archive, as files.

::

    PANELS/
      panels.json               the letter reader and its version; width of a block
      blocks/<block>.parquet    key, figure, letter, box, score, image_hash of each panel
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from biomedica_dataset.annotation.blocks import block_numbers, read_block
from biomedica_dataset.errors import UsageError
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.io.headers import begin_folder, read_header
from biomedica_dataset.io.rules import PAIR_KEY, SHA256, Between, Form, Positive
from biomedica_dataset.io.tables import Column

if TYPE_CHECKING:
    import os

FORMAT_VERSION = 1
HEADER = "panels.json"
_WHAT = "a folder of panels"
_PLACE, _SIDE = Between(0, 2**31 - 2), Between(1, 2**31 - 1)
_COLUMNS = {
    "key": Column(type=pa.string(), rule=PAIR_KEY, is_unique=True),
    "figure": Column(type=pa.string(), rule=PAIR_KEY),
    "letter": Column(type=pa.string(), rule=Form("[A-Z]", "a letter from A to Z")),
    "x0": Column(type=pa.int32(), rule=_PLACE),
    "y0": Column(type=pa.int32(), rule=_PLACE),
    "x1": Column(type=pa.int32(), rule=_SIDE),
    "y1": Column(type=pa.int32(), rule=_SIDE),
    "score": Column(type=pa.float32(), rule=Between(0, 1)),
    "image_hash": Column(type=pa.string(), rule=SHA256),
}
SCHEMA = pa.schema([(name, column.type) for name, column in _COLUMNS.items()])


@dataclass(frozen=True, slots=True)
class _Header:
    width: Positive
    reader: str


class Panels:
    """The panels of the figures of an archive in a folder.

    Parameters
    ----------
    width
        PMCIDs per block.
    reader
        Name and version of what read the letters.
    """

    def __init__(self, folder: Folder, width: int, reader: str) -> None:
        self.folder, self.width, self.reader = folder, width, reader

    @classmethod
    def open(cls, url: str | os.PathLike[str]) -> Panels:
        """Open existing panels.

        Raises
        ------
        UsageError
            The folder has no panels, or another format version.
        """
        folder = Folder(url)
        header = read_header(folder, HEADER, _WHAT, FORMAT_VERSION, _Header)
        return cls(folder, header.width, header.reader)

    @classmethod
    def begin(cls, folder: Folder, width: int, reader: str) -> Panels:
        """Begin an empty folder, or resume one of the same archive and reader.

        Raises
        ------
        UsageError
            The folder is something else, or has panels of another archive or reader.
        """
        header = _Header(width, reader)
        there = begin_folder(folder, HEADER, _WHAT, FORMAT_VERSION, asdict(header), _Header)
        if there != header:
            msg = (
                f"{folder.url} has panels of {there.reader} and blocks of {there.width} "
                f"PMCIDs; these would be of {reader} and {width}: name another folder"
            )
            raise UsageError(msg)
        return cls(folder, width, reader)

    def blocks(self) -> list[int]:
        """Return the numbers of the finished blocks, ascending."""
        return block_numbers(self.folder)

    def read(self, block: int) -> pa.Table:
        """Return the panels of a block: box in pixels of the image as it is displayed."""
        return read_block(self.folder, block, _COLUMNS)
