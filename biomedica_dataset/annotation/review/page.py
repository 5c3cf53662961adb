"""The page on which experts answer about clusters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .handlers import Handlers
from .server import Page

if TYPE_CHECKING:
    from .session import ReviewSession

_DATA = Path(__file__).with_name("data")


def cluster_page(session: ReviewSession) -> Page:
    """Return the page of a review, an adjudication or an audit."""
    asked = Handlers(session)
    names = ("clusters.css", "clusters.js", "viewer.js")
    return Page(
        items="Clusters",
        body=_DATA / "clusters.html",
        files=tuple(_DATA / name for name in names),
        posts={"/join": asked.join, "/show": asked.show, "/answer": asked.answer},
    )
