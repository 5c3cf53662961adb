"""Begins an output folder, so that later runs divide the archive as the first did."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from biomedica_dataset.errors import UsageError
from biomedica_dataset.io.headers import refuse_foreign
from biomedica_dataset.io.rules import Positive  # noqa: TC001 - for pydantic
from biomedica_dataset.io.typed import read_json

from .splits import Splits

if TYPE_CHECKING:
    from biomedica_dataset.archive.ledger import Archive
    from biomedica_dataset.io.folders import Folder


@dataclass(frozen=True, slots=True)
class Partition:
    """What is fixed when an output folder is begun.

    Parameters
    ----------
    blocks
        Blocks per file.
    """

    blocks: int
    splits: Splits


@dataclass(frozen=True, slots=True)
class _Marker:
    blocks: Positive
    block_width: Positive
    split: tuple[float, ...]

    def __post_init__(self) -> None:
        """Check the shares of the splits."""
        Splits(self.split)


def begin(
    folder: Folder, archive: Archive, *, marker: str, of_all: int, splits: Splits | None
) -> Partition:
    """Begin an empty folder, or return how one was begun.

    Parameters
    ----------
    marker
        File that marks the folder as ours and records how it was begun.
    of_all
        Blocks per file if the archive has all of PMC; one for a selection.
    splits
        ``None`` takes the splits of an existing folder, and only ``train`` for a new one.

    Raises
    ------
    UsageError
        The folder is something else, was made from an archive with other blocks, or has other
        splits.
    """
    if not refuse_foreign(folder, "a dataset folder", marker):
        blocks = of_all if archive.selection.pmcids is None else 1
        shares = (splits or Splits()).shares
        stored = {"blocks": blocks, "block_width": archive.width, "split": shares}
        folder.begin(marker, json.dumps(stored).encode())  # unless another part was faster
    return _resume(folder, archive, marker, splits)


def _resume(folder: Folder, archive: Archive, marker: str, splits: Splits | None) -> Partition:
    advice = "Restore it, or serialize into a new folder."
    stored = read_json(folder, marker, _Marker, advice)
    there = Splits(stored.split)
    if stored.block_width != archive.width:
        msg = (
            f"{folder.url} was made from an archive with blocks of {stored.block_width} "
            f"PMCIDs; this one has {archive.width}; name another folder"
        )
        raise UsageError(msg)
    if splits not in (None, there):
        msg = (
            f"{folder.url} was split {there}; splitting {splits} would move articles from one "
            "split to another; omit the split to resume, or name another folder"
        )
        raise UsageError(msg)
    return Partition(stored.blocks, there)
