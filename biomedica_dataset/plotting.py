"""Plots as PNG files, the same bytes for the same numbers wherever matplotlib is the same."""

from __future__ import annotations

import io
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from .extras import require

if TYPE_CHECKING:
    from collections.abc import Callable

BLUE, GREY = "#2b6cb0", "#718096"


def can_plot() -> bool:
    """Whether matplotlib is there."""
    return find_spec("matplotlib") is not None


def plot(draw: Callable[[Any], None], *, height: float = 4.0) -> bytes:
    """Return what a function draws on axes, as PNG.

    Parameters
    ----------
    draw
        Takes `matplotlib.axes.Axes`.
    height
        Inches, of 7 in width.

    Raises
    ------
    UsageError
        matplotlib is missing.
    """
    matplotlib = require("matplotlib", "plots")
    from matplotlib.figure import Figure

    # A user's own style would give other bytes, and a `$` in a name is no formula.
    defaults = {**matplotlib.rcParamsDefault, "text.parse_math": False}
    defaults.pop("backend", None)
    written = io.BytesIO()
    with matplotlib.rc_context(defaults):
        figure = Figure(figsize=(7, height), dpi=120, layout="constrained")
        axes = figure.subplots()
        axes.spines[["top", "right"]].set_visible(False)
        draw(axes)
        figure.savefig(written, format="png", metadata={"Software": None})
    return written.getvalue()
