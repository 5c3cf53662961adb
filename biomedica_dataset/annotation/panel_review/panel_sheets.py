"""Sheets of split figures: each with the boxes and subcaptions of its panels.

::

    CHECK/
      index.html          the figures, which opens from disk
      thumbs/             thumbnails, named by a hash
      votes/              answers, one file per annotator
      panel_review.json   what is shown; written last
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from html import escape

from biomedica_dataset.annotation.panels.panels import Panels
from biomedica_dataset.annotation.review.sample import Smallest, drawn
from biomedica_dataset.annotation.review.sheet_page import (
    PANEL_HEADER,
    QUESTIONS,
    refuse_sheets,
    sheet_page,
)
from biomedica_dataset.annotation.review.sheets import sheets_fingerprint
from biomedica_dataset.annotation.review.thumbnails import Card, make_cards
from biomedica_dataset.archive.ledger import Archive
from biomedica_dataset.engine.launch import Launch
from biomedica_dataset.engine.lock import acquire
from biomedica_dataset.engine.progress import Progress
from biomedica_dataset.engine.report import Shown
from biomedica_dataset.errors import UsageError
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.io.headers import read_header, refuse_foreign

Url = str | os.PathLike[str]


FORMAT_VERSION = 1
_WHAT = "a folder of sheets of panels"


@dataclass(frozen=True, slots=True)
class _Header:
    made_of: str
    drawn: int
    cards: list[Card]


@dataclass(frozen=True, slots=True)
class PanelReview:
    """Existing sheets of panels.

    Parameters
    ----------
    drawn
        Figures that were drawn from those that were split.
    cards
        Figures with panels, in the order in which they were drawn, by key.
    """

    folder: Folder
    drawn: int
    cards: dict[str, Card]

    @classmethod
    def open(cls, url: Url) -> PanelReview:
        """Open existing sheets.

        Raises
        ------
        UsageError
            The folder holds no sheets of panels, or sheets of another format version.
        """
        folder = Folder(url)
        header = read_header(folder, PANEL_HEADER, _WHAT, FORMAT_VERSION, _Header)
        return cls(folder, header.drawn, {one.key: one for one in header.cards})


@dataclass(frozen=True, slots=True, repr=False)
class PanelSheetsReport(Shown):
    """What the sheets show.

    Parameters
    ----------
    figures, panels
        Shown; ``drawn`` figures = shown + missing.
    is_new
        Whether sheets were written, rather than up to date.
    """

    url: str
    drawn: int
    figures: int
    panels: int
    missing: int
    is_new: bool

    def __str__(self) -> str:
        lines = [f"{self.figures:,} figures with {self.panels:,} panels shown"]
        if self.missing:
            lines.append(
                f"{self.missing:,} figures are missing from this archive, cannot be decoded or "
                "have another image than the one that was split"
            )
        new, old = f"open {self.url}/index.html", "nothing to do: the sheets are up to date"
        lines.append(new if self.is_new else old)
        return "\n".join(lines)


def write_panel_sheets(  # noqa: PLR0913 - each is given by name
    panels: Url,
    archive: Url,
    output: Url,
    *,
    count: int = 100,
    seed: int = 0,
    workers: int | None = None,
    take_over: bool = False,
    progress: Progress | None = None,
) -> PanelSheetsReport:
    """Write the sheets of a random sample of split figures, unless they are up to date.

    Parameters
    ----------
    count
        Number of figures.
    seed
        Seed for the sample.
    take_over
        Take the output over from another run.

    Raises
    ------
    UsageError
        There are no panels or archive, no figure was split, or the output is neither empty nor a
        folder of sheets of panels.
    """
    found, source, folder = Panels.open(panels), Archive.open(archive), Folder(output)
    found.check_width(source.width, "find the panels of this archive")
    fingerprint = sheets_fingerprint([found], source, f"{count} {seed}")
    with acquire(folder, Launch(take_over=take_over)) as lock:
        refuse_sheets(folder, QUESTIONS, "clusters")
        refuse_foreign(folder, _WHAT, PANEL_HEADER, "thumbs/")
        is_new = not _is_up_to_date(folder, fingerprint)
        if is_new:
            keys = choose_figures(found, count, seed)
            if not keys:
                msg = f"{found.folder.url} has no panels: no figure was split"
                raise UsageError(msg)
            made = make_cards(source, found, folder, keys, workers, progress or Progress())
            cards = [made[key] for key in keys if key in made and _is_shown(made[key])]
            lock.check()
            folder.write_bytes("index.html", _sheet(cards).encode())
            header = {
                "format_version": FORMAT_VERSION,
                "made_of": fingerprint,
                "drawn": len(keys),
                "cards": [asdict(card) for card in cards],
            }
            folder.write_bytes(PANEL_HEADER, json.dumps(header, ensure_ascii=False).encode())
        return _report(PanelReview.open(output), is_new=is_new)


def _is_up_to_date(folder: Folder, fingerprint: str) -> bool:
    if not folder.exists(PANEL_HEADER):
        return False
    stored = read_header(folder, PANEL_HEADER, _WHAT, FORMAT_VERSION, _Header)
    return stored.made_of == fingerprint


def choose_figures(panels: Panels, count: int, seed: int) -> list[str]:
    """Return the keys of a random sample of the figures that were split."""
    smallest = Smallest(count)
    for block in panels.blocks():
        for key in dict.fromkeys(panels.read(block, ["figure"])["figure"].to_pylist()):
            smallest.add((drawn(key, seed), key))
    return smallest.first()


def _is_shown(card: Card) -> bool:
    return card.thumbnail is not None and bool(card.panels)


def _report(review: PanelReview, *, is_new: bool) -> PanelSheetsReport:
    cards = review.cards.values()
    panels = sum(len(card.panels) for card in cards)
    missing = review.drawn - len(cards)
    return PanelSheetsReport(review.folder.url, review.drawn, len(cards), panels, missing, is_new)


def _sheet(cards: list[Card]) -> str:
    figures = "".join(map(_figure, cards))
    return sheet_page(
        "Panels",
        f"<header><h1>{len(cards):,} split figures</h1><p>A random sample, with the boxes found. "
        "To answer, run <code>biomedica annotate review</code> with <code>--page</code>.</p>"
        "</header>"
        f'<main class="split">{figures}</main>',
    )


def _figure(card: Card) -> str:
    width, height = card.size or (1, 1)
    boxes, texts, size = [], [], width / 32
    for panel in card.panels:
        x0, y0, x1, y1 = panel.box
        letter, text = escape(panel.letter), escape(panel.subcaption or "no subcaption")
        boxes.append(f'<rect x="{x0}" y="{y0}" width="{x1 - x0}" height="{y1 - y0}"/>')
        boxes.append(f'<text x="{x0}" y="{y0}" font-size="{size}" dy="1em">{letter}</text>')
        texts.append(
            f"<dt>{letter} <small>{panel.score:.2f}</small></dt><dd dir='auto'>{text}</dd>"
        )
    label = escape(" ".join(filter(None, [card.label, card.key])))
    return (
        f'<figure><div class="boxed"><img src="{card.thumbnail}" alt="{escape(card.key)}" '
        f'loading="lazy"><svg viewBox="0 0 {width} {height}" preserveAspectRatio="none" '
        f'aria-hidden="true">{"".join(boxes)}</svg></div>'
        f"<figcaption><b dir='auto'>{label}</b><dl>{''.join(texts)}</dl></figcaption></figure>"
    )
