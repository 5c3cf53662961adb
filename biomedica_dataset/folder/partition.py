"""Begins an output folder, so that later runs divide the archive as the first did."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
    split_by: str = "article"

    def __post_init__(self) -> None:
        """Check how it is split."""
        Splits(self.split, self.split_by)


def begin(
    folder: Folder,
    archive: Archive,
    *,
    marker: str,
    of_all: int,
    splits: Splits | str | None,
    split_by: str | None,
) -> Partition:
    """Begin an empty folder, or return how one was begun.

    Parameters
    ----------
    marker
        File that marks the folder as ours and records how it was begun.
    of_all
        Blocks per file if the archive has all of PMC; one for a selection.
    splits, split_by
        Shares, and what stays in one split. ``None`` takes those of an existing folder, and for a
        new one only ``train``, by article.

    Raises
    ------
    UsageError
        The folder is something else, was made from an archive with other blocks, or has other
        splits.
    """
    asked = Splits.parse(splits) if isinstance(splits, str) else splits
    if not refuse_foreign(folder, "a dataset folder", marker):
        blocks = of_all if archive.selection.pmcids is None else 1
        new = asked or Splits()
        new = Splits(new.shares, split_by or new.by)
        stored: dict[str, Any] = {
            "blocks": blocks,
            "block_width": archive.width,
            "split": new.shares,
        }
        if new.by != Splits().by:  # folders of 0.1.0 have no other
            stored["split_by"] = new.by
        folder.begin(marker, json.dumps(stored).encode())  # unless another part was faster
    begun = _stored(folder, archive, marker)
    there = begun.splits
    if (asked is None or asked.shares == there.shares) and split_by in (None, there.by):
        return begun
    msg = (
        f"{folder.url} was split {there} by {there.by}; splitting {asked or there} by "
        f"{split_by or there.by} would move articles from one split to another; omit the split to "
        "resume, or name another folder"
    )
    raise UsageError(msg)


def _stored(folder: Folder, archive: Archive, marker: str) -> Partition:
    stored = read_json(folder, marker, _Marker, "Restore it, or serialize into a new folder.")
    if stored.block_width != archive.width:
        msg = (
            f"{folder.url} was made from an archive with blocks of {stored.block_width} "
            f"PMCIDs; this one has {archive.width}; name another folder"
        )
        raise UsageError(msg)
    return Partition(stored.blocks, Splits(stored.split, stored.split_by))
