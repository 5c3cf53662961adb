"""How an output folder is begun, so that later runs cut the archive as the first did."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from biomedica_dataset.errors import UsageError

if TYPE_CHECKING:
    from biomedica_dataset.extract.ledger import Archive
    from biomedica_dataset.storage import Folder


def blocks_together(folder: Folder, archive: Archive, *, marker: str, of_all: int) -> int:
    """Return how many blocks go into one file; an empty folder is begun.

    Parameters
    ----------
    marker
        File that says that the folder is ours, and how it was begun.
    of_all
        Blocks a file where the archive holds all of PMC; of a selection it is one.

    Raises
    ------
    UsageError
        The folder holds something else, or was made of an archive with other blocks.
    """
    folder.sweep()
    if folder.exists(marker):
        stored: dict[str, int] = json.loads(folder.read_bytes(marker))
        if stored["block_width"] != archive.width:
            msg = (
                f"{folder.url} was made of an archive with blocks of {stored['block_width']} "
                f"PMCIDs, this one has {archive.width}; name another folder"
            )
            raise UsageError(msg)
        return stored["blocks"]
    if not folder.is_empty():
        msg = f"{folder.url} holds something else than this writes; name an empty or a new folder"
        raise UsageError(msg)
    blocks = of_all if archive.selection.pmcids is None else 1
    stored = {"blocks": blocks, "block_width": archive.width}
    folder.write_bytes(marker, json.dumps(stored).encode())
    return blocks
