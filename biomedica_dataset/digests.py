"""Digests of our own code, so that what other code has made is known."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path


@cache
def digest_of_code(*names: str) -> str:
    """Return the digest of modules and rooms of this package.

    Parameters
    ----------
    names
        Such as ``matching.py`` and ``jats``, relative to the package.
    """
    package, digest = Path(__file__).parent, hashlib.sha256()
    for name in names:
        path = package / name
        for module in sorted(path.glob("*.py")) if path.is_dir() else [path]:
            digest.update(hashlib.sha256(module.read_bytes()).digest())
    return digest.hexdigest()
