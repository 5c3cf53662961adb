"""The plots of the card."""

from __future__ import annotations

import unicodedata
from functools import partial
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from biomedica_dataset.plotting import BLUE, plot

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from .statistics import Statistics

_MOST = 20  # bars of a plot
_BINS = 40
_NAME = 60  # characters
_LATIN = 0x250  # up to here matplotlib's own font has every character


def draw_plots(counted: Statistics) -> dict[str, tuple[str, bytes]]:
    """Return what each plot shows, and the plot as PNG, by name; those without numbers left out."""
    drawn: dict[str, tuple[str, Callable[[Any], None], float]] = {}
    for name, title, counts in (
        ("concepts", "Pictures by global concept, as experts labelled their clusters",
         counted.concepts),
        ("panel_types", "Pictures by panel type, as experts labelled their clusters",
         counted.panel_types),
        ("journals", "Pictures by journal, the most frequent", counted.journals),
    ):  # fmt: skip
        bars = [(value, n) for value, n in counts.items() if value is not None]
        if bars:
            bars = sorted(bars, key=lambda bar: (-bar[1], bar[0]))[:_MOST]
            drawn[name] = title, partial(_bars, bars), 1.2 + 0.24 * len(bars)
    if any(year is not None for year in counted.years):
        drawn["years"] = "Pictures by year of publication", partial(_years, counted.years), 3.5
    if counted.pictures:
        title = "Pictures by length of the caption, up to the longest 1 %"
        drawn["caption_lengths"] = title, partial(_lengths, counted), 3.5
    return {
        name: (title, plot(partial(_titled, title, draw), height=height))
        for name, (title, draw, height) in drawn.items()
    }


def _titled(title: str, draw: Callable[[Any], None], axes: Any) -> None:
    axes.set_title(title, loc="left", fontsize="medium")
    draw(axes)


def _bars(bars: list[tuple[str, int]], axes: Any) -> None:
    places = range(len(bars))
    axes.barh(places, [count for _name, count in bars], color=BLUE)
    axes.set_yticks(places, [_plain(name) for name, _count in bars])
    axes.invert_yaxis()
    axes.margins(y=0.02)
    _count_axis(axes, "x")


def _years(years: Counter[Any], axes: Any) -> None:
    known = sorted(year for year in years if year is not None)
    axes.bar(known, [years[year] for year in known], color=BLUE)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(xlabel="year of publication")
    _count_axis(axes, "y")


def _lengths(counted: Statistics, axes: Any) -> None:
    most = max(1, counted.caption_length(0.99))
    lengths = sorted(length for length in counted.caption_lengths if length <= most)
    weights = [counted.caption_lengths[length] for length in lengths]
    axes.hist(lengths, bins=_BINS, weights=weights, color=BLUE)
    axes.axvline(counted.caption_length(0.5), color="black", linewidth=1, linestyle="dotted")
    axes.set(xlabel="characters of the caption; dotted, the median")
    _count_axis(axes, "y")


def _count_axis(axes: Any, name: str) -> None:
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    axis = getattr(axes, f"{name}axis")
    axis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axis.set_label_text("pictures")


def _plain(name: str) -> str:
    """Return a name in characters that the font has: others would be boxes, and warn."""
    letters = unicodedata.normalize("NFKC", name)
    shown = "".join(c if c.isprintable() and ord(c) < _LATIN else "?" for c in letters)
    return shorten(shown, _NAME, placeholder=" …")
