"""Reads articles block by block straight from a source, without building an archive first.

A source is an archive or a bucket. Each block of a bucket is extracted into a temporary archive
when it is read, by the same code as everywhere else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.archive.selection import Selection, Wants, block_width
from biomedica_dataset.errors import SourceError, without_secrets
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.io.partial import scratch_folder
from biomedica_dataset.pmc.inventory import Inventory
from biomedica_dataset.pmc.source import Source

from .blocks import BlockFailedError, run_block
from .losses import is_spoilt
from .tasks import Task
from .versions import list_versions

if TYPE_CHECKING:
    from biomedica_dataset.archive.entries import LedgerRow

_WIDTH = 100  # PMCIDs per block of all PMC: the first row arrives after some 70 articles, not 700


@dataclass(frozen=True, slots=True)
class Blocks:
    """Blocks of a source, ready to be read in any process of this machine.

    Parameters
    ----------
    url
        The archive, or the bucket.
    numbers
        The blocks, ascending.
    listing
        File that lists the versions in the blocks of a bucket; ``None`` for an archive.
    """

    url: str
    numbers: tuple[int, ...]
    width: int
    listing: str | None = None


def is_archive(url: str) -> bool:
    """Whether a source is one of our archives rather than a bucket."""
    return "://" not in url and Archive.find(Folder(url)) is not None


def archive_fingerprint(url: str) -> str:
    """Return a fingerprint that changes when any block of an archive does."""
    folder = Folder(url)
    files = [(name, folder.modified(f"articles/{name}")) for name in folder.names("articles")]
    return hashlib.sha256(repr(files).encode()).hexdigest()[:16]


def find_blocks(
    url: str,
    *,
    pmcids: str | Sequence[str | int] | None = None,
    limit: int | None = None,
    inventory: str | None = None,
    cache: str,
) -> Blocks:
    """Return the blocks of a source.

    Parameters
    ----------
    pmcids, limit, inventory
        Which articles of a bucket to read; an archive is read whole.
    cache
        Local folder that keeps the listing for the processes that read the blocks.

    Raises
    ------
    UsageError, SourceError
        The source is not valid, or cannot be listed.
    """
    if is_archive(url):
        archive = Archive.open(url)
        return Blocks(str(Path(url).resolve()), tuple(archive.blocks()), archive.width)
    source = Source(url)
    found = list_versions(source, Selection.of_ids(pmcids) if pmcids else Selection(), inventory)
    if limit is not None:
        found = found.only([int(n) for n in found.pmcids()[-limit:]])
    chosen = [int(n) for n in found.pmcids()] if pmcids or limit else None
    width = _WIDTH if chosen is None else block_width(chosen)
    numbers = tuple(number for number, _part in found.blocks(width))
    return Blocks(url, numbers, width, _keep(found, cache))


def _keep(inventory: Inventory, cache: str) -> str:
    digest = inventory.digest()[:32]
    folder = Folder(cache)
    name = f"{digest}.arrow"
    if not folder.exists(name):
        with folder.create() as file:
            with pa.ipc.new_file(pa.PythonFile(file, "w"), inventory.table.schema) as writer:
                writer.write_table(inventory.table)
            file.publish(name)
    return str(Path(cache, name))


def read_block(
    blocks: Blocks, number: int, wants: Wants, is_wanted: Callable[[int], bool]
) -> Iterator[tuple[LedgerRow, Mapping[str, bytes]]]:
    """Yield the kept articles of one block with their images by file name.

    Parameters
    ----------
    is_wanted
        Whether to read the article of a PMCID; others are not fetched.

    Raises
    ------
    SourceError
        The block cannot be fetched completely.
    """
    if blocks.listing is None:
        articles = Archive.open(blocks.url).articles(number)
        yield from (article for article in articles if is_wanted(article[0].pmcid))
        return
    with _temporary(blocks) as archive:
        with pa.memory_map(blocks.listing) as file:
            whole = Inventory(pa.ipc.open_file(file).read_all(), None)
            part = dict(whole.blocks(blocks.width))[number]
            part = part.only([int(n) for n in part.pmcids() if is_wanted(int(n))])
            try:
                task = Task(number, part, wants)
                header = run_block(archive, Source(blocks.url), task, _no_tick)
            except BlockFailedError as error:
                msg = f"block {number} of {blocks.url} could not be fetched: {error}"
                raise SourceError(msg) from error
        if is_spoilt(header.counts["articles"], header.counts["figures"]):
            msg = (
                f"more than a tenth of block {number} of {blocks.url} is not what the source "
                "itself states: a proxy or a login page may change or withhold it"
            )
            raise SourceError(msg)
        yield from archive.articles(number)


@contextmanager
def _temporary(blocks: Blocks) -> Iterator[Archive]:
    with scratch_folder() as folder:
        yield Archive.create(Folder(folder), without_secrets(blocks.url), Selection(), blocks.width)


def _no_tick(_units: int, _images: int, _received: int) -> None:
    pass
