"""The two answers of S3 beside objects that a reader meets: ListObjectsV2 and errors."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_CODES = {403: "AccessDenied", 404: "NoSuchKey", 500: "InternalError", 503: "SlowDown"}


def error_xml(status: int, key: str) -> bytes:
    """Return the body of an error."""
    code = _CODES.get(status, "Error")
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code>'
        f"<Message>{code}</Message>"
        f"<Key>{escape(key)}</Key></Error>"
    ).encode()


def list_objects(
    root: Path, query: dict[str, str], page: int, etag: Callable[[Path], str]
) -> bytes:
    """Return the answer to a ListObjectsV2: a page of keys or of common prefixes."""
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    after = query.get("continuation-token") or query.get("start-after", "")
    limit = min(int(query.get("max-keys", page)), page)
    entries: dict[str, bool] = {}  # key or common prefix, and which of the two it is
    truncated = False
    for key in _keys(root, prefix):
        cut = key.find(delimiter, len(prefix)) if delimiter else -1
        entry = key if cut < 0 else key[: cut + len(delimiter)]
        if entry <= after or entry in entries or (cut >= 0 and after.startswith(entry)):
            continue
        if len(entries) == limit:
            truncated = True
            break
        entries[entry] = cut >= 0
    return _answer(root, query, entries, truncated, etag)


def _answer(
    root: Path,
    query: dict[str, str],
    entries: dict[str, bool],
    truncated: bool,
    etag: Callable[[Path], str],
) -> bytes:
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>pmc-oa-opendata</Name>',
        f"<Prefix>{escape(query.get('prefix', ''))}</Prefix><KeyCount>{len(entries)}</KeyCount>",
        f"<MaxKeys>1000</MaxKeys><IsTruncated>{str(truncated).lower()}</IsTruncated>",
    ]
    if truncated:
        token = escape(list(entries)[-1])
        lines.append(f"<NextContinuationToken>{token}</NextContinuationToken>")
    for entry, is_prefix in entries.items():
        if is_prefix:
            lines.append(f"<CommonPrefixes><Prefix>{escape(entry)}</Prefix></CommonPrefixes>")
        else:
            lines.append(
                f"<Contents><Key>{escape(entry)}</Key><LastModified>2026-11-19T11:47:59.000Z</LastModified>"
                f"<ETag>&quot;{etag(root / entry)}&quot;</ETag>"
                f"<Size>{(root / entry).stat().st_size}</Size>"
                "<StorageClass>STANDARD</StorageClass></Contents>"
            )
    return "\n".join([*lines, "</ListBucketResult>"]).encode()


def _keys(root: Path, prefix: str) -> list[str]:
    folder = root / prefix.rpartition("/")[0]
    found = []
    for place, _folders, files in os.walk(folder):
        base = os.path.relpath(place, root)
        found += [name if base == "." else f"{base}/{name}" for name in files]
    return sorted(key for key in found if key.startswith(prefix))
