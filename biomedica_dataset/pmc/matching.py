"""Matches figures of an article to files and keys: the same rules for fetching and for rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from biomedica_dataset.engine.fingerprint import code_fingerprint
from biomedica_dataset.keys import file_stem, pair_key

from .names import FileNames

if TYPE_CHECKING:
    from biomedica_dataset.jats.records import Figure


@dataclass(frozen=True, slots=True)
class Match:
    """A figure with its file.

    Parameters
    ----------
    dropped
        Why the figure is not a pair: the reader's reason, ``no_file`` or ``repeated_graphic``;
        ``None`` for a pair.
    """

    figure: Figure
    name: str | None
    key: str | None
    dropped: str | None


def reader_fingerprint() -> str:
    """Return the fingerprint of the code that decides which files an article needs."""
    return code_fingerprint(("jats.reader", "pmc.matching"))


def match_figures(pmcid: str, figures: Sequence[Figure], names: Iterable[str]) -> list[Match]:
    """Match each figure to a file of the article version, in document order.

    The first pair in document order keeps the plain key; a repeated one gets ``-`` and 8 hex digits
    of the SHA-256 of figure id and href.
    """
    files = FileNames(names)
    keys: set[str] = set()
    seen: set[tuple[str | None, str]] = set()
    matches = []
    for figure in figures:
        name = None if figure.dropped else files.match(figure.hrefs)
        dropped = figure.dropped or (None if name else "no_file")
        key = None
        if name:
            if (figure.figure_id, name) in seen:
                dropped = "repeated_graphic"
            else:
                seen.add((figure.figure_id, name))
                key = _unused(pair_key(pmcid, file_stem(name)), figure, keys)
                keys.add(key)
        matches.append(Match(figure, name, key, dropped))
    return matches


def _unused(key: str, figure: Figure, keys: set[str]) -> str:
    text = f"{figure.figure_id or ''}\n{figure.hrefs[0]}"
    candidate = key
    while candidate in keys:
        candidate = f"{key}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
        text += "\n"
    return candidate
