"""Fetches one PMCID: its JSON, its XML, then the media that captioned graphics need.

Whatever an older block has under the same ETag or MD5 is reused.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from biomedica_dataset.archive.entries import NOT_WANTED, SETTLED, ImageEntry, LedgerRow
from biomedica_dataset.errors import JatsError, JatsTooLargeError, ReaderDefectError
from biomedica_dataset.jats.reader import read_article
from biomedica_dataset.licenses import resolved_license
from biomedica_dataset.pmc.etags import md5_of
from biomedica_dataset.pmc.matching import Match, match_figures
from biomedica_dataset.pmc.source import CorruptError, Source, TooLargeError, UnavailableError

from .versions import TRIES, failed_before, find_current

if TYPE_CHECKING:
    from biomedica_dataset.archive.selection import Wants
    from biomedica_dataset.io.spool import Held, Spool
    from biomedica_dataset.jats.records import Article
    from biomedica_dataset.pmc.inventory import Version
    from biomedica_dataset.pmc.metadata import Metadata, RemoteFile

logger = logging.getLogger(__name__)

MAX_XML = 32 * 2**20
MAX_IMAGE = 100 * 2**20
"""Bytes; larger files are dropped unread as ``too_large``."""


@dataclass(slots=True)
class Fetched:
    """The ledger rows of one PMCID, with their images.

    Parameters
    ----------
    images
        By (version, file name): bytes that are ready to be written.
    xml
        By version: the document, ready to be written.
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
        By version: the document.
    images
        By (file name, MD5): the bytes.
    """

    rows: Mapping[int, LedgerRow]
    xml: Mapping[int, Held]
    images: Mapping[tuple[str, str], Held]


@dataclass(frozen=True, slots=True)
class _Result:
    """The outcome for one image."""

    status: str
    reason: str | None = None
    held: Held | None = None


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
        self._versions = versions
        self._fetched = Fetched()

    async def run(self) -> Fetched:
        """Return a ledger row for every version.

        Raises
        ------
        NetworkFailedError
            A file could not be fetched because of the network; the block is incomplete.
        """
        found = await find_current(self._source, self._wants, self._versions, self._known.rows)
        if found.metadata is not None:
            row = found.rows[found.version]
            found.rows[found.version] = await self._article(found.metadata, row)
        self._fetched.rows = [found.rows[version] for version in sorted(found.rows)]
        return self._fetched

    async def _article(self, metadata: Metadata, row: LedgerRow) -> LedgerRow:
        if metadata.xml is None:
            return replace(row, status="unavailable", reason="no XML")
        settled = self._settled(row)
        if settled is not None and settled.status in SETTLED and row.version not in self._known.xml:
            return replace(row, status=settled.status, reason=settled.reason)
        try:
            xml = await self._read_xml(metadata.xml, row)
        except (UnavailableError, TooLargeError, CorruptError) as error:
            self._strike(metadata.xml, row, error)
            status, reason = _problem(error)
            return replace(row, status=status, reason=f"XML {reason}" if reason else "XML")
        article: Article | None = None
        problem = "XML not readable"
        try:
            article = read_article(xml)
        except JatsTooLargeError:
            return replace(row, status="too_large", reason="XML")
        except JatsError:
            pass
        except ReaderDefectError as error:
            problem = "reader failed"
            logger.warning("%s: %s", row.name, error)
        self._fetched.xml[row.version] = self._spool.add(xml)
        if article is None:
            return replace(row, status="corrupt", reason=problem)
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
        results = await self._read_images([metadata.media[n] for n in names if n], row)
        images = [self._image_entry(match, metadata, results) for match in matches]
        return replace(row, images=images)

    async def _read_images(self, files: list[RemoteFile], row: LedgerRow) -> dict[str, _Result]:
        """Return the outcome for each file, by name."""
        settled = self._settled(row)
        old = {(e.name, e.md5): e for e in settled.images if e.status in SETTLED} if settled else {}
        results: dict[str, _Result] = {}
        missing = []
        for file in files:
            entry = old.get((file.name, file.md5))
            if entry is not None:
                results[file.name] = _Result(entry.status, entry.reason)
            else:
                missing.append(file)
        # Wait for all, so that none keeps running after another one has failed.
        found = await asyncio.gather(
            *(self._read_image(file, row) for file in missing), return_exceptions=True
        )
        for file, result in zip(missing, found, strict=True):
            if isinstance(result, BaseException):
                raise result
            results[file.name] = result
        for file in files:  # in the order of the document, not of arrival
            held = results[file.name].held
            if held is not None:
                self._fetched.images[row.version, file.name] = held
        return results

    def _settled(self, row: LedgerRow) -> LedgerRow | None:
        """Return the earlier row of an article version that has not changed since."""
        known = self._known.rows.get(row.version)
        return known if known is not None and known.etag == row.etag else None

    def _image_entry(
        self, match: Match, metadata: Metadata, results: dict[str, _Result]
    ) -> ImageEntry:
        if match.dropped is not None or match.name is None:
            return _entry(match, None, "rejected", match.dropped)
        file = metadata.media[match.name]
        if not self._wants.image(match.key or ""):
            return _entry(match, file, "rejected", NOT_WANTED)
        result = results[match.name]
        size = None if result.held is None else result.held.size
        return replace(_entry(match, file, result.status, result.reason), size=size)

    async def _read_xml(self, file: RemoteFile, row: LedgerRow) -> bytes:
        known = self._known.xml.get(row.version)
        if known is not None:
            xml: bytes = known.read()
            if md5_of(xml) == file.md5:
                return xml
        return await self._verified(file, MAX_XML)

    async def _read_image(self, file: RemoteFile, row: LedgerRow) -> _Result:
        held = self._known.images.get((file.name, file.md5))
        if held is None:
            try:
                held = self._spool.add(await self._verified(file, MAX_IMAGE))
            except (UnavailableError, TooLargeError, CorruptError) as error:
                self._strike(file, row, error)
                return _Result(*_problem(error))
        return _Result("kept", held=held)

    def _strike(self, file: RemoteFile, row: LedgerRow, error: Exception) -> None:
        if not failed_before(self._known.rows.get(row.version)):
            self._source.strike(file.key, error)

    async def _verified(self, file: RemoteFile, limit: int) -> bytes:
        for _attempt in range(TRIES):
            data = await self._source.get(file.key, limit=limit)
            if md5_of(data) == file.md5:
                return data
        msg = "MD5"
        raise CorruptError(msg)


def _entry(match: Match, file: RemoteFile | None, status: str, reason: str | None) -> ImageEntry:
    href = match.figure.hrefs[0] if match.figure.hrefs else None
    name, md5 = (file.name, file.md5) if file else (None, None)
    return ImageEntry(href, name, md5, None, status, reason)


def _problem(error: Exception) -> tuple[str, str | None]:
    if isinstance(error, UnavailableError):
        return "unavailable", str(error)
    return ("too_large", None) if isinstance(error, TooLargeError) else ("corrupt", str(error))
