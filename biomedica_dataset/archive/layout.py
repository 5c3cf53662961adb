"""Names and schemas of the files of an archive."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

AGAIN = "Remove it, if it exists, and extract again."
"""What to do about an unreadable file of an archive."""


def articles_name(block: int) -> str:
    """Return the name of a block's articles file."""
    return f"articles/{block:07d}.parquet"


def images_name(block: int, sha256: str) -> str:
    """Return the name of a block's images file."""
    return f"images/{block:07d}-{sha256[:16]}.parquet"


@cache
def articles_schema() -> pa.Schema:
    """Return the Arrow schema of an articles file."""
    import pyarrow as pa

    text = pa.string()
    entry = {
        "href": text, "name": text, "md5": text, "size": pa.int64(), "status": text, "reason": text,
    }  # fmt: skip
    return pa.schema({
        "pmcid": pa.int64(), "version": pa.int32(), "etag": text, "status": text, "reason": text,
        "metadata": pa.binary(), "metadata_md5": text, "xml": pa.binary(),
        "images": pa.list_(pa.struct(list(entry.items()))),
    })  # fmt: skip


@cache
def images_schema() -> pa.Schema:
    """Return the Arrow schema of an images file."""
    import pyarrow as pa

    text = pa.string()
    return pa.schema({
        "pmcid": pa.int64(), "version": pa.int32(), "name": text, "md5": text, "bytes": pa.binary(),
    })  # fmt: skip
