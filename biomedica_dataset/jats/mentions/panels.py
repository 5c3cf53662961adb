"""Finds the sentences of citing paragraphs that name panels: "as Fig. 2B shows"."""

from __future__ import annotations

import re
from bisect import bisect
from typing import TYPE_CHECKING

from biomedica_dataset.jats.limits import MAX_CITATIONS, check_limit
from biomedica_dataset.jats.panels.sentences import sentences
from biomedica_dataset.jats.records import PanelContext

from .labels import find_mentions, series_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .labels import Series

    _Named = dict[tuple[Series, int], list[tuple[tuple[str, ...], int, int]]]

_LETTER = re.compile(r"\d\s?[(（]?[A-Za-z](?![A-Za-z])")  # behind the number of a figure


class PanelMentions:
    """Reads each citing paragraph of an article once."""

    def __init__(self) -> None:
        self._read: dict[tuple[str, str], _Named] = {}
        self._count = 0

    def of(self, labels: Sequence[str], context: Sequence[str]) -> tuple[PanelContext, ...]:
        """Return the sentences in the context of a figure that name panels of it.

        Raises
        ------
        JatsTooLargeError
            There are more than `MAX_CITATIONS` in the article.

        Examples
        --------
        >>> PanelMentions().of(["Fig. 2"], ["Cells grow. Fig. 2A, C shows it (see also Fig. 1B)."])
        (PanelContext(letters=('A', 'C'), paragraph=0, start=12, end=51),)
        """
        series, numbers = series_of(labels)
        letters: dict[tuple[int, int, int], dict[str, None]] = {}
        for paragraph, text in enumerate(context if numbers else ()):
            named = self._named(text, series[0])
            for number in numbers if named else ():
                for panels, start, end in named.get((series, number), ()):
                    letters.setdefault((paragraph, start, end), {}).update(dict.fromkeys(panels))
        self._count += len(letters)
        check_limit(self._count, MAX_CITATIONS, "citations of panels")
        return tuple(PanelContext(tuple(sorted(found)), *place) for place, found in letters.items())

    def _named(self, text: str, word: str) -> _Named:
        if (text, word) not in self._read:
            named: _Named = {}
            places: list[tuple[int, int]] = []
            for mention in find_mentions(text, [word]) if _LETTER.search(text) else ():
                for number, _, panels in mention.numbers:
                    if panels:
                        places = places or sentences(text)
                        start, end = places[max(0, bisect(places, (mention.start, len(text))) - 1)]
                        named.setdefault((mention.series, number), []).append((panels, start, end))
            self._read[text, word] = named
        return self._read[text, word]
