"""Finding captions by their meaning: the vectors of an index, and the model that made them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from biomedica_dataset.errors import UsageError
from biomedica_dataset.search.local_files import local_files

from .bit_vectors import BitVectors
from .text_model import TextModel

if TYPE_CHECKING:
    import numpy as np

    from biomedica_dataset.engine.progress import Progress
    from biomedica_dataset.folder.search_files import SearchIndex
    from biomedica_dataset.search.lexical import Hit
    from biomedica_dataset.streaming.reading.places import Place


class Semantic:
    """Searches the vectors of captions; both are opened with the first query.

    Parameters
    ----------
    text_model
        Where the model is, if it is not the one on the Hub that the index names.
    """

    def __init__(
        self, place: Place, index: SearchIndex, text_model: str | None, progress: Progress
    ) -> None:
        self._place, self._index, self._progress = place, index, progress
        self._text_model = text_model
        self._opened: dict[str, BitVectors] = {}

    def find(
        self, query: str, unit: str, limit: int, allowed: Sequence[np.ndarray[Any, Any]] | None
    ) -> list[Hit]:
        """Return the captions nearest to a query; `BitVectors.find` says how.

        Parameters
        ----------
        unit
            Whether captions of figures or of panels are searched.
        """
        if unit not in self._opened:
            self._opened[unit] = self._vectors(unit)
        return self._opened[unit].find(self._model.encode([query])[0], limit, allowed)

    def _vectors(self, unit: str) -> BitVectors:
        parts = self._index.of(unit)
        files = [part.text for part in parts if part.text is not None]
        if self._index.text_model is None or len(files) < len(parts):
            msg = (
                f"{self._place.url} has no vectors of texts; search with the mode lexical, or run "
                "`biomedica search build` with --text-model"
            )
            raise UsageError(msg)
        there = local_files(self._place, files, self._progress)
        paths = [there[file.path] for file in files]
        rows = [part.rows for part in parts]
        return BitVectors(list(zip(paths, rows, strict=True)), self._index.text_model.dim)

    @cached_property
    def _model(self) -> TextModel:
        made = self._index.text_model
        name = made.name if made else ""
        model = TextModel(self._text_model or name)
        if made is None or model.id.weights != made.weights:
            msg = (
                f"the vectors of {self._place.url} were made by {name}, and {model.id.name} has "
                "other weights; name that model, its folder or its id"
            )
            raise UsageError(msg)
        return model
