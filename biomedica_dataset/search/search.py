"""`open_search`: finds figures of a dataset folder by words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa

from biomedica_dataset.engine.progress import Progress
from biomedica_dataset.errors import UsageError
from biomedica_dataset.folder.index_places import check_places
from biomedica_dataset.folder.index_rows import check_index_rows
from biomedica_dataset.folder.manifest import MANIFEST
from biomedica_dataset.folder.search_files import FORMAT_VERSION, SEARCH
from biomedica_dataset.io.failures import reading
from biomedica_dataset.io.folders import Folder
from biomedica_dataset.schema import IndexRow, arrow_schema
from biomedica_dataset.streaming.choice import Choice
from biomedica_dataset.streaming.reading.index import Index, read_manifest_at
from biomedica_dataset.streaming.reading.places import find
from biomedica_dataset.streaming.reading.shards import Reader
from biomedica_dataset.suggest import one_of

from .conditions import Allowed, find_allowed
from .documents import STORED, TERMS
from .fusion import fuse
from .lexical import Hit, Lexical
from .local_files import local_files
from .result import SearchResult, text_of
from .semantic import Semantic
from .words import FIELDS, Phrase, parse_query, snippet

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence


_FEW = 20_000  # articles: so many are looked up by the engine; of more, hits are looked through
_AGAIN = "Build it again with `biomedica search build`, or get it from its source again."
_FILTERS_KEPT = 8
_FUSED = 200  # hits of each kind that are joined
Mode = Literal["lexical", "semantic", "hybrid"]
MODES: tuple[Mode, ...] = ("lexical", "semantic", "hybrid")
_MOST_OF_ARTICLES = 20_000  # rows of the articles that were found
_ARTICLE = STORED.index("article_accession_id")
_TEXT_OF = ["figure_label", "image_context", *TERMS, "article_title"]
MOST_RESULTS = 1000


class Search:
    """Searches one dataset folder; see `open_search`."""

    def __init__(
        self, path_or_repo: str | os.PathLike[str], text_model: str | None, progress: Progress
    ) -> None:
        self._place, self._progress = find(path_or_repo), progress
        self.manifest, self._digest = read_manifest_at(self._place)
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
        self._files = {file.path: file for file in self.manifest.files}
        words = [file for part in self._parts for file in part.words]
        there = local_files(self._place, words, progress)
        self._lexical = Lexical(there, self._parts)
        self._semantic = Semantic(self._place, self.index, text_model, progress)
        self._allowed: dict[str, Allowed] = {}

    def search(  # noqa: PLR0913 - each is a way to choose, given by name
        self,
        query: str,
        *,
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
            The query has no word to search for, or a condition is not possible.
        """
        if not 1 <= limit <= MOST_RESULTS:
            msg = f"limit is {limit}; it must be 1 to {MOST_RESULTS:,}"
            raise UsageError(msg)
        choice = Choice(licenses=licenses, concepts=concepts, filters=filters, split=split)
        allowed = self._allowed_by(choice)
        phrases, hits = self.find(query, mode, allowed, limit)
        return self._results(hits, phrases, images=images)

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

    def places(self, hits: Sequence[Hit]) -> list[bytes]:
        """Return the rows of the index of hits, each a list of JSON in the order of columns."""
        return [self._lexical.place(hit) for hit in hits]

    def _allowed_by(self, choice: Choice) -> Allowed | None:
        """Return the rows that meet conditions; ``None`` for all. The last few are remembered."""
        if choice == Choice():
            return None
        asked = str(choice)
        if asked not in self._allowed:
            tell = self._progress.say
            found = find_allowed(self._place, self.manifest, self._parts, choice, tell)
            while len(self._allowed) >= _FILTERS_KEPT:
                self._allowed.pop(next(iter(self._allowed)))
            self._allowed[asked] = found
        return self._allowed[asked]

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

    def _results(
        self, hits: list[Hit], phrases: list[Phrase], *, images: bool
    ) -> list[SearchResult]:
        """Return what is shown of hits; captions are fetched by their byte ranges."""
        if not hits:
            return []
        table = self._rows(hits)
        fields = self._matched(hits, phrases)
        shown = ["caption", *(["image"] if images else [])]
        texts = self._read(table, shown, list(range(len(hits))))
        elsewhere = [at for at, found in enumerate(fields) if found and found[0] != "caption"]
        more = self._read(table, _TEXT_OF, elsewhere)
        others = dict(zip(elsewhere, more, strict=True))
        stems = {word for phrase in phrases for _, word in phrase.words}
        results = []
        for at, (hit, row) in enumerate(zip(hits, table.to_pylist(), strict=True)):
            text = texts[at]["caption"]
            shown_text = text_of(fields[at][0], others[at]) if at in others else text
            results.append(
                SearchResult(
                    key=row["key"], score=hit.score, matched=fields[at], caption=text, row=row,
                    snippet=snippet(shown_text, stems, self._lexical.stem),
                    image=texts[at].get("image"),
                )
            )  # fmt: skip
        return results

    def _rows(self, hits: list[Hit]) -> pa.Table:
        """Return the rows of the index of hits, checked."""
        schema = arrow_schema(IndexRow).remove_metadata()
        with reading(f"{self._place.url}/{SEARCH}", _AGAIN):
            rows = [dict(zip(STORED, json.loads(self._lexical.place(hit)), strict=True))
                    for hit in hits]  # fmt: skip
            table = pa.Table.from_pylist(rows, schema=schema)
            check_index_rows(table)
            check_places(table, self._files)
        return table

    def _read(self, table: pa.Table, columns: list[str], at: list[int]) -> list[dict[str, Any]]:
        """Return columns of some rows, fetched by byte ranges or row groups."""
        if not at:
            return []
        index = Index(self._place, self._digest, self._files, table, self.manifest)
        return list(Reader(index, table, columns).rows([np.array(at)]))

    def _matched(self, hits: list[Hit], phrases: list[Phrase]) -> list[tuple[str, ...]]:
        """Return the fields of each hit that have words of the query."""
        articles = {int(json.loads(self._lexical.place(hit))[_ARTICLE][3:]) for hit in hits}
        found: dict[tuple[int, int], list[str]] = {(hit.part, hit.row): [] for hit in hits}
        plain = [Phrase(((0, word),), one.field, False) for one in phrases for _, word in one.words]  # noqa: FBT003
        for name in FIELDS:
            for hit in self._lexical.find(plain, _MOST_OF_ARTICLES, articles, [name]):
                if hit.score > 0 and (hit.part, hit.row) in found:
                    found[hit.part, hit.row].append(name)
        return [tuple(found[hit.part, hit.row]) for hit in hits]


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
    biomedica_dataset.errors.UsageError: nowhere is no folder; ...
    """
    return Search(path_or_repo, text_model, progress or Progress())
