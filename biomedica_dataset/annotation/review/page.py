"""The pages on which experts answer: what they share, and the one about clusters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from .handlers import Handlers
from .server import Page

if TYPE_CHECKING:
    from .session import ReviewSession

_DATA = Path(__file__).with_name("data")
PAGE_FILES = (_DATA / "page.css", _DATA / "work.js")
"""Style and script that pages share."""


def review_page(
    items: str,
    body: Path,
    files: tuple[str, ...],
    posts: dict[str, Callable[[dict[str, Any]], dict[str, Any]]],
) -> Page:
    """Return a page of questions; the head and the form for the name are shared.

    Parameters
    ----------
    items
        What one goes through, such as ``Clusters``.
    body
        HTML file of what is shown of an item; a script and a style have its name.
    files
        Scripts and styles beside it.
    """
    shell = Template((_DATA / "page.html").read_text(encoding="utf-8"))
    html = shell.substitute(items=items, name=body.stem, body=body.read_text(encoding="utf-8"))
    own = (body.with_name(name) for name in files)
    return Page(html, (*PAGE_FILES, *own), posts)


def cluster_page(session: ReviewSession) -> Page:
    """Return the page of a review, an adjudication or an audit."""
    asked = Handlers(session)
    return review_page(
        "Clusters",
        _DATA / "clusters.html",
        ("clusters.css", "clusters.js", "viewer.js"),
        {"/join": asked.join, "/show": asked.show, "/answer": asked.answer},
    )
