"""The plots of the card."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import partial
from textwrap import shorten
from typing import TYPE_CHECKING, Any, NamedTuple

from biomedica_dataset.plotting import BLUE, plot

if TYPE_CHECKING:
    from .statistics import Statistics

_BARS = (
    ("concepts", "image_primary_label",
     "Images by global concept, as experts labelled their clusters"),
    ("panel_types", "image_panel_type",
     "Images by panel type, as experts labelled their clusters"),
    ("journals", "article_journal", "Images by journal, the most frequent"),
)  # fmt: skip
_MOST = 20  # bars of a plot
_BINS = 40
_NAME = 60  # characters
_LATIN = 0x250  # up to here matplotlib's own font has every character


class Plot(NamedTuple):
    """A plot of the card: its place in the folder, its title, and itself as PNG."""

    path: str
    title: str
    data: bytes


def draw_plots(counted: Statistics) -> list[Plot]:
    """Return the plots that have something to show."""
    plots = []
    for name, column, title in _BARS:
        most = counted.most_frequent(column, _MOST + 1)
        if bars := [(value, n) for value, n in most if value is not None][:_MOST]:
            plots.append(_plot(name, title, partial(_bars, bars), 1.2 + 0.24 * len(bars)))
    if any(year is not None for year in counted.counts["article_year"]):
        plots.append(_plot("years", "Images by year of publication", partial(_years, counted)))
    if counted.images:
        title = "Images by length of the caption, without the longest 1 %"
        plots.append(_plot("caption_lengths", title, partial(_lengths, counted)))
    return plots


def _plot(name: str, title: str, draw: Callable[[Any], None], height: float = 3.5) -> Plot:
    def titled(axes: Any) -> None:
        axes.set_title(title, loc="left", fontsize="medium")
        draw(axes)

    return Plot(f"plots/{name}.png", title, plot(titled, height=height))


def _bars(bars: list[tuple[str, int]], axes: Any) -> None:
    places = range(len(bars))
    axes.barh(places, [count for _name, count in bars], color=BLUE)
    axes.set_yticks(places, [_plain(name) for name, _count in bars])
    axes.invert_yaxis()
    axes.margins(y=0.02)
    _count_axis(axes.xaxis)


def _years(counted: Statistics, axes: Any) -> None:
    years = counted.counts["article_year"]
    known = sorted(year for year in years if year is not None)
    axes.bar(known, [years[year] for year in known], color=BLUE)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(xlabel="year of publication")
    _count_axis(axes.yaxis)


def _lengths(counted: Statistics, axes: Any) -> None:
    most = max(1, counted.caption_length(0.99))
    lengths = {n: images for n, images in counted.counts["caption_length"].items() if n <= most}
    axes.hist(list(lengths), bins=_BINS, weights=list(lengths.values()), color=BLUE)
    axes.axvline(counted.caption_length(0.5), color="black", linewidth=1, linestyle="dotted")
    axes.set(xlabel="characters in the caption (dotted line: median)")
    _count_axis(axes.yaxis)


def _count_axis(axis: Any) -> None:
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    axis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axis.set_label_text("images")


def _plain(name: str) -> str:
    """Return a name in characters that the font has: others would be boxes, and warn."""
    letters = unicodedata.normalize("NFKC", name)
    shown = "".join(c if c.isprintable() and ord(c) < _LATIN else "?" for c in letters)
    return shorten(shown, _NAME, placeholder=" …")
