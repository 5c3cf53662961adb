"""Symbolic links in folders of strangers, none of which may lead out of its folder."""

from __future__ import annotations

import os
from pathlib import Path

from biomedica_dataset.errors import ArchiveError


def check_links(root: str, name: str, *others: str) -> None:
    """Refuse the name of a file if symbolic links below a folder lead out of it.

    The folder itself may be a link. A snapshot in the cache of the Hub's client has links to the
    cache's ``blobs``.

    Parameters
    ----------
    others
        Further folders that links may lead to.

    Raises
    ------
    ArchiveError
        They do.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Path(folder, "x.parquet").symlink_to("/etc/passwd")
    ...     check_links(folder, "x.parquet")
    Traceback (most recent call last):
        ...
    biomedica_dataset.errors.ArchiveError: .../x.parquet is a symbolic link out of its folder...
    """
    path = root
    for part in name.split("/"):  # mostly there is no link, and nothing to resolve
        path = f"{path}/{part}"
        if os.path.islink(path):  # noqa: PTH114 - a tenth of the time of Path
            break
    else:
        return
    homes = [Path(os.path.realpath(one)) for one in (root, *others)]
    homes += [p.parent / "blobs" for one in homes for p in one.parents if p.name == "snapshots"]
    real = Path(os.path.realpath(f"{root}/{name}"))
    if not any(real.is_relative_to(home) for home in homes):
        msg = f"{path} is a symbolic link out of its folder; to read it, copy the folder: cp -rL"
        raise ArchiveError(msg)
