"""MD5 digests, by which PMC names the bytes of an object."""

from __future__ import annotations

import hashlib
import re

_MD5 = re.compile(r"[0-9a-f]{32}")


def md5_of(data: bytes) -> str:
    """Return the MD5 by which PMC names bytes."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def is_md5(etag: str) -> bool:
    """Whether an ETag is the MD5 of its object; that of an upload in parts, ``...-2``, is not."""
    return _MD5.fullmatch(etag) is not None
