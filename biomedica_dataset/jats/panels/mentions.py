"""Finds the sentences of citing paragraphs that name a figure or its panels."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass

from .labels import find_mentions, series_of
from .sentences import sentences

_LETTER = re.compile(  # behind the number of a figure, or before its label
    r"\d[,;:]?\s?[(（–-]?(?:panels?\s)?[A-Za-z](?:[ivx]{1,3})?(?![A-Za-z])|(?:[Pp]anel|[Pp]art)s?\s[(（]?[A-Za-z]\b"
)


@dataclass(frozen=True, slots=True)
class PanelContext:
    """A sentence of a citing paragraph that names panels of the figure.

    Parameters
    ----------
    letters
        In upper case.
    paragraph
        Its position in the context of the figure.
    start, end
        Where the sentence begins and ends in it.
    """

    letters: tuple[str, ...]
    paragraph: int
    start: int
    end: int


def find_panel_contexts(labels: Sequence[str], context: Sequence[str]) -> tuple[PanelContext, ...]:
    """Return the sentences in the context of a figure that name panels of it.

    Examples
    --------
    >>> find_panel_contexts(["Fig. 2"], ["Cells grow. Fig. 2A, C shows it (see also Fig. 1B)."])
    (PanelContext(letters=('A', 'C'), paragraph=0, start=12, end=51),)
    """
    series, numbers = series_of(labels)
    letters: dict[tuple[int, int, int], set[str]] = {}
    for paragraph, text in enumerate(context if numbers else ()):
        places: list[tuple[int, int]] = []
        for mention in find_mentions(text, [series[0]]) if _LETTER.search(text) else ():
            named = {
                panel
                for number, _, panels in mention.numbers
                if number in numbers
                for panel in panels
            }
            if named and mention.series == series:
                places = places or sentences(text)
                start, end = places[max(0, bisect(places, (mention.start, len(text))) - 1)]
                letters.setdefault((paragraph, start, end), set()).update(named)
    return tuple(PanelContext(tuple(sorted(found)), *place) for place, found in letters.items())


def citing_sentences(label: str | None, text: str) -> list[str]:
    """Return the sentences of a paragraph that name a figure by its label.

    Examples
    --------
    >>> citing_sentences("Figure 2", "Cells grow. Figs 1-3 show it. They stop.")
    ['Figs 1-3 show it.']
    """
    series, numbers = series_of([label] if label else [])
    places = sentences(text) if numbers else []
    found = {
        max(0, bisect(places, (mention.start, len(text))) - 1)
        for mention in (find_mentions(text, [series[0]]) if numbers else ())
        if mention.series == series
        and any(first <= number <= last for first, last, _ in mention.numbers for number in numbers)
    }
    return [text[slice(*places[place])] for place in sorted(found)]
