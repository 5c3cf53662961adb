"""Which folders of block tables say something of single images, and how they are opened."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from biomedica_dataset.errors import UsageError
from biomedica_dataset.io.folders import Folder

from .clusters.assignments import Assignments
from .duplicates.copies import Duplicates
from .duplicates.overlaps import Overlap
from .look.measured import Look
from .probe.probabilities import Probe
from .text.measured import Texts

if TYPE_CHECKING:
    from .blocks import BlockTables

_KINDS: tuple[type[BlockTables[Any]], ...] = (Assignments, Look, Duplicates, Overlap, Probe, Texts)


def open_attribute_tables(url: str | os.PathLike[str]) -> BlockTables[Any]:
    """Open a folder that can become an attribute of a dataset folder.

    Raises
    ------
    UsageError
        The folder is something else, or of another format version.
    """
    folder = Folder(url)
    for kind in _KINDS:
        if folder.exists(kind.name):
            return kind.open(url)
    known = ", ".join(kind.what for kind in _KINDS)
    msg = (
        f"{folder.url} is not one of these: {known}; add a table of your own with "
        "`biomedica attributes add`"
    )
    raise UsageError(msg)
