"""Sheets: a page for each cluster, with images and captions, that opens from disk.

::

    REVIEW/
      index.html               all clusters
      clusters/<cluster>.html  images of a cluster with their captions
      thumbs/                  thumbnails, named by a hash
      questions.csv            to complete if the page is not used; written first
      review.json              what is shown; written last
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from biomedica_dataset.annotation.blocks import BlockTables, block_name
from biomedica_dataset.annotation.clusters.assignments import Assignments
from biomedica_dataset.annotation.labels.read_votes import questions, refuse_completed
from biomedica_dataset.annotation.panels.panels import Panels
from biomedica_dataset.archive.layout import articles_name
from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.engine.launch import Launch
from biomedica_dataset.engine.lock import acquire
from biomedica_dataset.engine.progress import Progress
from biomedica_dataset.engine.report import Shown
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.io.headers import read_header, refuse_foreign

from .sample import ClusterSample, choose_samples
from .sheet_page import PANEL_HEADER, QUESTIONS, refuse_sheets, sheet_page
from .thumbnails import SIZE, Card, make_cards

Url = str | os.PathLike[str]


FORMAT_VERSION = 1
HEADER = "review.json"
_WHAT = "a folder of sheets"
_TITLES = {
    "random": "A random sample",
    "nearest": "Nearest to the center",
    "farthest": "Farthest from the center",
}
_LONG = 280  # characters of a caption that are shown at once
_PREVIEW = 4


@dataclass(frozen=True, slots=True)
class _Header:
    made_of: str
    model: str
    clusters: list[ClusterSample]
    cards: list[Card]


@dataclass(frozen=True, slots=True)
class Review:
    """Existing sheets.

    Parameters
    ----------
    model
        Digest of the cluster model.
    clusters
        Images shown of each cluster, by number.
    cards
        Images by key.
    """

    folder: Folder
    model: str
    clusters: dict[int, ClusterSample]
    cards: dict[str, Card]

    @classmethod
    def open(cls, url: Url) -> Review:
        """Open existing sheets.

        Raises
        ------
        UsageError
            The folder holds no sheets, or sheets of another format version.
        """
        folder = Folder(url)
        header = read_header(folder, HEADER, _WHAT, FORMAT_VERSION, _Header)
        samples = {one.cluster: one for one in header.clusters}
        return cls(folder, header.model, samples, {one.key: one for one in header.cards})


@dataclass(frozen=True, slots=True, repr=False)
class SheetsReport(Shown):
    """What the sheets show.

    Parameters
    ----------
    is_new
        Whether sheets were written, rather than up to date.
    """

    url: str
    clusters: int
    images: int
    missing: int
    is_new: bool

    def __str__(self) -> str:
        lines = [f"{self.clusters:,} clusters, {self.images:,} images shown"]
        if self.missing:
            told = "images are missing from this archive or cannot be decoded"
            lines.append(f"{self.missing:,} {told}")
        lines.append(
            f"open {self.url}/index.html; the table of questions is {self.url}/{QUESTIONS}"
            if self.is_new
            else "nothing to do: the sheets are up to date"
        )
        return "\n".join(lines)


def write_sheets(  # noqa: PLR0913 - each is given by name
    assignments: Url,
    archive: Url,
    output: Url,
    *,
    panels: Url | None = None,
    count: int = 24,
    seed: int = 0,
    workers: int | None = None,
    take_over: bool = False,
    progress: Progress | None = None,
) -> SheetsReport:
    """Write the sheets of clusters, unless they are up to date.

    Parameters
    ----------
    panels
        Panels of the archive, if clusters are of panels.
    count
        Random images per cluster; a third as many are the nearest, and as many the farthest.
    take_over
        Take the output over from another run.

    Raises
    ------
    UsageError
        There are no assignments or archive, or the output is neither empty nor a folder of sheets.
    """
    clusters, source, folder = Assignments.open(assignments), Archive.open(archive), Folder(output)
    views = None if panels is None else Panels.open(panels)
    if views is not None:
        views.check_width(source.width, "find the panels of this archive")
    tables: list[BlockTables[Any]] = [clusters] if views is None else [clusters, views]
    fingerprint = sheets_fingerprint(tables, source, f"{clusters.model} {count} {seed}")
    with acquire(folder, Launch(take_over=take_over)) as lock:
        refuse_sheets(folder, PANEL_HEADER, "panels")
        # Thumbnails came first in an earlier version.
        refuse_foreign(folder, _WHAT, QUESTIONS, HEADER, "thumbs/")
        is_new = not _is_up_to_date(folder, fingerprint)
        if is_new:
            samples = choose_samples(clusters, count, seed)
            table = questions((one.cluster for one in samples), clusters.model)
            before = [Review.open(output)] if folder.exists(HEADER) else []
            ours = [table, *(questions(one.clusters, one.model) for one in before)]
            refuse_completed(folder, QUESTIONS, ours, "rename it")
            lock.check()
            folder.remove(HEADER)
            folder.write_bytes(QUESTIONS, table)
            keys = [key for one in samples for key in one.keys]
            cards = make_cards(source, views, folder, keys, workers, progress or Progress())
            lock.check()
            _write(folder, samples, cards, {"made_of": fingerprint, "model": clusters.model})
        return _report(Review.open(output), is_new=is_new)


def _is_up_to_date(folder: Folder, fingerprint: str) -> bool:
    if not folder.exists(HEADER):
        return False
    return read_header(folder, HEADER, _WHAT, FORMAT_VERSION, _Header).made_of == fingerprint


def _write(
    folder: Folder, samples: list[ClusterSample], cards: dict[str, Card], made_of: dict[str, str]
) -> None:
    """Write the pages, then the header."""
    for number, one in enumerate(samples):
        before = samples[number - 1].cluster if number else None
        after = samples[number + 1].cluster if number + 1 < len(samples) else None
        folder.write_bytes(_sheet_name(one.cluster), _sheet(one, cards, before, after).encode())
    folder.write_bytes("index.html", _overview(samples, cards).encode())
    header = {
        "format_version": FORMAT_VERSION,
        **made_of,
        "clusters": [asdict(one) for one in samples],
        "cards": [asdict(cards[key]) for key in sorted(cards)],
    }
    folder.write_bytes(HEADER, json.dumps(header, ensure_ascii=False).encode())


def sheets_fingerprint(tables: Iterable[BlockTables[Any]], archive: Archive, given: str) -> str:
    """Return a digest of what sheets are made of: tables, articles and options."""
    digest = hashlib.sha256(f"{given} {SIZE}".encode())
    for table in tables:
        for block in table.blocks():
            digest.update(table.folder.sha256(block_name(block)).encode())
    for block in archive.blocks():
        digest.update(archive.folder.sha256(articles_name(block)).encode())
    return digest.hexdigest()


def _report(review: Review, *, is_new: bool) -> SheetsReport:
    keys = [key for one in review.clusters.values() for key in one.keys]
    shown = sum(key in review.cards and review.cards[key].thumbnail is not None for key in keys)
    return SheetsReport(review.folder.url, len(review.clusters), shown, len(keys) - shown, is_new)


def _sheet_name(cluster: int) -> str:
    return f"clusters/{cluster:05d}.html"


def _size(one: ClusterSample) -> str:
    return f"{one.size:,} image{'s' * (one.size != 1)}"


def _overview(samples: list[ClusterSample], cards: dict[str, Card]) -> str:
    tiles = []
    for one in samples:
        names = [cards[key].thumbnail for key in one.keys if key in cards]
        shown = [name for name in names if name][:_PREVIEW]
        few = "".join(f'<img src="{name}" alt="" loading="lazy">' for name in shown)
        tiles.append(
            f'<a class="tile" href="{_sheet_name(one.cluster)}"><span class="mosaic">{few}</span>'
            f"<span>Cluster {one.cluster}</span><small>{_size(one)}</small></a>"
        )
    images = sum(one.size for one in samples)
    return sheet_page(
        "Clusters",
        f"<header><h1>{len(samples):,} clusters</h1><p>{images:,} images. Each cluster shows a "
        "random sample, and the images nearest to and farthest from its center. Enter answers in "
        f"<code>{QUESTIONS}</code>, saved under your name, or in a browser: run "
        "<code>biomedica annotate review</code> with <code>--page</code>.</p></header>"
        f'<main class="tiles">{"".join(tiles)}</main>',
    )


def _sheet(
    one: ClusterSample, cards: dict[str, Card], before: int | None, after: int | None
) -> str:
    links = [
        f'<a href="{target:05d}.html">{text}</a>' if target is not None else f"<span>{text}</span>"
        for target, text in ((before, "← previous"), (after, "next →"))
    ]
    sections = []
    for name, keys in one.shown.items():
        figures = "".join(_figure(cards[key]) for key in keys if key in cards)
        sections.append(f'<h2>{_TITLES[name]}</h2><div class="sheet">{figures}</div>')
    return sheet_page(
        f"Cluster {one.cluster}",
        f'<header><nav>{links[0]}<a href="../index.html">all clusters</a>{links[1]}</nav>'
        f"<h1>Cluster {one.cluster}</h1><p>{_size(one)}</p></header>"
        f"<main>{''.join(sections)}</main>",
    )


def _figure(card: Card) -> str:
    key, caption = escape(card.key), escape(card.caption)
    image = (
        f'<img src="../{card.thumbnail}" alt="{key}" loading="lazy">'
        if card.thumbnail
        else '<span class="broken">cannot be decoded</span>'
    )
    if len(card.caption) > _LONG:
        caption = (
            f"<details><summary>{escape(card.caption[:_LONG])}…</summary>"
            f"{escape(card.caption[_LONG:])}</details>"
        )
    label = f"<b>{escape(card.label)}</b> " if card.label else ""
    link = f"https://pmc.ncbi.nlm.nih.gov/articles/{escape(card.article)}/"
    return (
        f"<figure>{image}<details class='caption'><summary>{key}</summary><figcaption dir='auto'>"
        f'{label}{caption} <a href="{link}" rel="noreferrer">{escape(card.article)}</a>'
        "</figcaption></details></figure>"
    )
