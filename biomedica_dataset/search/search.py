"""`open_search`: finds figures and panels of a dataset folder by words."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from biomedica_dataset.engine.progress import Progress
from biomedica_dataset.errors import UsageError
from biomedica_dataset.folder.manifest import MANIFEST, Manifest
from biomedica_dataset.folder.search_files import FORMAT_VERSION, SEARCH, SearchIndex
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.streaming.choice import Choice
from biomedica_dataset.streaming.reading.index import read_manifest_at
from biomedica_dataset.streaming.reading.panels import ADD, UNITS
from biomedica_dataset.streaming.reading.places import Place, find
from biomedica_dataset.suggest import one_of

from .found_panels import FoundPanels
from .found_rows import FoundRows
from .lexical import Hit, Lexical
from .local_build import build_here, source_bytes
from .local_files import local_files
from .searched_rows import TEXT_MODES, WHOLE_IMAGES, Mode, SearchedRows
from .vectors.image_vectors import ImageVectors
from .vectors.semantic import Semantic

if TYPE_CHECKING:
    from .conditions import Allowed
    from .result import SearchResult
    from .words import Phrase

MOST_RESULTS = 1000


class Search:
    """Searches one dataset folder; see `open_search`.

    Attributes
    ----------
    figures
        Its figures, as they are searched.
    """

    def __init__(
        self,
        path_or_repo: str | os.PathLike[str],
        text_model: str | None,
        image_model: str | None,
        build: bool,  # noqa: FBT001 - named by `open_search`
        progress: Progress,
    ) -> None:
        self.place, self._progress = find(path_or_repo), progress
        self._built, (self.manifest, digest) = self.place, read_manifest_at(self.place)
        if self.manifest.search is None:
            if not build:
                raise UsageError(_without_search(self.place, self.manifest))
            self._built, made = build_here(self.place, self.manifest, digest, progress)
            self.manifest = replace(self.manifest, search=made)
        self.index = self.manifest.search or SearchIndex()
        if self.index.version != FORMAT_VERSION:
            msg = (
                f"{self.place.url} has a search index of version {self.index.version}; this "
                f"package reads {FORMAT_VERSION}: run `biomedica search build` on it"
            )
            raise UsageError(msg)
        self._semantic = Semantic(self.place, self.index, text_model, progress)
        lexical = self._lexical("figure")
        found = FoundRows(self.place, digest, self.manifest, lexical)
        self._images = ImageVectors(self.place, self.manifest, found, image_model, progress)
        self.figures = SearchedRows(lexical, self._semantic, self._images, found, progress)

    @cached_property
    def panels(self) -> SearchedRows:
        """Its panels, as they are searched; their files are fetched when they are first asked for.

        Raises
        ------
        UsageError
            It has no panels, or its search index has none.
        """
        if not self.index.of("panel"):
            has_any = bool(self.manifest.split_figures)
            why = f"run `biomedica search build {self.place.url}`" if has_any else ADD
            what = "its search index has no panels" if has_any else "it has no panels"
            msg = f"{self.place.url} can be searched for figures only, as {what}; {why}"
            raise UsageError(msg)
        lexical = self._lexical("panel")
        found = FoundPanels(self.figures.found, lexical, self.index.parts)
        return SearchedRows(lexical, self._semantic, None, found, self._progress)

    def of(self, unit: str) -> SearchedRows:
        """Return the figures or the panels."""
        one_of("unit", unit, UNITS)
        return self.panels if unit == "panel" else self.figures

    def modes(self) -> list[Mode]:
        """Return how its figures can be found by words; images only with a model at hand."""
        modes = list(TEXT_MODES if self.index.text_model is not None else TEXT_MODES[:1])
        has_images = self.index.image_model is not None
        return [*modes, "image"] if has_images and self._images.may_have_texts() else modes

    def _lexical(self, unit: str) -> Lexical:
        parts = self.index.of(unit)
        words = [file for part in parts for file in part.words]
        return Lexical(local_files(self._built, words, self._progress), parts)

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
        unit: str = "figure",
        mode: Mode = "lexical",
        limit: int = 20,
        images: bool = False,
    ) -> list[SearchResult]:
        """Return the figures or panels that match a query best, the best first.

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
        unit
            ``figure``, or ``panel``: panels are found by what the caption says of them and by
            sentences that cite them. They are those of `open_dataset`: a figure without panels is
            one panel, itself.
        mode
            ``lexical`` finds words; ``semantic`` finds captions of the same meaning, by vectors;
            ``hybrid`` joins both by reciprocal rank; ``image`` finds images that show it, if a CLIP
            made their vectors.
        limit
            How many to return, at most.
        images
            Whether to fetch the images too, by their byte ranges.

        Raises
        ------
        UsageError
            The query has no word to search for, a condition is not possible, it is not one of a
            query, an image and a key that is given, or there are no panels.
        """
        if sum(one is not None for one in (query, image, similar)) != 1:
            msg = "give one of a query, an image (--image) and a key (--similar)"
            raise UsageError(msg)
        if not 1 <= limit <= MOST_RESULTS:
            msg = f"limit is {limit}; it must be 1 to {MOST_RESULTS:,}"
            raise UsageError(msg)
        rows = self.of(unit)
        if query is None and unit == "panel":
            raise UsageError(WHOLE_IMAGES)
        choice = Choice(licenses=licenses, concepts=concepts, filters=filters, split=split)
        allowed = rows.allowed(choice)
        phrases: list[Phrase] = []
        if query is not None:
            phrases, hits = rows.find(query, mode, allowed, limit)
        elif similar is not None:
            hits = self.find_similar(similar, allowed, limit)
        else:
            vector = self._images.of_file(image or "")
            hits = self._images.find(vector, limit, allowed.parts if allowed else None)
        return rows.found.results(hits, phrases, images=images)

    def find_similar(self, key: str, allowed: Allowed | None, limit: int) -> list[Hit]:
        """Return the figures whose images are nearest to that of a key, without its own."""
        own = self.figures.found.hit(key)
        near = self._images.find(
            self._images.of_row(own), limit + 1, allowed.parts if allowed else None
        )
        return [hit for hit in near if (hit.part, hit.row) != (own.part, own.row)][:limit]


def _without_search(place: Place, manifest: Manifest) -> str:
    url, size = place.url, source_bytes(manifest) / 1e6
    if not place.is_local:
        return (
            f"{url} has no search index. Its maker adds one with `biomedica search build` and "
            f"`biomedica push`; until then, --build (build=True) fetches its captions, {size:,.1f} "
            "MB, once, and builds an index of their words on this machine"
        )
    if Folder(f"{url}/{SEARCH}").is_empty():
        return (
            f"{url} has no search index; run `biomedica search build {url}`, or search with "
            "--build (build=True), which leaves the folder as it is"
        )
    return (
        f"{url}/{SEARCH} belongs to an earlier manifest than {MANIFEST}: the dataset was written "
        f"again since; run `biomedica search build {url}`"
    )


def open_search(
    path_or_repo: str | os.PathLike[str],
    *,
    text_model: str | None = None,
    image_model: str | None = None,
    build: bool = False,
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
        The same of images, to search for an image in a file, or for images by words.
    build
        Whether to make an index of words on this machine if the dataset has none: its captions are
        fetched once, and the index is kept for this state of the dataset.
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
    return Search(path_or_repo, text_model, image_model, build, progress or Progress())
