"""What the JATS reader returns: frozen values, no tree behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from biomedica_dataset.licenses import License


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One graphic of an article with all that belongs to it.

    Parameters
    ----------
    hrefs
        Names by which the document calls the file; several for ``<alternatives>``, any of which
        will do.
    kind
        One of `schema.IMAGE_KINDS`.
    dropped
        Why this is no pair (``no_caption``, ``no_graphic``, ``no_href``, ``repeated_graphic``,
        ``translation``); ``None`` for a pair.
    own_license
        What the figure's own ``<permissions>`` say; ``None`` where it has none.
    context
        Clean text of the paragraphs that cite the figure, in document order.
    """

    hrefs: tuple[str, ...]
    kind: str
    figure_id: str | None = None
    label: str | None = None
    caption: str | None = None
    panels: tuple[str, ...] = ()
    own_license: License | None = None
    credit: str | None = None
    context: tuple[str, ...] = ()
    dropped: str | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """One entry of the reference list."""

    citation: str | None
    pmid: int | None
    doi: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One article as its JATS document gives it.

    Parameters
    ----------
    date
        ISO 8601, as precise as the source: ``2011``, ``2011-03`` or ``2011-03-14``.
    text, references
        ``None`` unless asked for.
    """

    pmcid: str | None
    pmid: int | None
    doi: str | None
    title: str | None
    journal: str | None
    date: str | None
    abstract: str | None
    type: str | None
    language: str | None
    keywords: tuple[str, ...]
    subjects: tuple[str, ...]
    license: License
    figures: tuple[Figure, ...]
    reference_count: int | None
    text: str | None = None
    references: tuple[Reference, ...] | None = None
