"""Copies the sample bucket out of the package."""

from __future__ import annotations

import shutil
from importlib.resources import as_file, files
from pathlib import Path

from biomedica_dataset.errors import UsageError


def write_bucket(folder: Path) -> int:
    """Write the sample bucket.

    Parameters
    ----------
    folder
        A new or empty folder; it becomes the root of the bucket.

    Returns
    -------
    int
        The number of article versions written.

    Raises
    ------
    UsageError
        `folder` is a file or not empty; nothing is written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_bucket(Path(folder))
    24
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        msg = f"{folder} exists and is not an empty folder; name a new folder, or empty this one"
        raise UsageError(msg)
    with as_file(files("biomedica_dataset.sample").joinpath("bucket")) as bucket:
        # Not copy2: the user's files get new times and permissions.
        shutil.copytree(bucket, folder, copy_function=shutil.copyfile, dirs_exist_ok=True)
    return len(list((folder / "metadata").iterdir()))
