"""Names and schemas of the files of an archive."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from biomedica_dataset.io.rules import COUNT, Between, Form, OneOf

from .entries import ARTICLE_STATUSES

if TYPE_CHECKING:
    import pyarrow as pa

    from biomedica_dataset.io.tables import Column

_PMCID, _VERSION = Between(1, 10**18), Between(0, 2**31 - 1)
_FILE_NAME = Form(r"[^/\\\x00-\x1f]{1,255}", "the name of a file")
_STATUS = OneOf(ARTICLE_STATUSES)

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


@cache
def articles_columns() -> dict[str, Column]:
    """Return what the columns of an articles file may hold."""
    from biomedica_dataset.io.tables import Column

    types = {field.name: field.type for field in articles_schema()}
    entry = types["images"].value_type
    rules = {"name": _FILE_NAME, "size": COUNT, "status": _STATUS}
    parts = {
        field.name: Column(
            type=field.type, rule=rules.get(field.name), is_nullable=field.name != "status"
        )
        for field in (entry.field(place) for place in range(entry.num_fields))
    }
    return {
        "pmcid": Column(type=types["pmcid"], rule=_PMCID),
        "version": Column(type=types["version"], rule=_VERSION),
        "etag": Column(type=types["etag"]),
        "status": Column(type=types["status"], rule=_STATUS),
        **{
            name: Column(type=types[name], is_nullable=True)
            for name in ("reason", "metadata", "metadata_md5", "xml")
        },
        "images": Column(type=types["images"], parts=parts),
    }


@cache
def images_columns() -> dict[str, Column]:
    """Return what the columns of an images file may hold."""
    from biomedica_dataset.io.tables import Column

    rules = {"pmcid": _PMCID, "version": _VERSION, "name": _FILE_NAME}
    return {f.name: Column(type=f.type, rule=rules.get(f.name)) for f in images_schema()}
