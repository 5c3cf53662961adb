"""Buckets of made-up articles, laid out as PMC's: what stands in them is for a test to say."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAMESPACE = 'xmlns:xlink="http://www.w3.org/1999/xlink"'


def article(figures: str, *, front: str = "") -> bytes:
    """Return an article with figures."""
    body = f"<body><sec><title>Made up</title>{figures}</sec></body>"
    return f"<article {NAMESPACE}>{front}{body}</article>".encode()


def figure(name: str, caption: str = "Made up.", number: int = 0) -> str:
    """Return a figure; name and caption stand as they are."""
    return (
        f'<fig id="f{number}"><label>Fig. {number}</label><caption><p>{caption}</p></caption>'
        f'<graphic xlink:href="{name}"/></fig>'
    )


def put(
    bucket: Path, pmcid: int, xml: bytes, media: Mapping[str, bytes | Path], **fields: Any
) -> None:
    """Put an article into a bucket: its files, and a metadata JSON that names them.

    Parameters
    ----------
    media
        By file name, as the JSON has it: bytes, or a file to link to.
    fields
        Of the JSON, others than usual.
    """
    name = f"PMC{pmcid}.1"
    home = bucket / name
    home.mkdir(parents=True)
    urls = []
    for file, data in media.items():
        urls.append(f"s3://bucket/{name}/{file}?md5={_md5(data)}")
        if isinstance(data, bytes):
            if "/" not in file and "\0" not in file and file.isprintable():
                (home / file).write_bytes(data)
        else:
            (home / file).hardlink_to(data)
    (home / f"{name}.xml").write_bytes(xml)
    record = {
        "pmcid": f"PMC{pmcid}", "version": 1, "pmid": pmcid, "doi": f"10.5555/{pmcid}",
        "title": "Made up", "citation": "Made up. 2026", "is_pmc_openaccess": True,
        "is_manuscript": False, "is_historical_ocr": False, "is_retracted": False,
        "license_code": "CC BY", "media_urls": urls,
        "xml_url": f"s3://bucket/{name}/{name}.xml?md5={_md5(xml)}",
    }  # fmt: skip
    (bucket / "metadata").mkdir(exist_ok=True)
    (bucket / f"metadata/{name}.json").write_text(json.dumps(record | fields))


def _md5(data: bytes | Path) -> str:
    if isinstance(data, bytes):
        return hashlib.md5(data, usedforsecurity=False).hexdigest()
    with data.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()
