"""Estimates what a run of extract would cost, from a sample and before anything is fetched."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from biomedica_dataset.archive.layout import AGAIN, articles_name
from biomedica_dataset.engine.report import Shown
from biomedica_dataset.errors import SourceError
from biomedica_dataset.io.async_runner import run_async
from biomedica_dataset.keys import is_raster
from biomedica_dataset.pmc.source import NetworkFailedError, Source
from biomedica_dataset.pubmed.client import Ncbi
from biomedica_dataset.pubmed.search.query import Overview, overview

from .report import not_in_source
from .stage import ExtractStage
from .versions import find_current

if TYPE_CHECKING:
    from biomedica_dataset.archive.ledger import Archive
    from biomedica_dataset.archive.selection import Selection, Wants
    from biomedica_dataset.pmc.inventory import Version
    from biomedica_dataset.pmc.metadata import Metadata

    from .options import ExtractOptions
    from .tasks import Task

_SIZED_SHARE = 5  # files are measured for one sampled article in five, as each takes many requests


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ExtractPlan(Shown):
    """What a run would do and cost.

    Parameters
    ----------
    search
        What the query finds, if there is one.
    blocks, blocks_up_to_date
        Blocks to fetch, and those that are up to date already.
    articles, versions
        Articles that are new, changed or retried, and their versions.
    kept, requests, bytes
        Estimates, as upper bounds: only the XML shows which articles have no figures and which
        images no captioned figure uses. What the archive already has of these articles is not
        deducted.
    sampled, sized
        Articles whose metadata was read, and articles whose files were measured.
    spent
        Requests that the estimate itself made.
    not_listed
        Requested articles that the source does not have.
    """

    source: str
    selection: str
    search: Overview | None
    inventory: str | None
    blocks: int
    blocks_up_to_date: int
    articles: int
    versions: int
    kept: int
    requests: int
    bytes: int
    sampled: int
    sized: int
    seed: int
    spent: int
    not_listed: list[str]

    def __str__(self) -> str:
        listed = f"the inventory of {self.inventory}" if self.inventory else "a listing"
        lines = [str(self.search)] if self.search else []
        lines.append(f"{self.source}, {self.selection}, by {listed}; nothing was written")
        if self.not_listed:
            lines.append(not_in_source(self.not_listed))
        if not self.articles:
            return "\n".join([*lines, "nothing to do: the archive is up to date"])
        return "\n".join(
            [
                *lines,
                f"to check:   {self.versions:,} versions of {self.articles:,} articles in "
                f"{self.blocks:,} blocks; {self.blocks_up_to_date:,} blocks are up to date already",
                f"kept:       at most {self.kept:,} articles",
                f"requests:   at most {self.requests:,}",
                f"bytes:      at most {self.bytes / 1e6:,.1f} MB",
                f"Estimated from the metadata of {self.sampled:,} articles (seed {self.seed}) and "
                f"the sizes of the files of {self.sized:,}, with {self.spent:,} requests. Upper "
                "bounds: only the XML shows which articles have no figures and which images no "
                "captioned figure uses.",
            ]
        )


def plan(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    options: ExtractOptions,
    *,
    sample: int = 200,
    seed: int = 0,
) -> ExtractPlan:
    """Return what a run with the same options would cost; nothing is written.

    Parameters
    ----------
    sample
        Articles whose metadata is read; for one in five, file sizes are requested too.
    seed
        Seed for choosing them.

    Raises
    ------
    UsageError
        As `extract` would raise it.
    SourceError
        The source cannot be read.
    """
    stage = ExtractStage.open(os.fspath(source), os.fspath(output), options)
    tasks, headers = stage.stale(), stage.found.headers
    archive = None if stage.is_new else stage.archive
    articles = [item for task in tasks for item in _changed(archive, task, set(headers))]
    chosen = Random(seed).sample(articles, min(sample, len(articles)))
    found = run_async(_look(stage.opened, options.wants, chosen))
    scale = len(articles) / max(len(chosen), 1)
    return ExtractPlan(
        source=stage.opened.url,
        selection=str(stage.selection),
        search=_search(stage.selection, options.wants),
        inventory=stage.inventory.date,
        blocks=len(tasks),
        blocks_up_to_date=len(headers.keys() - {task.block for task in tasks}),
        articles=len(articles),
        versions=sum(map(len, articles)),
        kept=round(found.kept * scale),
        requests=round((found.metadata + found.kept + found.images) * scale),
        bytes=round(found.bytes * scale),
        sampled=len(chosen),
        sized=found.sized,
        seed=seed,
        spent=stage.opened.requests,
        not_listed=stage.not_listed(),
    )


def _search(selection: Selection, wants: Wants) -> Overview | None:
    if selection.query is None:
        return None
    return overview(Ncbi(), selection.query, wants.licenses, selection.pmcids or ())


def _changed(archive: Archive | None, task: Task, there: set[int]) -> list[list[Version]]:
    """Return the versions of each article of a block that differs from its ledger."""
    articles: dict[int, list[Version]] = {}
    for version in task.inventory.versions():
        articles.setdefault(version.pmcid, []).append(version)
    if archive is None or task.block not in there or task.retry:
        return list(articles.values())
    if archive.header(task.block).wants != task.wants.digest:
        return list(articles.values())
    known = _etags(archive, task.block)
    return [
        versions
        for pmcid, versions in articles.items()
        if {v.version: v.etag for v in versions} != known.get(pmcid)
    ]


def _etags(archive: Archive, block: int) -> dict[int, dict[int, str]]:
    import pyarrow.parquet as pq

    known: dict[int, dict[int, str]] = {}
    name = articles_name(block)
    with archive.folder.reading(name, AGAIN) as file:
        table = pq.read_table(file, columns=["pmcid", "version", "etag"])
    for pmcid, version, etag in zip(*table.to_pydict().values(), strict=True):
        known.setdefault(pmcid, {})[version] = etag
    return known


@dataclass(frozen=True, slots=True)
class _Found:
    """The cost of a sample: requests for JSON, kept articles, images, and total bytes."""

    metadata: int
    kept: int
    images: float
    bytes: float
    sized: int


async def _look(source: Source, wants: Wants, articles: Sequence[list[Version]]) -> _Found:
    before = source.requests, source.received
    try:
        found = await asyncio.gather(*(find_current(source, wants, item, {}) for item in articles))
    except NetworkFailedError as error:
        msg = f"{source.url} cannot be read: {error}"
        raise SourceError(msg) from error
    requests, received = source.requests - before[0], source.received - before[1]
    kept = [item.metadata for item in found if item.metadata is not None]
    measured = kept[::_SIZED_SHARE] if len(kept) > _SIZED_SHARE else kept
    xml = await _mean_size(source, [key for item in measured for key in _xml_keys(item)])
    image = await _mean_size(source, [key for item in measured for key in _image_keys(item)])
    images: float = 0
    if wants.images != "none":
        images = sum(len(_image_keys(item)) for item in kept)
    if not isinstance(wants.images, str):
        images = min(images, len(wants.images))
    size = received + len(kept) * xml + images * image
    return _Found(requests, len(kept), images, size, len(measured))


async def _mean_size(source: Source, keys: Sequence[str]) -> float:
    sizes = [size for size in await asyncio.gather(*map(source.size, keys)) if size is not None]
    return sum(sizes) / max(len(sizes), 1)


def _xml_keys(metadata: Metadata) -> list[str]:
    return [metadata.xml.key] if metadata.xml is not None else []


def _image_keys(metadata: Metadata) -> list[str]:
    return [file.key for name, file in metadata.media.items() if is_raster(name)]
