"""Plots of a cluster model: the scree of its components, the sizes of its clusters."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from biomedica_dataset.plotting import BLUE, GREY, plot

from .cluster_model import PLOTS, ClusterHeader

if TYPE_CHECKING:
    from biomedica_dataset.io.folders import Folder


def write_plots(header: ClusterHeader, folder: Folder) -> None:
    """Write ``scree.png`` and ``sizes.png``; the same model gives the same bytes.

    Raises
    ------
    UsageError
        matplotlib is missing.
    """
    for name, draw in zip(PLOTS, (_scree, _sizes), strict=True):
        folder.write_bytes(name, plot(partial(draw, header)))


def _scree(header: ClusterHeader, axes: Any) -> None:
    numbers = np.arange(1, header.components + 1)
    axes.bar(numbers, header.explained, color=BLUE, label="each component")
    axes.plot(numbers, np.cumsum(header.explained), color=GREY, marker=".", label="up to here")
    axes.set(xlabel="component", ylabel="share of variance", ylim=(0, 1))
    axes.set_title(f"{sum(header.explained):.0%} of the variance in {header.components} components")
    axes.legend(frameon=False)


def _sizes(header: ClusterHeader, axes: Any) -> None:
    sizes = np.sort(header.sizes)[::-1]
    axes.stairs(sizes, fill=True, color=BLUE)
    axes.set(xlabel="cluster, largest first", ylabel="images of the sample", ylim=(0, None))
    axes.set_xlim(0, len(sizes))
    median = int(np.median(sizes))
    axes.set_title(
        f"{header.clusters:,} clusters of {sizes[-1]:,} to {sizes[0]:,} images, median {median:,}"
    )
