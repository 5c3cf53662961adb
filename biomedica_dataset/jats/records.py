"""The values that the JATS reader returns: frozen, without an XML tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from biomedica_dataset.errors import defects_reported

from .panels.mentions import PanelContext, find_panel_contexts
from .panels.numbers import find_numbers
from .panels.positions import find_positions
from .panels.subcaptions import PanelText, split_caption

if TYPE_CHECKING:
    from biomedica_dataset.licenses import License

    from .panels.marks import Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One graphic of an article with its caption and context.

    Parameters
    ----------
    hrefs
        Names of the file in the document; several equivalent ones for ``<alternatives>``.
    kind
        One of `schema.IMAGE_KINDS`.
    dropped
        Why the figure is not a pair (``no_caption``, ``no_graphic``, ``no_href``,
        ``repeated_graphic``, ``translation``); ``None`` for a pair.
    own_license
        Licence that the figure itself names; ``License(None)`` if it is not understood or another
        holds the rights; ``None`` if the figure says nothing, and has the licence of the article.
    credit
        The sentence that credits someone other than the article's authors.
    context
        Clean text of the paragraphs that cite the figure, in document order.
    labels
        Its label and that of its group: the text may cite either.
    marks
        The places in the caption that name panels by letters.
    alt_text, long_desc
        What the document says of its image for those who do not see it.
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
    labels: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()
    alt_text: str | None = None
    long_desc: str | None = None

    # Found when asked for: that takes as long as all else of a figure, and few rows have it.

    @property
    def panel_contexts(self) -> tuple[PanelContext, ...]:
        """The sentences of the context that name panels, in order."""
        with defects_reported():
            return find_panel_contexts(self.labels, self.context)

    @property
    def panel_text(self) -> PanelText | None:
        """Which pieces of the caption speak of which panel; ``None`` if it names none."""
        text = self.caption or ""
        with defects_reported():
            return split_caption(text, self.marks or find_numbers(text) or find_positions(text))

    @property
    def subcaptions(self) -> dict[str, str]:
        """The text of each panel by its letter: lead, part and closing of the caption."""
        text = self.panel_text
        with defects_reported():
            return text.of(self.caption or "") if text else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A piece of an article in reading order.

    Parameters
    ----------
    kind
        ``heading``, ``text``, ``list``, ``formula``, ``figure`` or ``table``.
    text
        Its clean text; of figures and tables label and caption.
    level
        Of a heading: 1 for those of sections that are in no other.
    html
        The rows of a table.
    figure
        Of a figure or table: its number among the figures of the article, from 0, with tables
        without a graphic after them.
    is_cited
        Whether running text cites it.
    own_license, credit
        As of a `Figure`.
    dropped
        Why a table has no rows.
    """

    kind: str
    text: str | None
    level: int | None = None
    html: str | None = None
    figure: int | None = None
    is_cited: bool | None = None
    own_license: License | None = None
    credit: str | None = None
    dropped: str | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """One entry of the reference list."""

    citation: str | None
    pmid: int | None
    doi: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One article as given in its JATS document.

    Parameters
    ----------
    date
        ISO 8601, as precise as the source: ``2011``, ``2011-03`` or ``2011-03-14``.
    text, references, blocks
        ``None`` unless requested.
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
    blocks: tuple[Block, ...] | None = None
