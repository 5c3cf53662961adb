"""What a run of extract would cost, estimated from a sample before anything is fetched."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from biomedica_dataset.archive.layout import AGAIN, articles_name
from biomedica_dataset.errors import SourceError
from biomedica_dataset.io.async_runner import run_async
from biomedica_dataset.keys import is_raster
from biomedica_dataset.pmc.source import NetworkFailedError, Source
from biomedica_dataset.pubmed.client import Ncbi
from biomedica_dataset.pubmed.search.query import Overview, overview

from .stage import ExtractStage
from .versions import find_current

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biomedica_dataset.archive.ledger import Archive
    from biomedica_dataset.archive.selection import Selection, Wants
    from biomedica_dataset.pmc.inventory import Version
    from biomedica_dataset.pmc.metadata import Metadata

    from .options import ExtractOptions
    from .tasks import Task

_SIZED_SHARE = 5  # of the sample one article in five is measured: its files are many requests


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractPlan:
    """What a run would do and cost.

    Parameters
    ----------
    search
        What the query finds, where there is one.
    blocks, blocks_agreeing
        Blocks to do, and those that agree with the source already.
    articles, versions
        Articles that are new, changed or looked at again, and their versions.
    kept, requests, bytes
        Estimates, upper bounds: articles without figures, and pictures that no captioned figure
        needs, show only in the XML. What the archive holds already of these articles is not
        deducted.
    sampled, sized
        Articles whose metadata was read, and those whose files were measured.
    spent
        Requests that the estimate itself took.
    """

    source: str
    selection: str
    search: Overview | None
    inventory: str | None
    blocks: int
    blocks_agreeing: int
    articles: int
    versions: int
    kept: int
    requests: int
    bytes: int
    sampled: int
    sized: int
    seed: int
    spent: int

    def __str__(self) -> str:
        """Return the plan in words."""
        listed = f"the inventory of {self.inventory}" if self.inventory else "a listing"
        lines = [str(self.search)] if self.search else []
        lines.append(f"{self.source}, {self.selection}, by {listed}; nothing was written")
        if not self.articles:
            return "\n".join([*lines, "nothing to do: the archive agrees with the source"])
        return "\n".join(
            [
                *lines,
                f"to look at: {self.versions:,} versions of {self.articles:,} articles in "
                f"{self.blocks:,} blocks; {self.blocks_agreeing:,} blocks agree already",
                f"kept:       at most {self.kept:,} articles",
                f"requests:   at most {self.requests:,}",
                f"bytes:      at most {self.bytes / 1e6:,.1f} MB",
                f"Estimated from the metadata of {self.sampled:,} articles (seed {self.seed}) and "
                f"the sizes of the files of {self.sized:,}, by {self.spent:,} requests. Upper "
                "bounds: articles without figures, and pictures that no captioned figure needs, "
                "show only in the XML.",
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
        Articles whose metadata is read; of one in five the sizes of the files are asked for.
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
        source=stage.source,
        selection=str(stage.selection),
        search=_search(stage.selection, options.wants),
        inventory=stage.inventory.date,
        blocks=len(tasks),
        blocks_agreeing=len(headers.keys() - {task.block for task in tasks}),
        articles=len(articles),
        versions=sum(map(len, articles)),
        kept=round(found.kept * scale),
        requests=round((found.metadata + found.kept + found.images) * scale),
        bytes=round(found.bytes * scale),
        sampled=len(chosen),
        sized=found.sized,
        seed=seed,
        spent=stage.opened.requests,
    )


def _search(selection: Selection, wants: Wants) -> Overview | None:
    if selection.query is None:
        return None
    return overview(Ncbi(), selection.query, wants.licenses, selection.pmcids or ())


def _changed(archive: Archive | None, task: Task, there: set[int]) -> list[list[Version]]:
    """Return the versions of each article of a block that does not agree with its ledger."""
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
    """What a sample would cost: requests for JSON, kept articles, images, and all bytes."""

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
    picture = await _mean_size(source, [key for item in measured for key in _picture_keys(item)])
    pictures: float = 0
    if wants.images != "none":
        pictures = sum(len(_picture_keys(item)) for item in kept)
    if not isinstance(wants.images, str):
        pictures = min(pictures, len(wants.images))
    size = received + len(kept) * xml + pictures * picture
    return _Found(requests, len(kept), pictures, size, len(measured))


async def _mean_size(source: Source, keys: Sequence[str]) -> float:
    sizes = [size for size in await asyncio.gather(*map(source.size, keys)) if size is not None]
    return sum(sizes) / max(len(sizes), 1)


def _xml_keys(metadata: Metadata) -> list[str]:
    return [metadata.xml.key] if metadata.xml is not None else []


def _picture_keys(metadata: Metadata) -> list[str]:
    return [file.key for name, file in metadata.media.items() if is_raster(name)]
