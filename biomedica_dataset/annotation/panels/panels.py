"""The panels of the figures of an archive, as files.

::

    PANELS/
      panels.json               the letter reader and its version; width of a block
      blocks/<block>.parquet    key, figure, letter, box, score of each panel, image_hash
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from biomedica_dataset.annotation.blocks import block_numbers, read_block
from biomedica_dataset.errors import UsageError
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.io.headers import begin_folder, read_header

if TYPE_CHECKING:
    import os

FORMAT_VERSION = 1
HEADER = "panels.json"
_WHAT = "a folder of panels"
SCHEMA = pa.schema(
    {
        "key": pa.string(),
        "figure": pa.string(),
        "letter": pa.string(),
        "box": pa.list_(pa.int32(), 4),
        "score": pa.float32(),
        "image_hash": pa.string(),
    }
)


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
        header = read_header(folder, HEADER, _WHAT, FORMAT_VERSION)
        return cls(folder, header["width"], header["reader"])

    @classmethod
    def begin(cls, folder: Folder, width: int, reader: str) -> Panels:
        """Begin an empty folder, or resume one of the same archive and reader.

        Raises
        ------
        UsageError
            The folder is something else, or has panels of another archive or reader.
        """
        header = {"width": width, "reader": reader}
        there = begin_folder(folder, HEADER, _WHAT, FORMAT_VERSION, header)
        if there != header:
            msg = (
                f"{folder.url} has panels of {there['reader']} and blocks of {there['width']} "
                f"PMCIDs; these would be of {reader} and {width}: name another folder"
            )
            raise UsageError(msg)
        return cls(folder, width, reader)

    def blocks(self) -> list[int]:
        """Return the numbers of the finished blocks, ascending."""
        return block_numbers(self.folder)

    def read(self, block: int) -> pa.Table:
        """Return the panels of a block."""
        return read_block(self.folder, block)
