"""Lay the invented articles out as the PMC Cloud Service lays out real ones."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import platform
import re
import uuid
import zlib
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL
from PIL import Image, features

from .jats import article_xml, citation, plain_text
from .texts import ARTICLES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .contents import Article

_BUCKET = "pmc-oa-opendata"
_SNAPSHOT = "2026-11-20T01-00Z"
_STAMP = "2026-11-19T11:47:59.000Z"
_FORMATS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "jpg": ("JPEG", {"quality": 85, "subsampling": 2}),
    "png": ("PNG", {"compress_level": 6}),
    "gif": ("GIF", {}),
    "webp": ("WEBP", {"quality": 85, "method": 4}),
    # Not LZW: what libtiff writes of it depends on what was in memory before.
    "tif": ("TIFF", {"compression": "tiff_adobe_deflate"}),
}


def write(folder: Path, seed: int = 0) -> None:
    """Write the bucket.

    Parameters
    ----------
    folder
        A new folder; it becomes the root of the bucket.
    seed
        Changes the drawings, the authors and the references. The same seed gives the same bytes
        with the libraries of `made_with`.
    """
    folder.mkdir(parents=True)
    etags = {}
    for article in ARTICLES:
        data = _put_article(folder, article, seed)
        etags[f"metadata/{article.key}.json"] = _put(folder, f"metadata/{article.key}.json", data)
    _put_inventory(folder, etags)


def made_with() -> dict[str, str | None]:
    """Return what decides on the bytes of images, and of the inventory, which is compressed."""
    parts = ("libjpeg_turbo", "zlib", "zlib_ng", "webp", "libtiff", "freetype2")
    return {
        "machine": platform.machine(),
        "numpy": np.__version__,
        "pillow": PIL.__version__,
        **{name: features.version(name) for name in parts},
        "python's zlib": zlib.ZLIB_RUNTIME_VERSION,
    }


def _put(folder: Path, key: str, data: bytes) -> str:
    """Write an object and give its MD5."""
    path = folder / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _put_article(folder: Path, article: Article, seed: int) -> bytes:
    """Write the objects of an article version and give its metadata JSON."""

    def put(name: str, data: bytes) -> str:
        digest = _put(folder, f"{article.key}/{name}", data)
        return f"s3://{_BUCKET}/{article.key}/{name}?md5={digest}"

    # Both versions of an article have the same authors and references.
    xml = article_xml(article, Random(f"{seed}/PMC{article.pmcid}/text"))
    record = {
        "pmcid": f"PMC{article.pmcid}",
        "version": article.version,
        "pmid": article.pmid,
        "doi": article.doi,
        "mid": f"SAMS{article.pmcid}" if article.is_manuscript else None,
        "title": _plain_title(article),
        "citation": citation(article),
        "is_pmc_openaccess": article.is_open_access,
        "is_manuscript": article.is_manuscript,
        "is_historical_ocr": False,
        "is_retracted": article.is_retracted,
        "license_code": article.license.code,
        "xml_url": put(f"{article.key}.xml", xml),
        "text_url": put(f"{article.key}.txt", plain_text(xml)),
    }
    media = _media(article, seed)
    if media:
        record["media_urls"] = [put(name, media[name]) for name in sorted(media)]
    data = json.dumps(record, ensure_ascii=False).encode()
    put(f"{article.key}.json", data)
    return data


def _plain_title(article: Article) -> str:
    return " ".join(re.sub("<[^>]*>", "", article.title).split())


def _media(article: Article, seed: int) -> dict[str, bytes]:
    """Draw the images of an article, by file name."""
    made = {}
    for figure in article.figures:
        for image in figure.images:
            if image.draw is not None:
                rng = Random(f"{seed}/PMC{article.pmcid}/{image.file}")
                made[image.file] = _encode(image.draw(rng), image.file)
    return made


def _encode(image: Image.Image, name: str) -> bytes:
    kind, options = _FORMATS[name.rsplit(".", 1)[-1]]
    if kind == "GIF":
        image = image.convert("P", palette=Image.Palette.ADAPTIVE, colors=128)
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def _put_inventory(folder: Path, etags: Mapping[str, str]) -> None:
    """Write the inventory's table and, last, the manifest that names it."""
    table = io.StringIO()
    writer = csv.writer(table, quoting=csv.QUOTE_ALL, lineterminator="\n")
    for key in sorted(etags):
        writer.writerow([_BUCKET, key, _STAMP, etags[key]])
    text = table.getvalue()
    base = f"inventory-reports/{_BUCKET}/metadata"
    key = f"{base}/data/{uuid.uuid5(uuid.NAMESPACE_URL, text)}.csv.gz"
    packed = gzip.compress(text.encode(), mtime=0)
    digest = _put(folder, key, packed)
    manifest = {
        "sourceBucket": _BUCKET,
        "destinationBucket": f"arn:aws:s3:::{_BUCKET}",
        "version": "2016-11-30",
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, LastModifiedDate, ETag",
        "files": [{"key": key, "size": len(packed), "MD5checksum": digest}],
    }
    _put(folder, f"{base}/{_SNAPSHOT}/manifest.json", json.dumps(manifest, indent=2).encode())
