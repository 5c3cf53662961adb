"""MD5 digests, which PMC uses as ETags of objects."""

from __future__ import annotations

import hashlib
import re

_MD5 = re.compile(r"[0-9a-f]{32}")


def md5_of(data: bytes) -> str:
    """Return the MD5 of bytes."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def is_md5(etag: str) -> bool:
    """Whether an ETag is an MD5; that of a multipart upload, ``...-2``, is not."""
    return _MD5.fullmatch(etag) is not None
