"""Fetches what a run wants of one PMCID, in order of cost: JSON, XML, then the media that captioned graphics need.

What an older block already has under the same ETag or MD5 is taken from there.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..errors import ArticleError
from ..jats import read_article
from ..jats.licenses import resolved_license
from ..matching import Match, match_figures
from .ledger import ImageEntry, LedgerRow
from .metadata import Metadata, RemoteFile, parse_metadata
from .source import Source, TooLargeError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..records import Article
    from .inventory import Version
    from .selection import Wants
    from .spool import Held, Spool

MAX_METADATA = 16 * 2**20
MAX_XML = 64 * 2**20
MAX_IMAGE = 100 * 2**20
"""Bytes; what is larger is dropped unread as ``too_large``."""

_TRIES = 3  # of a file whose MD5 is wrong


class CorruptError(Exception):
    """The bytes are not those that the metadata promises, after retries."""


@dataclass(slots=True)
class Fetched:
    """The ledger rows of one PMCID, with their images.

    Parameters
    ----------
    images
        By (version, file name): where the bytes wait to be written.
    xml
        By version: where the document waits.
    """

    rows: list[LedgerRow] = field(default_factory=list)
    xml: dict[int, Held] = field(default_factory=dict)
    images: dict[tuple[int, str], Held] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """What an older block has of one PMCID.

    Parameters
    ----------
    rows
        By version, without their XML.
    xml
        By version: where the document lies.
    images
        By (file name, MD5): where the bytes lie.
    """

    rows: Mapping[int, LedgerRow]
    xml: Mapping[int, Held]
    images: Mapping[tuple[str, str], Held]


class ArticleFetch:
    """Fetches the current version of one PMCID.

    Parameters
    ----------
    versions
        All versions of the PMCID in the inventory.
    known
        What an older block has of it.
    """

    def __init__(
        self, source: Source, spool: Spool, wants: Wants, versions: Sequence[Version], known: Known
    ) -> None:
        self._source, self._spool, self._wants, self._known = source, spool, wants, known
        self._versions = sorted(versions, key=lambda v: -v.version)
        self._fetched = Fetched()

    async def run(self) -> Fetched:
        """Return a ledger row for every version.

        Raises
        ------
        NetworkFailedError
            Something could not be fetched for the network: the block is not complete.
        """
        current, rows = await self._current()
        if current is not None:
            version, metadata, row = current
            rows[version.version] = await self._article(metadata, row)
        for version in self._versions:
            rows.setdefault(version.version, _row(version, "rejected", "superseded"))
        self._fetched.rows = [rows[v.version] for v in reversed(self._versions)]
        return self._fetched

    async def _current(
        self,
    ) -> tuple[tuple[Version, Metadata, LedgerRow] | None, dict[int, LedgerRow]]:
        """Return the version that counts, if any, and the rows of those that were looked at and do not.

        The highest counts; below an author manuscript the next one does, unless there is none but manuscripts.
        """
        rows: dict[int, LedgerRow] = {}
        manuscripts = []
        for version in self._versions:
            row = await self._read_metadata(version)
            rows[version.version] = row
            if row.status != "kept" or row.metadata is None:
                return None, rows
            metadata = parse_metadata(row.metadata, version.name)
            manuscript = metadata.is_manuscript or metadata.is_text_mining_only
            if manuscript and not metadata.is_retracted:
                rows[version.version] = replace(row, status="rejected", reason="manuscript")
                manuscripts.append((version, metadata, row))
                continue
            return self._judged(version, metadata, row, rows), rows
        version, metadata, row = manuscripts[0]
        return self._judged(version, metadata, row, rows), rows

    def _judged(
        self, version: Version, metadata: Metadata, row: LedgerRow, rows: dict[int, LedgerRow]
    ) -> tuple[Version, Metadata, LedgerRow] | None:
        reason = None
        if metadata.is_retracted:
            reason = "retracted"
        elif metadata.is_text_mining_only:
            reason = "text_mining_only"
        elif not metadata.is_open_access:
            reason = "not_open_access"
        elif metadata.license_code is not None and not self._wants.license(metadata.license_code):
            reason = "license_not_wanted"
        if reason is None:
            return version, metadata, row
        rows[version.version] = replace(row, status="rejected", reason=reason)
        return None

    async def _read_metadata(self, version: Version) -> LedgerRow:
        known = self._known.rows.get(version.version)
        if known is not None and known.etag == version.etag and known.metadata is not None:
            return _row(version, "kept", metadata=known.metadata, metadata_md5=known.metadata_md5)
        problem = ""
        for _attempt in range(_TRIES):
            try:
                data = await self._source.get(version.key, limit=MAX_METADATA)
                parse_metadata(data, version.name)
            except UnavailableError as error:
                return _row(version, "unavailable", f"metadata {error}")
            except TooLargeError:
                return _row(version, "too_large", "metadata")
            except ArticleError as error:
                problem = str(error)
                continue
            return _row(version, "kept", metadata=data, metadata_md5=_md5(data))
        return _row(version, "corrupt", "metadata" if problem else None)

    async def _article(self, metadata: Metadata, row: LedgerRow) -> LedgerRow:
        if metadata.xml is None:
            return replace(row, status="unavailable", reason="no XML")
        try:
            xml = await self._read_xml(metadata.xml, row)
        except (UnavailableError, TooLargeError, CorruptError) as error:
            status, reason = _problem(error)
            return replace(row, status=status, reason=f"XML {reason}" if reason else "XML")
        self._fetched.xml[row.version] = self._spool.add(xml)
        try:
            article = read_article(xml)
        except ArticleError:
            return replace(row, status="corrupt", reason="XML not readable")
        license_code = resolved_license(metadata.license_code, article.license).code
        if not self._wants.license(license_code):
            return replace(row, status="rejected", reason="license_not_wanted")
        return await self._with_images(metadata, row, article)

    async def _with_images(self, metadata: Metadata, row: LedgerRow, article: Article) -> LedgerRow:
        matches = match_figures(f"PMC{row.pmcid}", article.figures, metadata.media)
        if not any(figure.dropped is None for figure in article.figures):
            images = [_entry(match, None, "rejected", match.dropped) for match in matches]
            return replace(row, status="rejected", reason="no_figures", images=images)
        names = dict.fromkeys(
            m.name for m in matches if m.name and m.key and self._wants.image(m.key)
        )
        files = [metadata.media[name] for name in names if name]
        results = await asyncio.gather(*(self._read_image(file, row.version) for file in files))
        by_name = {file.name: result for file, result in zip(files, results, strict=True)}
        images = [self._image_entry(match, metadata, by_name) for match in matches]
        return replace(row, images=images)

    def _image_entry(
        self,
        match: Match,
        metadata: Metadata,
        results: dict[str, tuple[str, str | None, int | None]],
    ) -> ImageEntry:
        if match.dropped is not None or match.name is None:
            return _entry(match, None, "rejected", match.dropped)
        file = metadata.media[match.name]
        if not self._wants.image(match.key or ""):
            return _entry(match, file, "rejected", "image_not_wanted")
        status, reason, size = results[match.name]
        return replace(_entry(match, file, status, reason), size=size)

    async def _read_xml(self, file: RemoteFile, row: LedgerRow) -> bytes:
        known = self._known.xml.get(row.version)
        if known is not None and _md5(xml := known.read()) == file.md5:
            return xml
        return await self._verified(file, MAX_XML)

    async def _read_image(
        self, file: RemoteFile, version: int
    ) -> tuple[str, str | None, int | None]:
        held = self._known.images.get((file.name, file.md5))
        if held is None:
            try:
                held = self._spool.add(await self._verified(file, MAX_IMAGE))
            except (UnavailableError, TooLargeError, CorruptError) as error:
                return *_problem(error), None
        self._fetched.images[version, file.name] = held
        return "kept", None, held.size

    async def _verified(self, file: RemoteFile, limit: int) -> bytes:
        for _attempt in range(_TRIES):
            data = await self._source.get(file.key, limit=limit)
            if _md5(data) == file.md5:
                return data
        msg = "MD5"
        raise CorruptError(msg)


def _row(
    version: Version,
    status: str,
    reason: str | None = None,
    metadata: bytes | None = None,
    metadata_md5: str | None = None,
) -> LedgerRow:
    return LedgerRow(
        pmcid=version.pmcid,
        version=version.version,
        etag=version.etag,
        status=status,
        reason=reason,
        metadata=metadata,
        metadata_md5=metadata_md5,
    )


def _entry(match: Match, file: RemoteFile | None, status: str, reason: str | None) -> ImageEntry:
    href = match.figure.hrefs[0] if match.figure.hrefs else None
    name, md5 = (file.name, file.md5) if file else (None, None)
    return ImageEntry(href, name, md5, None, status, reason)


def _problem(error: Exception) -> tuple[str, str | None]:
    if isinstance(error, UnavailableError):
        return "unavailable", str(error)
    return ("too_large", None) if isinstance(error, TooLargeError) else ("corrupt", str(error))


def _md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()  # noqa: S324 - what PMC promises
