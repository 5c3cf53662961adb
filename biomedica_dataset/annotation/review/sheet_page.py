"""A sheet as HTML that opens from disk: it runs no script and fetches nothing."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from biomedica_dataset.errors import UsageError

if TYPE_CHECKING:
    from biomedica_dataset.io.folders import Folder

QUESTIONS, PANEL_HEADER = "questions.csv", "panel_review.json"
"""What sheets of clusters have from the beginning, and sheets of panels once they are whole."""

_STYLE = Path(__file__).with_name("data") / "sheet.css"  # light and dark


def sheet_page(title: str, body: str) -> str:
    """Return a page with a title and a body that is HTML already."""
    # Captions are untrusted text: nothing in a page may run or be fetched from elsewhere.
    style = _STYLE.read_text(encoding="utf-8")
    policy = "default-src 'none'; img-src 'self' file: data:; style-src 'unsafe-inline'"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>\n{style}</style></head>\n<body>{body}</body></html>\n"
    )


def refuse_sheets(folder: Folder, name: str, what: str) -> None:
    """Refuse a folder that has sheets of something else: they share names of files.

    Raises
    ------
    UsageError
        It has this file.
    """
    if folder.exists(name):
        msg = f"{folder.url} has sheets of {what}; choose an empty or new folder"
        raise UsageError(msg)
