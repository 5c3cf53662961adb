"""What is shown of the rows that were found: rows of the index, texts and images by byte ranges."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from biomedica_dataset.errors import UsageError
from biomedica_dataset.folder.index_places import check_places
from biomedica_dataset.folder.index_rows import check_index_rows
from biomedica_dataset.folder.search_files import SEARCH
from biomedica_dataset.io.failures import reading
from biomedica_dataset.keys import pmcid
from biomedica_dataset.schema import IndexRow, arrow_schema
from biomedica_dataset.streaming.reading.index import Index
from biomedica_dataset.streaming.reading.shards import Reader

from .documents import STORED, TERMS
from .result import SearchResult, text_of
from .words import FIELDS, Phrase, snippet

if TYPE_CHECKING:
    from biomedica_dataset.folder.manifest import Manifest
    from biomedica_dataset.streaming.reading.places import Files, Place

    from .lexical import Hit, Lexical

AGAIN = "Build it again with `biomedica search build`, or get it from its source again."
_MOST_OF_ARTICLES = 20_000  # rows of the articles that were found
_MOST_ARTICLE = 2**31
_ARTICLE, _KEY = STORED.index("article_accession_id"), STORED.index("key")
_TEXTS_OF = {"title": ("article_title",), "context": ("figure_label",), "terms": TERMS}


class FoundRows:
    """Reads what is shown of hits that are figures.

    Parameters
    ----------
    digest
        SHA-256 of the manifest.
    """

    unit: ClassVar[str] = "figure"
    caption: ClassVar[str] = "caption"
    contexts: ClassVar[tuple[str, ...]] = ("image_context",)
    own: ClassVar[tuple[str, ...]] = ()
    reader: ClassVar[type[Reader]] = Reader

    def __init__(self, place: Place, digest: str, manifest: Manifest, lexical: Lexical) -> None:
        self.place, self.digest, self.manifest = place, digest, manifest
        self._lexical = lexical
        self._files = {file.path: file for file in manifest.files}

    def files(self) -> closing[Files]:
        """Return the files of the dataset, to be closed."""
        return closing(self.place.open())

    def hit(self, key: str) -> Hit:
        """Return where the row of a key is.

        Raises
        ------
        UsageError
            No row has this key.
        """
        try:
            article = pmcid(key)
        except ValueError:
            article = 0
        article = article if 0 < article < _MOST_ARTICLE else 0
        for hit in self._lexical.of_article(article, _MOST_OF_ARTICLES):
            if self.key(hit) == key:
                return hit
        msg = f"no {self.unit} that can be found has the key {key[:80]!r}"
        raise UsageError(msg)

    def key(self, hit: Hit) -> str:
        """Return the key of a hit."""
        found: str = self.index_row(hit)[_KEY]
        return found

    def index_row(self, hit: Hit) -> list[Any]:
        """Return the row of the index of a hit, unchecked, in the order of columns."""
        found: list[Any] = json.loads(self._lexical.place(hit))
        return found

    def results(
        self, hits: list[Hit], phrases: list[Phrase], *, images: bool
    ) -> list[SearchResult]:
        """Return what is shown of hits; captions are fetched by their byte ranges."""
        if not hits:
            return []
        table = self.rows(hits)
        fields = self._matched(hits, phrases)
        shown = ["key", self.caption, *self.own, *(["image"] if images else [])]
        texts = self.read(table, shown, list(range(len(hits))))
        others: dict[int, dict[str, Any]] = {}
        # Citing paragraphs are large, so they are read only where they are shown.
        for name, columns in _TEXTS_OF.items():
            those = [at for at, found in enumerate(fields) if found[:1] == (name,)]
            asked = [*columns, *(self.contexts if name == "context" else ())]
            others |= zip(those, self.read(table, asked, those), strict=True)
        stems = {word for phrase in phrases for _, word in phrase.words}
        results = []
        for at, (hit, row) in enumerate(zip(hits, table.to_pylist(), strict=True)):
            text, own = texts[at][self.caption] or "", {name: texts[at][name] for name in self.own}
            shown_text = text_of(fields[at][0], others[at]) if at in others else text
            results.append(
                SearchResult(
                    key=texts[at]["key"], score=hit.score, matched=fields[at], caption=text,
                    snippet=snippet(shown_text, stems, self._lexical.stem),
                    row={name: row[name] for name in STORED} | own, image=texts[at].get("image"),
                )
            )  # fmt: skip
        return results

    def rows(self, hits: list[Hit]) -> pa.Table:
        """Return the rows of the index of hits, checked."""
        schema = arrow_schema(IndexRow).remove_metadata()
        with reading(f"{self.place.url}/{SEARCH}", AGAIN):
            rows = [dict(zip(STORED, self.index_row(hit), strict=True)) for hit in hits]
            table = pa.Table.from_pylist(rows, schema=schema)
            check_index_rows(table)
            check_places(table, self._files)
        return table

    def read(self, table: pa.Table, columns: list[str], at: list[int]) -> list[dict[str, Any]]:
        """Return columns of some rows, fetched by byte ranges or row groups."""
        if not at:
            return []
        index = Index(self.place, self.digest, self._files, table, self.manifest)
        return list(self.reader(index, table, columns).rows([np.array(at)]))

    def _matched(self, hits: list[Hit], phrases: list[Phrase]) -> list[tuple[str, ...]]:
        """Return the fields of each hit that have words of the query."""
        if not phrases:
            return [()] * len(hits)
        articles = {int(self.index_row(hit)[_ARTICLE][3:]) for hit in hits}
        found: dict[tuple[int, int], list[str]] = {(hit.part, hit.row): [] for hit in hits}
        plain = [Phrase(((0, word),), one.field, False) for one in phrases for _, word in one.words]  # noqa: FBT003
        for name in FIELDS:
            for hit in self._lexical.find(plain, _MOST_OF_ARTICLES, articles, [name]):
                if hit.score > 0 and (hit.part, hit.row) in found:
                    found[hit.part, hit.row].append(name)
        return [tuple(found[hit.part, hit.row]) for hit in hits]
