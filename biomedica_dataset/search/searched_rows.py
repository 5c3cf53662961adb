"""The rows of a dataset folder, figures or panels, as they are searched by words and meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from biomedica_dataset.errors import UsageError
from biomedica_dataset.streaming.choice import Choice
from biomedica_dataset.streaming.reading.panels import MIN_SCORE
from biomedica_dataset.suggest import one_of

from .conditions import Allowed, find_allowed
from .lexical import Hit, Lexical, fuse
from .words import FIELDS, Phrase, parse_query

if TYPE_CHECKING:
    from biomedica_dataset.engine.progress import Progress

    from .found_rows import FoundRows
    from .vectors.image_vectors import ImageVectors
    from .vectors.semantic import Semantic

_FEW = 20_000  # articles: so many are looked up by the engine; of more, hits are looked through
_FILTERS_KEPT = 8
WHOLE_IMAGES = (
    "images are compared as whole figures; omit the unit, or search panels by their words"
)
_FUSED = 200  # hits of each kind that are joined
Mode = Literal["lexical", "semantic", "hybrid", "image"]
TEXT_MODES: tuple[Mode, ...] = ("lexical", "semantic", "hybrid")
MODES: tuple[Mode, ...] = (*TEXT_MODES, "image")


class SearchedRows:
    """Searches figures, or panels.

    Parameters
    ----------
    images
        The vectors of their images; ``None`` for panels, which have none.
    found
        Reads what is shown of them.
    """

    def __init__(
        self,
        lexical: Lexical,
        semantic: Semantic,
        images: ImageVectors | None,
        found: FoundRows,
        progress: Progress,
    ) -> None:
        self._lexical, self._semantic, self._images = lexical, semantic, images
        self.found, self._progress = found, progress
        self._remembered: dict[str, Allowed] = {}

    def find(
        self,
        query: str,
        mode: Mode = "lexical",
        allowed: Allowed | None = None,
        limit: int = 20,
        fields: Sequence[str] = FIELDS,
    ) -> tuple[list[Phrase], list[Hit]]:
        """Return what a query asks for, and the best rows; `Search.search` says what is in them."""
        one_of("mode", mode, MODES)
        phrases = parse_query(query, self._lexical.stem)
        if mode == "lexical":
            return phrases, self._words(phrases, allowed, limit, fields)
        deep = max(limit, _FUSED)
        masks = allowed.parts if allowed else None
        if mode == "image":
            if self._images is None:
                raise UsageError(WHOLE_IMAGES)
            return phrases, self._images.find_text(query, limit, masks)
        near = self._semantic.find(query, self.found.unit, deep, masks)
        if mode == "semantic":
            return phrases, near[:limit]
        return phrases, fuse([self._words(phrases, allowed, deep, fields), near], limit)

    def allowed(self, choice: Choice) -> Allowed | None:
        """Return the rows that meet conditions; ``None`` for all. The last few are remembered."""
        if choice == Choice():
            return None
        asked = str(choice)
        if asked not in self._remembered:
            found, place = self.found, self.found.place
            if found.unit == "panel":
                choice = replace(choice, min_score=MIN_SCORE)
            allowed = find_allowed(place, found.manifest, choice, self._progress.say)
            while len(self._remembered) >= _FILTERS_KEPT:
                self._remembered.pop(next(iter(self._remembered)))
            self._remembered[asked] = allowed
        return self._remembered[asked]

    def _words(
        self,
        phrases: list[Phrase],
        allowed: Allowed | None,
        limit: int,
        fields: Sequence[str],
    ) -> list[Hit]:
        """Return the best rows, by words, that are allowed.

        Of many allowed rows, the engine is asked for as many hits as it takes; of few, it only
        looks at those articles.
        """
        if allowed is None:
            return self._lexical.find(phrases, limit, None, fields)
        is_few = len(allowed.articles) <= _FEW
        articles = allowed.articles.tolist() if is_few else None
        ask = 4 * limit if is_few else 2 * limit * allowed.rows // allowed.count + limit
        while True:
            found = self._lexical.find(phrases, ask, articles, fields)
            kept = [hit for hit in found if allowed.parts[hit.part][hit.row]]
            if len(kept) >= limit or len(found) < ask:
                return kept[:limit]
            ask *= 4
