"""Decides which version of an article counts, by its metadata JSONs, the highest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from biomedica_dataset.archive.entries import SETTLED, LedgerRow
from biomedica_dataset.errors import ArticleError, UsageError
from biomedica_dataset.io.async_runner import run_async
from biomedica_dataset.pmc.etags import md5_of
from biomedica_dataset.pmc.inventory import Inventory, Version, read_inventory
from biomedica_dataset.pmc.listing import has_inventory, list_each, list_folder
from biomedica_dataset.pmc.metadata import Metadata, parse_metadata
from biomedica_dataset.pmc.source import CorruptError, Source, TooLargeError, UnavailableError

from .report import not_in_source

if TYPE_CHECKING:
    from biomedica_dataset.archive.selection import Selection, Wants

MAX_METADATA = 2**20  # bytes; a block's are all in memory, and PMC's take about 10,000
TRIES = 3
"""Attempts to fetch a file whose bytes do not match the expected digest."""


@dataclass(frozen=True, slots=True)
class Current:
    """The version of an article that counts.

    Parameters
    ----------
    rows
        For every version: ``kept`` for the one that counts, and the reason for the others.
    version, metadata
        The version that counts, if any.
    """

    rows: dict[int, LedgerRow]
    version: int = 0
    metadata: Metadata | None = None


async def find_current(
    source: Source, wants: Wants, versions: Sequence[Version], known: Mapping[int, LedgerRow]
) -> Current:
    """Return the version of a PMCID that counts.

    The highest counts. An author manuscript is passed over for the next lower version, unless there
    are only manuscripts.

    Parameters
    ----------
    versions
        All versions in the inventory.
    known
        Ledger rows by version: the JSON of an unchanged version is not fetched again.

    Raises
    ------
    NetworkFailedError
        A JSON could not be fetched because of the network.
    """
    ordered = sorted(versions, key=lambda v: -v.version)
    rows = {v.version: _row(v, "rejected", "superseded") for v in ordered}
    manuscripts: list[tuple[Version, Metadata, LedgerRow]] = []
    for version in ordered:
        row = await _read_metadata(source, version, known.get(version.version))
        rows[version.version] = row
        if row.status != "kept" or row.metadata is None:
            return Current(rows)
        metadata = parse_metadata(row.metadata, version.name)
        manuscript = metadata.is_manuscript or metadata.is_text_mining_only
        if not manuscript or metadata.is_retracted:
            return _judged(version, metadata, row, wants, rows)
        rows[version.version] = replace(row, status="rejected", reason="manuscript")
        manuscripts.append((version, metadata, row))
    return _judged(*manuscripts[0], wants, rows)


def _judged(
    version: Version, metadata: Metadata, row: LedgerRow, wants: Wants, rows: dict[int, LedgerRow]
) -> Current:
    reason = None
    if metadata.is_retracted:
        reason = "retracted"
    elif metadata.is_text_mining_only:
        reason = "text_mining_only"
    elif not metadata.is_open_access:
        reason = "not_open_access"
    elif metadata.license_code is not None and not wants.license(metadata.license_code):
        reason = "license_not_wanted"
    if reason is None:
        return Current({**rows, version.version: row}, version.version, metadata)
    rejected = replace(row, status="rejected", reason=reason)
    return Current({**rows, version.version: rejected})


async def _read_metadata(source: Source, version: Version, known: LedgerRow | None) -> LedgerRow:
    if known is not None:
        if known.metadata is not None and version.etag in (known.etag, known.metadata_md5):
            return _row(version, "kept", metadata=known.metadata, md5=known.metadata_md5)
        if known.etag == version.etag and known.status in SETTLED:
            return _row(version, known.status, known.reason)
    problem: Exception
    for _attempt in range(TRIES):
        try:
            data = await source.get(version.key, limit=MAX_METADATA, as_tagged=True)
            parse_metadata(data, version.name)
        except UnavailableError as error:
            if not failed_before(known):
                source.strike(version.key, error)
            return _row(version, "unavailable", f"metadata {error}")
        except TooLargeError:
            return _row(version, "too_large", "metadata")
        except (ArticleError, CorruptError) as error:
            problem = error
            continue
        return _row(version, "kept", metadata=data, md5=md5_of(data))
    if not failed_before(known):
        source.strike(version.key, problem)
    return _row(version, "corrupt", "metadata")


def failed_before(known: LedgerRow | None) -> bool:
    """Whether an article version failed in an earlier run, and so says nothing of this one."""
    return known is not None and known.failed


def _row(
    version: Version,
    status: str,
    reason: str | None = None,
    metadata: bytes | None = None,
    md5: str | None = None,
) -> LedgerRow:
    return LedgerRow(
        pmcid=version.pmcid,
        version=version.version,
        etag=version.etag,
        status=status,
        reason=reason,
        metadata=metadata,
        metadata_md5=md5,
    )


_FEW = 200  # up to so many ids are cheaper to list one by one than by an inventory of 230 MB


def list_versions(source: Source, selection: Selection, inventory: str | None) -> Inventory:
    """Return the versions of the selected articles in the source.

    A few ids are listed one by one, which takes seconds; more are looked up in an inventory. A
    folder is listed if ids are given or if it has no inventory.

    Raises
    ------
    UsageError, SourceError
        The source is not a bucket, has none of the articles, or cannot be listed.
    """
    found = _list_all(source, selection, inventory)
    if selection.versions:
        found = found.only_versions(dict(selection.versions))
    if not len(found):
        names = selection.names()
        if names is None:
            msg = f"{source.url} has no articles"
            raise UsageError(msg)
        raise UsageError(not_in_source(names, source.url))
    return found


def _list_all(source: Source, selection: Selection, inventory: str | None) -> Inventory:
    """Return all versions of the selected articles."""
    pmcids = selection.pmcids
    # The newest come from an inventory, so compare them with one: it may lag behind a listing.
    is_ids = inventory is None and pmcids is not None and selection.limit is None
    if source.folder is not None and (is_ids or (inventory is None and not has_inventory(source))):
        return list_folder(source.folder, pmcids)
    if is_ids and pmcids is not None and len(pmcids) <= _FEW:
        return run_async(list_each(source, pmcids))
    found = read_inventory(source, inventory)
    return found if pmcids is None else found.only(pmcids)
