"""How an output folder is begun, so that later runs cut the archive as the first did."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from biomedica_dataset.errors import UsageError
from biomedica_dataset.io.failures import reading
from biomedica_dataset.io.headers import refuse_foreign

from .splits import Splits

if TYPE_CHECKING:
    from biomedica_dataset.archive.ledger import Archive
    from biomedica_dataset.io.folders import Folder


@dataclass(frozen=True, slots=True)
class Partition:
    """What stays as it was when an output folder was begun.

    Parameters
    ----------
    blocks
        Blocks that go into one file.
    """

    blocks: int
    splits: Splits


def begin(
    folder: Folder, archive: Archive, *, marker: str, of_all: int, splits: Splits | None
) -> Partition:
    """Begin an empty folder, or return how one was begun.

    Parameters
    ----------
    marker
        File that says that the folder is ours, and how it was begun.
    of_all
        Blocks a file where the archive holds all of PMC; of a selection it is one.
    splits
        ``None`` takes those the folder was begun with, for a new one no other than ``train``.

    Raises
    ------
    UsageError
        The folder holds something else, was made of an archive with other blocks, or has other
        splits.
    """
    if not refuse_foreign(folder, marker, "a dataset folder"):
        blocks = of_all if archive.selection.pmcids is None else 1
        shares = (splits or Splits()).shares
        stored = {"blocks": blocks, "block_width": archive.width, "split": shares}
        folder.begin(marker, json.dumps(stored).encode())  # or another part was faster
    return _go_on(folder, archive, marker, splits)


def _go_on(folder: Folder, archive: Archive, marker: str, splits: Splits | None) -> Partition:
    with reading(folder.path(marker), "Put it back, or serialize into a new folder."):
        stored: dict[str, Any] = json.loads(folder.read_bytes(marker))
        blocks, width = int(stored["blocks"]), int(stored["block_width"])
        there = Splits(tuple(stored["split"]))
    if width != archive.width:
        msg = (
            f"{folder.url} was made of an archive with blocks of {width} PMCIDs, this one has "
            f"{archive.width}; name another folder"
        )
        raise UsageError(msg)
    if splits not in (None, there):
        msg = (
            f"{folder.url} was split {there}, and {splits} was asked for, which would move "
            "articles from one split to another; leave the split out to go on, or name another "
            "folder"
        )
        raise UsageError(msg)
    return Partition(blocks, there)
