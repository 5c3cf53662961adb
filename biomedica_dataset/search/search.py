"""`open_search`: finds figures of a dataset folder by words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from biomedica_dataset.engine.progress import Progress
from biomedica_dataset.errors import UsageError
from biomedica_dataset.folder.manifest import MANIFEST
from biomedica_dataset.folder.search_files import FORMAT_VERSION, SEARCH
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.streaming.choice import Choice
from biomedica_dataset.streaming.reading.index import read_manifest_at
from biomedica_dataset.streaming.reading.places import find
from biomedica_dataset.suggest import one_of

from .conditions import Allowed, find_allowed
from .found_rows import FoundRows
from .image_vectors import ImageVectors
from .lexical import Hit, Lexical, fuse
from .local_files import local_files
from .semantic import Semantic
from .words import FIELDS, Phrase, parse_query

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from biomedica_dataset.streaming.reading.places import Place

    from .result import SearchResult

_FEW = 20_000  # articles: so many are looked up by the engine; of more, hits are looked through
_FILTERS_KEPT = 8
_FUSED = 200  # hits of each kind that are joined
Mode = Literal["lexical", "semantic", "hybrid"]
MODES: tuple[Mode, ...] = ("lexical", "semantic", "hybrid")
MOST_RESULTS = 1000


class Search:
    """Searches one dataset folder; see `open_search`."""

    def __init__(
        self,
        path_or_repo: str | os.PathLike[str],
        text_model: str | None,
        image_model: str | None,
        progress: Progress,
    ) -> None:
        self._place, self._progress = find(path_or_repo), progress
        self.manifest, digest = read_manifest_at(self._place)
        if self.manifest.search is None:
            raise UsageError(_without_search(self._place.url, is_local=self._place.is_local))
        self.index = self.manifest.search
        if self.index.version != FORMAT_VERSION:
            msg = (
                f"{self._place.url} has a search index of version {self.index.version}; this "
                f"package reads {FORMAT_VERSION}: run `biomedica search build` on it"
            )
            raise UsageError(msg)
        self._parts = self.index.parts
        words = [file for part in self._parts for file in part.words]
        there = local_files(self._place, words, progress)
        self._lexical = Lexical(there, self._parts)
        self.found = FoundRows(self._place, digest, self.manifest, self._lexical)
        self._semantic = Semantic(self._place, self.index, text_model, progress)
        self._images = ImageVectors(self._place, self.manifest, self.found, image_model, progress)
        self._remembered: dict[str, Allowed] = {}

    def search(  # noqa: PLR0913 - each is a way to choose, given by name
        self,
        query: str | None = None,
        *,
        image: str | os.PathLike[str] | None = None,
        similar: str | None = None,
        licenses: Sequence[str] | str | None = None,
        concepts: Sequence[str] | str | None = None,
        filters: Any = None,
        split: str | None = None,
        mode: Mode = "lexical",
        limit: int = 20,
        images: bool = False,
    ) -> list[SearchResult]:
        """Return the figures that match a query best, the best first.

        Parameters
        ----------
        query
            Words to find, in any form (``cell`` finds ``cells``); those in quotes must stand in a
            row in the caption. ``title:word``, ``caption:``, ``context:`` and ``terms:`` search
            one field.
        image
            A file: the figures with the nearest images are found, by their vectors.
        similar
            A key: the figures with the nearest images are found, without this one.
        licenses, concepts, filters, split
            See `open_dataset`; by default all splits are searched.
        mode
            ``lexical`` finds words; ``semantic`` finds captions of the same meaning, by vectors;
            ``hybrid`` joins both by reciprocal rank.
        limit
            How many to return, at most.
        images
            Whether to fetch the images too, by their byte ranges.

        Raises
        ------
        UsageError
            The query has no word to search for, a condition is not possible, or it is not one of
            a query, an image and a key that is given.
        """
        if sum(one is not None for one in (query, image, similar)) != 1:
            msg = "search for words, for an image or for what is similar to a key: one of them"
            raise UsageError(msg)
        if not 1 <= limit <= MOST_RESULTS:
            msg = f"limit is {limit}; it must be 1 to {MOST_RESULTS:,}"
            raise UsageError(msg)
        choice = Choice(licenses=licenses, concepts=concepts, filters=filters, split=split)
        allowed = self.allowed(choice)
        phrases: list[Phrase] = []
        if query is not None:
            phrases, hits = self.find(query, mode, allowed, limit)
        elif similar is not None:
            hits = self.find_similar(similar, allowed, limit)
        else:
            vector = self._images.of_file(image or "")
            hits = self._images.find(vector, limit, allowed.parts if allowed else None)
        return self.found.results(hits, phrases, images=images)

    def find(
        self,
        query: str,
        mode: Mode = "lexical",
        allowed: Allowed | None = None,
        limit: int = 20,
        fields: Sequence[str] = FIELDS,
    ) -> tuple[list[Phrase], list[Hit]]:
        """Return what a query asks for, and the best rows; `search` says what is in them."""
        one_of("mode", mode, MODES)
        phrases = parse_query(query, self._lexical.stem)
        if mode == "lexical":
            return phrases, self._words(phrases, allowed, limit, fields)
        deep = max(limit, _FUSED)
        near = self._semantic.find(query, deep, allowed.parts if allowed else None)
        if mode == "semantic":
            return phrases, near[:limit]
        return phrases, fuse([self._words(phrases, allowed, deep, fields), near], limit)

    def find_similar(self, key: str, allowed: Allowed | None, limit: int) -> list[Hit]:
        """Return the rows whose images are nearest to that of a key, without its own."""
        own = self.found.hit(key)
        near = self._images.find(
            self._images.of_row(own), limit + 1, allowed.parts if allowed else None
        )
        return [hit for hit in near if (hit.part, hit.row) != (own.part, own.row)][:limit]

    @property
    def place(self) -> Place:
        """Where the dataset is."""
        return self._place

    def places(self, hits: Sequence[Hit]) -> list[bytes]:
        """Return the rows of the index of hits, each a list of JSON in the order of columns."""
        return [self._lexical.place(hit) for hit in hits]

    def allowed(self, choice: Choice) -> Allowed | None:
        """Return the rows that meet conditions; ``None`` for all. The last few are remembered."""
        if choice == Choice():
            return None
        asked = str(choice)
        if asked not in self._remembered:
            tell = self._progress.say
            found = find_allowed(self._place, self.manifest, self._parts, choice, tell)
            while len(self._remembered) >= _FILTERS_KEPT:
                self._remembered.pop(next(iter(self._remembered)))
            self._remembered[asked] = found
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


def _without_search(url: str, *, is_local: bool) -> str:
    if not is_local:
        return (
            f"{url} has no search index. Its maker adds one with `biomedica search build` and "
            "`biomedica push`; without it, `biomedica select --filter 'caption contains WORDS'` "
            "finds figures"
        )
    if Folder(f"{url}/{SEARCH}").is_empty():
        return f"{url} has no search index; run `biomedica search build {url}`"
    return (
        f"{url}/{SEARCH} belongs to an earlier manifest than {MANIFEST}: the dataset was written "
        f"again since; run `biomedica search build {url}`"
    )


def open_search(
    path_or_repo: str | os.PathLike[str],
    *,
    text_model: str | None = None,
    image_model: str | None = None,
    progress: Progress | None = None,
) -> Search:
    """Open the search index of a dataset folder.

    Parameters
    ----------
    path_or_repo
        A dataset folder, a repository of the Hub such as ``org/name``, or an address with
        ``hf://``, ``https://``, ``http://`` or ``s3://``. From another machine, the search index
        is fetched once and kept by digest.
    text_model
        The model of the vectors of texts, if it is not the one on the Hub that the index names.
    image_model
        The same of images, to search for an image in a file.
    progress
        Says how much is fetched, and shows it; silent by default.

    Raises
    ------
    UsageError
        There is no such folder, it has no search index, or a library is missing.
    SourceError
        The folder cannot be read.

    Examples
    --------
    >>> open_search("nowhere").search("dermoscopy of melanoma", limit=2)
    Traceback (most recent call last):
        ...
    biomedica_dataset.errors.UsageError: nowhere is not a folder; ...
    """
    return Search(path_or_repo, text_model, image_model, progress or Progress())
