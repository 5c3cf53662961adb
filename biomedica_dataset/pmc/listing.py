"""What the source holds, listed now: for a few articles, or where there is no inventory."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from biomedica_dataset.errors import UsageError

from .etags import md5_of
from .inventory import KEY, REPORTS, Inventory, Version

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .source import Source


def has_inventory(source: Source) -> bool:
    """Whether a folder holds an inventory, complete or not."""
    return source.folder is not None and any(source.folder.glob(f"{REPORTS}/*/manifest.json"))


def list_folder(folder: Path, pmcids: Sequence[int] | None) -> Inventory:
    """Return the metadata files of a folder with their MD5, of some articles or of all.

    Raises
    ------
    UsageError
        The folder holds no metadata: it is no bucket.
    """
    metadata = folder / "metadata"
    if not metadata.is_dir():
        msg = (
            f"SOURCE {folder} is no copy of the PMC bucket: it has neither metadata/ nor {REPORTS}/"
        )
        raise UsageError(msg)
    wanted = None if pmcids is None else set(pmcids)
    found = []
    for path in metadata.iterdir():
        match = KEY.fullmatch(f"metadata/{path.name}")
        if match and (wanted is None or int(match["pmcid"]) in wanted):
            found.append(Version(int(match["pmcid"]), int(match["version"]), _etag(path)))
    return Inventory.of(found)


def _etag(path: Path) -> str:
    """Return the MD5 of a file; of one that cannot be read none, and the ledger will tell why."""
    try:
        return md5_of(path.read_bytes())
    except OSError:
        return ""


async def list_each(source: Source, pmcids: Sequence[int]) -> Inventory:
    """Return what a source that can be listed has of a few articles.

    Raises
    ------
    SourceError
        The source cannot be listed.
    """
    found = await asyncio.gather(*(_list_one(source, pmcid) for pmcid in pmcids))
    return Inventory.of([version for versions in found for version in versions])


async def _list_one(source: Source, pmcid: int) -> list[Version]:
    # The dot keeps PMC7906740 out of the answer for PMC790674.
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
