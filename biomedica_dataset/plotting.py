"""Plots as PNG: the same bytes for the same numbers and version of matplotlib."""

from __future__ import annotations

import io
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from .extras import require

BLUE, GREY = "#2b6cb0", "#718096"


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
        figure = Figure(figsize=(7, height), dpi=120, layout="constrained")
        axes = figure.subplots()
        axes.spines[["top", "right"]].set_visible(False)
        draw(axes)
        # `savefig` would draw it twice.
        FigureCanvasAgg(figure).print_png(written, metadata={"Software": None})
    return written.getvalue()
