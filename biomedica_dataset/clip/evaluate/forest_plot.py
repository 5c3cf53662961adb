"""The forest plot: every task and mean with its interval, for every model."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from biomedica_dataset.extras import require

from .summary import lines

if TYPE_CHECKING:
    from .bootstrap import Draws
    from .results import Results

_COLOURS = ("#2b6cb0", "#c05621", "#2f855a", "#6b46c1", "#b83280", "#744210", "#2c7a7b", "#4a5568")
_GREY = "#a0aec0"


@dataclass(frozen=True, slots=True)
class _Bar:
    text: str
    chance: float | None
    cells: list[Draws]
    is_mean: bool


def forest(results: Results) -> bytes:
    """Return the plot as PNG; the same results give the same bytes.

    Raises
    ------
    UsageError
        matplotlib is missing.
    """
    require("matplotlib", "plots")
    from matplotlib.figure import Figure

    blocks = _blocks(results)
    models, apart = len(results.models), 1.0
    places: list[tuple[float, _Bar]] = []
    heads: list[tuple[float, str]] = []
    height = 0.0
    for head, bars in blocks:
        heads.append((height, head))
        height += apart
        for bar in bars:
            places.append((height, bar))
            height += max(apart, 0.42 * models + 0.35)
        height += 0.4
    figure = Figure(figsize=(9, 1.2 + 0.24 * height), dpi=120, layout="constrained")
    axes = figure.subplots()
    for place, bar in places:
        _draw(axes, place, bar)
    _finish(axes, results, heads, places, height)
    written = io.BytesIO()
    figure.savefig(written, format="png", metadata={"Software": None})
    return written.getvalue()


def _blocks(results: Results) -> list[tuple[str, list[_Bar]]]:
    """Return the bars of every domain, of retrieval, and of the means over all."""
    blocks: dict[str, list[_Bar]] = {}
    for line in lines(results):
        head = "all" if line.kind == "mean" else line.domain
        bar = _Bar(line.name, line.chance, line.cells, line.kind != "task")
        blocks.setdefault(head, []).append(bar)
    last = blocks.pop("all", None) if results.tasks else None
    for one in results.tasks:
        if one.is_retrieval:
            name = f"{one.task.name}, {one.shown.replace('_', ' ').replace(' recall@', ' R@')}"
            cells = [model[one.shown] for model in one.metrics]
            bar = _Bar(name, one.chance[one.shown], cells, is_mean=False)
            blocks.setdefault(f"{one.task.domain} (retrieval)", []).append(bar)
    return [*blocks.items(), *([("all", last)] if last else [])]


def _draw(axes: Any, place: float, bar: _Bar) -> None:
    count = len(bar.cells)
    if bar.chance is not None:
        ends = [place - 0.45, place + 0.42 * (count - 1) + 0.45]
        axes.plot([100 * bar.chance] * 2, ends, color=_GREY, linewidth=1.6, zorder=1)
    for number, cell in enumerate(bar.cells):
        if np.isnan(cell.value):
            continue
        low, high = cell.interval() or (cell.value, cell.value)
        colour, y = _COLOURS[number % len(_COLOURS)], place + 0.42 * number
        axes.plot([100 * low, 100 * high], [y, y], color=colour, linewidth=1.6, zorder=2)
        marker, size = ("D", 5.5) if bar.is_mean else ("o", 5)
        axes.plot([100 * cell.value], [y], marker, color=colour, markersize=size, zorder=3)


def _finish(
    axes: Any, results: Results, heads: Any, places: list[tuple[float, _Bar]], height: float
) -> None:
    middle = 0.42 * (len(results.models) - 1) / 2
    ticks = [(place + middle, bar.text) for place, bar in places]
    ticks += [(place, head) for place, head in heads]
    axes.set_yticks([place for place, _ in ticks], [_plain(text) for _, text in ticks])
    bold = {_plain(head) for _, head in heads}
    for number, text in enumerate(axes.get_yticklabels()):
        text.set_parse_math(False)
        if number >= len(places) and text.get_text() in bold:
            text.set_fontweight("bold")
    axes.tick_params(axis="y", length=0)
    axes.set(xlim=(-1.5, 101.5), ylim=(height - 0.4, -0.6), xlabel="per cent, with 95 % intervals")
    axes.grid(axis="x", color="#e2e8f0", zorder=0)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    for number, name in enumerate(results.models):
        axes.plot([], [], "o-", color=_COLOURS[number % len(_COLOURS)], label=_plain(name))
    axes.plot([], [], color=_GREY, label="chance")
    legend = axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    for text in legend.get_texts():
        text.set_parse_math(False)


def _plain(text: str) -> str:
    """Return text without what no font has a sign for."""
    return "".join(sign if sign.isprintable() else " " for sign in text)
