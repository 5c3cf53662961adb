"""Plots as PNG: the same bytes for the same numbers and version of matplotlib."""

from __future__ import annotations

import io
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from .extras import require

BLUE, GREY = "#2b6cb0", "#718096"
_ROOM = 0.04  # inches between the labels and the edge


def can_plot() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def plot(draw: Callable[[Any], None], *, height: float = 4.0) -> bytes:
    """Return a plot as PNG.

    Parameters
    ----------
    draw
        Function that draws on `matplotlib.axes.Axes`.
    height
        Height in inches; the width is 7.

    Raises
    ------
    UsageError
        matplotlib is not installed.
    """
    matplotlib = require("matplotlib", "plots")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # A user's own style would give other bytes, and a `$` in a name must not start a formula.
    defaults = {**matplotlib.rcParamsDefault, "text.parse_math": False}
    defaults.pop("backend", None)
    written = io.BytesIO()
    with matplotlib.rc_context(defaults):
        figure = Figure(figsize=(7, height), dpi=120)
        canvas = FigureCanvasAgg(figure)
        axes = figure.subplots()
        axes.spines[["top", "right"]].set_visible(False)
        draw(axes)
        _leave_room(axes, canvas.get_renderer())
        canvas.print_png(written, metadata={"Software": None})  # `savefig` would draw it twice
    return written.getvalue()


def _leave_room(axes: Any, renderer: Any) -> None:
    """Move the sides of the axes in until their labels fit, which are measured once.

    The layouts of matplotlib measure them several times, which takes as long as drawing.
    """
    figure = axes.figure
    inner, outer = (
        axes.get_window_extent(renderer),
        axes.get_tightbbox(renderer, for_layout_only=True),
    )
    (width, height), room = figure.bbox.size, _ROOM * figure.dpi
    figure.subplots_adjust(
        left=(inner.x0 - outer.x0 + room) / width,
        right=1 - (outer.x1 - inner.x1 + room) / width,
        bottom=(inner.y0 - outer.y0 + room) / height,
        top=1 - (outer.y1 - inner.y1 + room) / height,
    )
