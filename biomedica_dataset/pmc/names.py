"""Finds the file of a graphic by its name in the document.

The rules are those of PMC's own packages: names are compared by their stem without a known raster
extension, never by prefix, and only within the same article version. Accents may be composed or
not, and a document may name the drawing that PMC made the image from.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from urllib.parse import unquote

from biomedica_dataset.keys import RASTER_EXTENSIONS, file_stem, is_raster

_UNSAFE = re.compile(
    r"[/\\\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]|^\.{0,2}$"
)

_DRAWINGS = (".eps", ".ps", ".pdf", ".svg", ".svgz", ".ai", ".emf", ".wmf")
"""Extensions of what publishers draw; PMC serves an image of the same stem."""


def href_name(href: str) -> str:
    """Return the last part of a ``graphic/@xlink:href``, URL-decoded.

    Examples
    --------
    >>> href_name("info:doi/10.1371/journal.pone.0056489.g001")
    'journal.pone.0056489.g001'
    """
    if "://" in href:  # in other hrefs, ? and # belong to the name
        href = href.split("?", 1)[0].split("#", 1)[0]
    return unquote(href).strip().rstrip("/").rpartition("/")[2].strip()


def is_safe_name(name: str) -> bool:
    """Whether a file name has no path and no control or bidirectional characters."""
    return _UNSAFE.search(name) is None


class FileNames:
    """The images of one article version, found by their names in the document.

    Examples
    --------
    >>> FileNames(["pone.0056489.g001.jpg", "gr1_lrg.jpg"]).match(["gr1"])
    'gr1_lrg.jpg'
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._by_stem: dict[str, list[str]] = {}
        for name in sorted(filter(is_raster, names), key=_preference):
            self._by_stem.setdefault(file_stem(_folded(name)), []).append(name)

    def match(self, hrefs: Sequence[str]) -> str | None:
        """Return the file of one of several equivalent hrefs, or ``None``."""
        candidates = [file for href in hrefs for file in self._match_one(href_name(href))]
        return min(candidates, key=_preference, default=None)

    def _match_one(self, name: str) -> list[str]:
        stem = file_stem(_folded(name))
        drawn = next((stem.removesuffix(end) for end in _DRAWINGS if stem.endswith(end)), stem)
        # PLoS writes journal.pone.0056489.g001 for pone.0056489.g001, Elsevier gr1 for gr1_lrg.
        bases = [base for one in (stem, drawn) for base in (one, one.removeprefix("journal."))]
        for base in dict.fromkeys(filter(None, bases)):
            for variant in (base, f"{base}_lrg", base.removesuffix("_lrg")):
                files = self._by_stem.get(variant)
                if files:
                    if name in files:  # G.PNG and g.png may both exist
                        return [name]
                    exact = [file for file in files if _folded(file) == _folded(name)]
                    return exact or files
        return []


def _folded(name: str) -> str:
    """Return a name in the form in which names are compared."""
    return unicodedata.normalize("NFC", name).lower()


def _preference(name: str) -> tuple[int, str]:
    lower = name.lower()
    rank = next(n for n, ext in enumerate(RASTER_EXTENSIONS) if lower.endswith(ext))
    return rank, name
