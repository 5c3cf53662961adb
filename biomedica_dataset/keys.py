"""Keys of pairs, made from PMCIDs and stems of file names."""

from __future__ import annotations

import re

RASTER_EXTENSIONS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".gif", ".webp", ".bmp")
"""Extensions of images; if a stem has several files, the first one is preferred."""

KEY = "PMC[0-9]{1,18}_[A-Za-z0-9_-]+"
"""Regular expression of a key."""


def file_stem(name: str) -> str:
    """Return a name without its raster extension, if known; other dots belong to the stem.

    Examples
    --------
    >>> file_stem("gr1_lrg.JPG"), file_stem("JCB9806103.f1")
    ('gr1_lrg', 'JCB9806103.f1')
    """
    lower = name.lower()
    return next((name[: -len(e)] for e in RASTER_EXTENSIONS if lower.endswith(e)), name)


def is_raster(name: str) -> bool:
    """Whether a file name has the extension of an image."""
    return name.lower().endswith(RASTER_EXTENSIONS)


def pair_key(pmcid: str, stem: str) -> str:
    """Return the key of a pair: PMCID, ``_`` and file stem, with unsafe characters as ``_``.

    WebDataset splits names at the first dot, so keys contain no dots.

    Examples
    --------
    >>> pair_key("PMC13900", "1471-2180-11-174.g001")
    'PMC13900_1471-2180-11-174_g001'
    """
    return f"{pmcid}_{re.sub(r'[^A-Za-z0-9_-]', '_', stem)}"


def panel_key(figure: str, letter: str) -> str:
    """Return the key of a panel: that of its figure, ``-`` and its letter, number or place.

    Examples
    --------
    >>> panel_key("PMC13900_g001", "B"), panel_key("PMC13900_g001", "top left")
    ('PMC13900_g001-B', 'PMC13900_g001-top-left')
    """
    return f"{figure}-{letter.replace(' ', '-')}"


def pmcid(key: str) -> int:
    """Return the PMCID in a key as a number.

    Examples
    --------
    >>> pmcid("PMC13900_g001")
    13900
    """
    return int(key.removeprefix("PMC").partition("_")[0])
