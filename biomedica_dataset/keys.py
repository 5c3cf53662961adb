"""Keys of pairs, and the stems of file names that they are made of."""

from __future__ import annotations

import re

RASTER_EXTENSIONS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".gif", ".webp", ".bmp")
"""Endings of pictures, best first where one stem has several files."""


def file_stem(name: str) -> str:
    """Return a name without a known raster extension; other dots are part of the stem.

    Examples
    --------
    >>> file_stem("gr1_lrg.JPG"), file_stem("JCB9806103.f1")
    ('gr1_lrg', 'JCB9806103.f1')
    """
    lower = name.lower()
    return next((name[: -len(e)] for e in RASTER_EXTENSIONS if lower.endswith(e)), name)


def is_raster(name: str) -> bool:
    """Whether a file name ends like a picture."""
    return name.lower().endswith(RASTER_EXTENSIONS)


def pair_key(pmcid: str, stem: str) -> str:
    """Return the key of a pair: PMCID, ``_`` and the file stem, other characters as ``_``.

    WebDataset cuts a name at its first dot, so a key holds none.

    Examples
    --------
    >>> pair_key("PMC13900", "1471-2180-11-174.g001")
    'PMC13900_1471-2180-11-174_g001'
    """
    return f"{pmcid}_{re.sub(r'[^A-Za-z0-9_-]', '_', stem)}"


def pmcid(key: str) -> int:
    """Return the number of the article of a key.

    Examples
    --------
    >>> pmcid("PMC13900_g001")
    13900
    """
    return int(key.removeprefix("PMC").partition("_")[0])
