"""Lists the source: for a few articles, or without an inventory."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from biomedica_dataset.errors import UsageError

from .etags import md5_of
from .inventory import KEY, REPORTS, Inventory, Version

if TYPE_CHECKING:
    from .source import Source


def has_inventory(source: Source) -> bool:
    """Whether the source is a folder with an inventory, complete or not."""
    return source.folder is not None and any(source.folder.glob(f"{REPORTS}/*/manifest.json"))


def list_folder(folder: Path, pmcids: Sequence[int] | None) -> Inventory:
    """Return the metadata files of a folder with their MD5, for some articles or all.

    Raises
    ------
    UsageError
        The folder has no metadata, so it is not a bucket.
    """
    metadata = folder / "metadata"
    if not metadata.is_dir():
        lacking = f"it has neither metadata/ nor {REPORTS}/"
        msg = f"SOURCE {folder} is not a copy of the PMC bucket: {lacking}"
        raise UsageError(msg)
    wanted = None if pmcids is None else set(pmcids)
    found = []
    for path in metadata.iterdir():
        match = KEY.fullmatch(f"metadata/{path.name}")
        if match and (wanted is None or int(match["pmcid"]) in wanted):
            found.append(Version(int(match["pmcid"]), int(match["version"]), _etag(path)))
    return Inventory.of(found)


def _etag(path: Path) -> str:
    """Return the MD5 of a file; empty for an unreadable file, which the ledger reports."""
    try:
        return md5_of(path.read_bytes())
    except OSError:
        return ""


async def list_each(source: Source, pmcids: Sequence[int]) -> Inventory:
    """List the versions of a few articles in a source that supports listing.

    Raises
    ------
    SourceError
        The source cannot be listed.
    """
    found = await asyncio.gather(*(_list_one(source, pmcid) for pmcid in pmcids))
    return Inventory.of([version for versions in found for version in versions])


async def _list_one(source: Source, pmcid: int) -> list[Version]:
    # The dot excludes PMC7906740 from the listing of PMC790674.
    prefix = f"metadata/PMC{pmcid}."
    found = []
    async with aclosing(source.listed_after("metadata", prefix)) as listed:
        async for key, etag in listed:
            if not key.startswith(prefix):
                break
            match = KEY.fullmatch(key)
            if match:
                found.append(Version(pmcid, int(match["version"]), etag))
    return found
