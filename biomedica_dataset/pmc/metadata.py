"""Parses PMC's metadata JSON of one article version."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from biomedica_dataset.errors import ArticleError
from biomedica_dataset.jats.text import tidy

from .names import is_safe_name

_MOST = 2**63  # limit of an int64 column
_URL = re.compile(r"s3://[^/]+/(?P<key>.+)\?md5=(?P<md5>[0-9a-f]{32})")


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """An object of an article version, with its expected MD5."""

    name: str
    key: str
    md5: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The fields used of a metadata JSON.

    Parameters
    ----------
    media
        Files by name: images of figures, tables and formulas, and supplements. Files outside the
        folder of the version are ignored.
    """

    name: str
    pmid: int | None
    doi: str | None
    title: str | None
    citation: str | None
    is_open_access: bool
    is_manuscript: bool
    is_retracted: bool
    license_code: str | None
    xml: RemoteFile | None
    media: dict[str, RemoteFile]

    @property
    def is_text_mining_only(self) -> bool:
        """Whether the article is an author manuscript that may be mined but not redistributed."""
        return self.license_code == "TDM"


def parse_metadata(data: bytes, name: str) -> Metadata:
    """Parse the metadata JSON of an article version.

    Parameters
    ----------
    name
        The expected version, such as ``PMC13900.1``.

    Raises
    ------
    ArticleError
        The JSON is invalid or belongs to another version, or its XML is outside the folder of the
        version.
    """
    try:
        record = json.loads(data)
    except (ValueError, RecursionError) as error:
        msg = f"the metadata JSON of {name} cannot be read: {error}"
        raise ArticleError(msg) from error
    if not isinstance(record, dict) or f"{record.get('pmcid')}.{record.get('version')}" != name:
        msg = f"the metadata JSON of {name} belongs to another article version"
        raise ArticleError(msg)
    xml_url = record.get("xml_url")
    xml = _file(xml_url, name)
    if xml_url and xml is None:
        msg = f"the metadata JSON of {name} names {str(xml_url)[:200]!r}, which is not in {name}/"
        raise ArticleError(msg)
    urls = record.get("media_urls")
    media = [_file(url, name) for url in (urls if isinstance(urls, list) else [])]
    return Metadata(
        name=name,
        pmid=_pmid(record.get("pmid")),
        doi=_text(record.get("doi")),
        title=_text(record.get("title")),
        citation=_text(record.get("citation")),
        is_open_access=_flag(record.get("is_pmc_openaccess")),
        is_manuscript=_flag(record.get("is_manuscript")),
        is_retracted=_flag(record.get("is_retracted")),
        license_code=_text(record.get("license_code")),
        xml=xml,
        media={file.name: file for file in media if file},
    )


def _file(url: Any, name: str) -> RemoteFile | None:
    """Return the object with a URL, or ``None`` if it is outside the folder of the version."""
    found = _URL.fullmatch(url) if isinstance(url, str) else None
    folder, _, file = found["key"].partition("/") if found else ("", "", "")
    if found is None or folder != name or not is_safe_name(file):
        return None
    return RemoteFile(file, found["key"], found["md5"])


def _flag(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.lower() in ("yes", "true"))


def _pmid(value: Any) -> int | None:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and 0 < value < _MOST else None


def _text(value: Any) -> str | None:
    return tidy(value) if isinstance(value, str) else None
