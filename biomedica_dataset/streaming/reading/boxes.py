"""Refuses panels that do not fit to their figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

from biomedica_dataset.errors import ArchiveError, ArticleError
from biomedica_dataset.images.crop import Box, with_margin
from biomedica_dataset.keys import panel_key


def check_boxes(
    url: str, figure: str, panels: Iterable[Mapping[str, Any]], size: Mapping[str, int]
) -> None:
    """Refuse a box that is not within the image of its figure.

    Parameters
    ----------
    url
        The dataset folder, for errors.
    size
        Width and height of the image, in this order.
    """
    for panel in panels:
        box_within(url, panel_key(figure, panel["letter"]), panel["box"], [*size.values()])


def box_within(
    url: str, key: str, box: Sequence[int], size: Sequence[int], margin: float = 0.0
) -> Box:
    """Return the box of a panel with a margin, or refuse it."""
    try:
        return with_margin(box, margin, size)
    except (ArticleError, TypeError, ValueError):
        refuse_panel(url, key, f"box {list(box)} is not within its image of {tuple(size)}")


def refuse_panel(url: str, key: str, why: str) -> NoReturn:
    """Raise the error of a panel that does not fit to its figure."""
    msg = (
        f"{url}: the panel {key} does not fit to its figure: {why}; the folder is damaged: get it "
        "from its source again, or serialize it again"
    )
    raise ArchiveError(msg)
