"""Verifies an archive, a dataset folder or a folder of tars against its own records."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.card.write import CARD
from biomedica_dataset.engine.progress import Progress, Ticker
from biomedica_dataset.errors import UsageError
from biomedica_dataset.folder.manifest import MANIFEST
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.subset.stage import selected_format

from .archive import verify_archive
from .dataset import verify_dataset
from .tars import are_tars, verify_tars

if TYPE_CHECKING:
    from .report import VerifyReport

_VERIFIED = ("a dataset folder", "tars")  # formats of selections


def verify(
    url: str | os.PathLike[str], *, images: bool = False, progress: Progress | None = None
) -> VerifyReport:
    """Verify an archive, a dataset folder or a folder of tars.

    For an archive: digests, ledgers and images. For a dataset folder: files, rows, keys, byte
    ranges and schema. For tars: digests, sizes and the card.

    Parameters
    ----------
    images
        Also decode each image. One that cannot be decoded is a problem, unless the index says so.
    progress
        Shown while files are checked; silent by default.

    Raises
    ------
    UsageError
        The folder is neither an archive nor a dataset folder nor tars.

    Examples
    --------
    >>> report = verify("biomedica")
    >>> report.problems
    []
    """
    folder = Folder(url)
    progress = progress or Progress()
    progress.start(None, "files")

    def tick(files: int, _rows: int, size: int) -> None:
        progress.tick(files, 0, size)

    with progress.shown():
        return _verify(folder, tick, images=images)


def _verify(folder: Folder, tick: Ticker, *, images: bool) -> VerifyReport:
    archive = Archive.find(folder)
    if archive is not None:
        return verify_archive(archive, tick, images=images)
    written = selected_format(folder)
    if written is not None and not written.startswith(_VERIFIED):
        msg = (
            f"{folder.url} has {written}, which have no digests to verify; verify the dataset "
            "folder that they were selected from"
        )
        raise UsageError(msg)
    if are_tars(folder):
        return verify_tars(folder, tick, images=images)
    if not folder.exists(MANIFEST) and not folder.exists(CARD):
        msg = (
            f"{folder.url} is not an archive, a finished dataset folder or a folder of tars; "
            "run the command that makes it to its end, or name another"
        )
        raise UsageError(msg)
    return verify_dataset(folder, tick, images=images)
