"""Makes thumbnails and captions of chosen images and panels in one pass over the archive."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from biomedica_dataset.annotation.panels.figure_panels import (
    is_within,
    panel_hash,
    read_figure_panels,
)
from biomedica_dataset.engine.pool import run_tasks
from biomedica_dataset.errors import ArticleError
from biomedica_dataset.images.crop import Box, crop, figure_target
from biomedica_dataset.images.decode import open_rgb
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.io.rules import PMCID, Between, Form, Key, Positive
from biomedica_dataset.keys import panel_key, pmcid
from biomedica_dataset.rows import rows_of

if TYPE_CHECKING:
    from biomedica_dataset.annotation.panels.panels import Panels
    from biomedica_dataset.archive.ledger import Archive
    from biomedica_dataset.engine.progress import Counters, Progress
    from biomedica_dataset.schema import Pair

SIZE = (640, 512)
"""Most pixels of a thumbnail, width and height: many figures are wide."""

Pixel = Annotated[int, Between(0, 2**31 - 1)]
_CAPTION = 4000  # characters
_THUMBNAIL = Form(r"thumbs/[0-9a-f]{2}/[0-9a-f]{24}\.jpg", "a thumbnail, thumbs/..")


@dataclass(frozen=True, slots=True, kw_only=True)
class CardPanel:
    """One panel of a figure; its box is in pixels of the image as it is displayed."""

    key: Key
    letter: str
    box: list[Pixel]
    score: Annotated[float, Between(0, 1)]
    subcaption: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One image as sheets show it.

    Parameters
    ----------
    thumbnail
        Path relative to the folder of the sheets; ``None`` if the image cannot be decoded.
    file
        Name of the image in the archive.
    size
        Width and height of the image as it is displayed.
    panels
        Panels of a figure that was split.
    """

    key: Key
    article: Annotated[str, PMCID]
    label: str | None
    caption: str
    thumbnail: Annotated[str, _THUMBNAIL] | None
    file: str | None = None
    size: list[Positive] | None = None
    panels: list[CardPanel] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Check that panels are parts of the image."""
        for panel in self.panels:
            if self.size is None or not is_within(panel.box, self.size):
                msg = f"the box of {panel.key} is not a part of its image"
                raise ValueError(msg)


def make_cards(
    archive: Archive,
    panels: Panels | None,
    output: Folder,
    keys: Iterable[str],
    workers: int | None,
    progress: Progress,
) -> dict[str, Card]:
    """Return the cards of images and panels by key, and write their thumbnails.

    Keys missing from the archive and from its panels are skipped.
    """
    wanted: dict[int, set[str]] = {}
    for key in keys:
        wanted.setdefault(pmcid(key) // archive.width, set()).add(key)
    tasks = [(block, wanted[block]) for block in archive.blocks() if block in wanted]
    progress.start(len(tasks), "blocks")
    done = run_tasks(
        _work, tasks, workers=workers, progress=progress,
        start=_start_worker, args=(archive.folder.url, panels, output.url),
    )  # fmt: skip
    return {card.key: card for _task, cards in done for card in cards}


_worker: tuple[Archive, Panels | None, Folder] | None = None


def _start_worker(archive: str, panels: Panels | None, output: str, _counters: Counters) -> None:
    from biomedica_dataset.archive.ledger import Archive

    global _worker  # noqa: PLW0603 - what a process of the pool keeps between its tasks
    _worker = Archive.open(archive), panels, Folder(output)


def _work(task: tuple[int, set[str]]) -> list[Card]:
    if _worker is None:
        msg = "the worker was not started by its pool"
        raise RuntimeError(msg)
    archive, panels, output = _worker
    block, keys = task
    articles = {pmcid(key) for key in keys}
    width, take = archive.width, None
    if panels is not None:
        take = read_figure_panels(panels, block * width, (block + 1) * width).take
    cards = []
    for row, images in archive.articles(block):
        if row.pmcid in articles:
            for _group, pair in rows_of(row, images, panels=take).pairs:
                cards += [_card(output, pair, view) for view in _views(pair) if view[0] in keys]
    return cards


def _views(pair: Pair) -> Iterator[tuple[str, Mapping[str, Any] | None]]:
    """Yield the key of a pair, then key and columns of each of its panels."""
    yield pair.key, None
    for panel in pair.panels or ():
        yield panel_key(pair.key, panel["letter"]), panel


def _card(output: Folder, pair: Pair, view: tuple[str, Mapping[str, Any] | None]) -> Card:
    key, panel = view
    digest, label, caption = pair.image_hash, pair.figure_label, pair.caption
    box, parts = None, []
    if panel is None:
        parts = [_panel(key, one) for one in pair.panels or ()]
    else:
        box = panel["box"]
        digest = panel_hash(digest, box)
        label = f"{label or 'Figure'}, panel {panel['letter']}"
        caption = panel["subcaption"] or caption
    return Card(
        key=key,
        article=pair.article_accession_id,
        label=label,
        caption=caption[:_CAPTION],
        thumbnail=_thumbnail(output, digest, pair, box),
        file=pair.image_file_name,
        size=pair.image_size if parts else None,
        panels=parts,
    )


def _panel(figure: str, panel: Mapping[str, Any]) -> CardPanel:
    text = panel["subcaption"]
    return CardPanel(
        key=panel_key(figure, panel["letter"]),
        letter=panel["letter"],
        box=panel["box"],
        score=round(panel["score"], 6),  # 0.8 is not 0.80000001
        subcaption=text[:_CAPTION] if text else None,
    )


def _thumbnail(output: Folder, digest: str, pair: Pair, box: Box | None) -> str | None:
    """Write a thumbnail, named by a hash: untrusted names never become file names."""
    name = f"thumbs/{digest[:2]}/{hashlib.sha256(f'{digest} {SIZE}'.encode()).hexdigest()[:24]}.jpg"
    if output.exists(name):
        return name
    made = make_thumbnail((pair.image or {})["bytes"], box, pair.image_size or [0, 0])
    if made is None:
        return None
    output.write_bytes(name, made)
    return name


def make_thumbnail(data: bytes, box: Box | None, size: Sequence[int]) -> bytes | None:
    """Return an image, or a box of it, as a small JPEG; ``None`` if it cannot be decoded.

    Parameters
    ----------
    size
        Width and height of the image as it is displayed.
    """
    target = max(SIZE)
    try:
        if box is None:
            image = open_rgb(data, target)
        else:
            image = crop(open_rgb(data, figure_target(target, box, size)), box, size)
    except ArticleError:
        return None
    image.thumbnail(SIZE)
    written = io.BytesIO()
    image.save(written, "JPEG", quality=82, optimize=True)
    return written.getvalue()
