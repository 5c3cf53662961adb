"""Makes thumbnails and captions of chosen images in one pass over the archive."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from biomedica_dataset.engine.pool import run_tasks
from biomedica_dataset.errors import ArticleError
from biomedica_dataset.images.decode import open_rgb
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.io.rules import PMCID, Form, Key
from biomedica_dataset.keys import pmcid
from biomedica_dataset.rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from biomedica_dataset.archive.ledger import Archive
    from biomedica_dataset.engine.progress import Counters, Progress

SIZE = (640, 512)
"""Most pixels of a thumbnail, width and height: many figures are wide."""

_CAPTION = 4000  # characters
_THUMBNAIL = Form(r"thumbs/[0-9a-f]{2}/[0-9a-f]{24}\.jpg", "a thumbnail, thumbs/..")


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One image as sheets show it.

    Parameters
    ----------
    thumbnail
        Path relative to the folder of the sheets; ``None`` if the image cannot be decoded.
    file
        Name of the image in the archive.
    """

    key: Key
    article: Annotated[str, PMCID]
    label: str | None
    caption: str
    thumbnail: Annotated[str, _THUMBNAIL] | None
    file: str | None = None


def make_cards(
    archive: Archive, output: Folder, keys: Iterable[str], workers: int | None, progress: Progress
) -> dict[str, Card]:
    """Return the cards of images by key, and write their thumbnails.

    Keys missing from the archive are skipped.
    """
    wanted: dict[int, set[str]] = {}
    for key in keys:
        wanted.setdefault(pmcid(key) // archive.width, set()).add(key)
    tasks = [(block, wanted[block]) for block in archive.blocks() if block in wanted]
    progress.start(len(tasks), "blocks")
    done = run_tasks(
        _work, tasks, workers=workers, progress=progress,
        start=_start_worker, args=(archive.folder.url, output.url),
    )  # fmt: skip
    return {card.key: card for _task, cards in done for card in cards}


_worker: tuple[Archive, Folder, Counters] | None = None


def _start_worker(archive: str, output: str, counters: Counters) -> None:
    from biomedica_dataset.archive.ledger import Archive

    global _worker  # noqa: PLW0603 - what a process of the pool keeps between its tasks
    _worker = Archive.open(archive), Folder(output), counters


def _work(task: tuple[int, set[str]]) -> list[Card]:
    if _worker is None:
        msg = "the worker was not started by its pool"
        raise RuntimeError(msg)
    archive, output, _counters = _worker
    block, keys = task
    articles = {pmcid(key) for key in keys}
    cards = []
    for row, images in archive.articles(block):
        if row.pmcid not in articles:
            continue
        for _group, pair in rows_of(row, images).pairs:
            if pair.key in keys:
                data = (pair.image or {})["bytes"]
                card = Card(
                    key=pair.key,
                    article=pair.article_accession_id,
                    label=pair.figure_label,
                    caption=pair.caption[:_CAPTION],
                    thumbnail=_thumbnail(output, pair.image_hash, data),
                    file=pair.image_file_name,
                )
                cards.append(card)
    return cards


def _thumbnail(output: Folder, digest: str, data: bytes) -> str | None:
    """Write a thumbnail, named by a hash: untrusted names never become file names."""
    name = f"thumbs/{digest[:2]}/{hashlib.sha256(f'{digest} {SIZE}'.encode()).hexdigest()[:24]}.jpg"
    if output.exists(name):
        return name
    try:
        image = open_rgb(data, max(SIZE))
    except ArticleError:
        return None
    image.thumbnail(SIZE)
    written = io.BytesIO()
    image.save(written, "JPEG", quality=82, optimize=True)
    output.write_bytes(name, written.getvalue())
    return name
