"""The words of rows, as segments of tantivy: one engine, one file of the index, one segment.

A segment is built by one thread and at once, so that the same rows give the same bytes; its name
is given here, since tantivy draws one at random. Segments do not know of each other: an index is
the list of them.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biomedica_dataset.errors import ArchiveError
from biomedica_dataset.extras import require
from biomedica_dataset.folder.search_files import SEARCH, SEGMENT_FILES, SearchFile, SearchPart
from biomedica_dataset.io.partial import scratch_folder

from .words import FIELDS, Phrase, make_analyzer

if TYPE_CHECKING:
    from biomedica_dataset.io.folders import Folder

    from .documents import SearchDocument

_ANALYZER = "biomedica_english"
_HEAP = 2**31 - 2**26  # bytes that the words of a segment may take before it is full
_META = "meta.json"
WEIGHTS = {"caption": 1.0, "title": 0.7, "context": 0.7, "terms": 0.4}
_CAPTION = "caption"
_K = 60  # of Cormack et al., SIGIR 2009: lowers the weight of the very first ranks


def _schema() -> Any:
    tantivy = require("tantivy", "search")
    builder = tantivy.SchemaBuilder()
    for name in FIELDS:
        kept = "position" if name == _CAPTION else "basic"  # positions take the most bytes
        builder.add_text_field(name, tokenizer_name=_ANALYZER, index_option=kept)
    builder.add_unsigned_field("article", indexed=True)
    builder.add_bytes_field("place", stored=True)
    return builder.build()


def write_segment(
    documents: Iterable[SearchDocument], name: str, folder: Folder
) -> tuple[int, list[SearchFile]]:
    """Write the words of some rows; return how many rows, and the files."""
    tantivy = require("tantivy", "search")
    with scratch_folder() as scratch:
        index = tantivy.Index(_schema(), str(scratch))
        index.register_tokenizer(_ANALYZER, make_analyzer())
        writer, rows = index.writer(_HEAP, 1), 0
        for one in documents:
            document = tantivy.Document(
                caption=one.caption, title=one.title, context=one.context, terms=one.terms,
            )  # fmt: skip
            document.add_unsigned("article", one.article)
            document.add_bytes("place", one.place)
            writer.add_document(document)
            rows += 1
        writer.commit()
        writer.wait_merging_threads()
        segments = json.loads((scratch / _META).read_bytes())["segments"]
        if not segments:
            return 0, []
        (made,) = segments
        drawn = made["segment_id"].replace("-", "")
        return rows, [_published(folder, scratch / drawn, name, kind) for kind in SEGMENT_FILES]


def _published(folder: Folder, drawn: Path, name: str, kind: str) -> SearchFile:
    path = f"{SEARCH}/{name}.{kind}"
    with folder.create() as new, drawn.with_suffix(f".{kind}").open("rb") as file:
        shutil.copyfileobj(file, new, 2**20)
        new.publish(path)
    return SearchFile(path, new.size, new.sha256)


@dataclass(frozen=True, slots=True)
class Hit:
    """A row that was found: number of its part, row of the part, and its score."""

    part: int
    row: int
    score: float


def fuse(lists: Sequence[Sequence[Hit]], limit: int) -> list[Hit]:
    """Return the hits of several lists, ranked by the sum of ``1 / (60 + rank)``.

    Examples
    --------
    >>> first, second = Hit(0, 1, 9.0), Hit(0, 2, 8.0)
    >>> [hit.row for hit in fuse([[first, second], [second]], 5)]
    [2, 1]
    """
    scores: dict[tuple[int, int], float] = {}
    for hits in lists:
        for rank, hit in enumerate(hits, start=1):
            place = (hit.part, hit.row)
            scores[place] = scores.get(place, 0.0) + 1 / (_K + rank)
    best = sorted(scores.items(), key=lambda one: (-one[1], one[0]))
    return [Hit(*place, score) for place, score in best[:limit]]


class Lexical:
    """Searches segments, which are mapped into memory.

    Parameters
    ----------
    there
        Where the files of the segments are, by their paths in the dataset folder.
    """

    def __init__(self, there: Mapping[str, Path], parts: Sequence[SearchPart]) -> None:
        tantivy = require("tantivy", "search")
        self._tantivy, self._schema = tantivy, _schema()
        self._analyzer = make_analyzer()
        with scratch_folder() as scratch:  # all files are mapped when the searcher is made
            tantivy.Index(self._schema, str(scratch))
            listed = json.loads((scratch / _META).read_bytes())
            for file in (file for part in parts for file in part.words):
                (scratch / Path(file.path).name).symlink_to(there[file.path].resolve())
            listed["segments"] = [
                {"segment_id": str(uuid.UUID(part.segment)), "max_doc": part.rows, "deletes": None}
                for part in parts
            ]
            (scratch / _META).write_text(json.dumps(listed))
            try:
                index = tantivy.Index.open(str(scratch))
                index.config_reader("manual", 1)
                self._searcher = index.searcher()
            except (ValueError, OSError) as error:
                msg = f"the search index cannot be opened: {error}; run `biomedica search build`"
                raise ArchiveError(msg) from error

    def stem(self, text: str) -> list[str]:
        """Return the stems of a text."""
        found: list[str] = self._analyzer.analyze(text)
        return found

    def find(
        self,
        phrases: Sequence[Phrase],
        limit: int,
        articles: Collection[int] | None = None,
        fields: Collection[str] = FIELDS,
    ) -> list[Hit]:
        """Return the best rows for a query, the best first.

        Parameters
        ----------
        articles
            Numbers of the articles to search; all by default.
        """
        asked = self._query(phrases, fields)
        if articles is not None:
            must = self._tantivy.Occur.Must
            kept = self._tantivy.Query.boost_query(self._of_articles(articles), 0.0)
            asked = self._tantivy.Query.boolean_query([(must, asked), (must, kept)])
        return self._hits(asked, limit)

    def of_article(self, number: int, limit: int) -> list[Hit]:
        """Return the rows of an article."""
        return self._hits(self._of_articles([number]), limit)

    def _of_articles(self, numbers: Collection[int]) -> Any:
        return self._tantivy.Query.term_set_query(self._schema, "article", sorted(numbers))

    def _hits(self, asked: Any, limit: int) -> list[Hit]:
        found = self._searcher.search(asked, limit, count=False).hits
        return [Hit(at.segment_ord, at.doc, score) for score, at in found]

    def place(self, hit: Hit) -> bytes:
        """Return what is stored of a hit, as JSON; `SearchDocument` says what."""
        at = self._tantivy.DocAddress(hit.part, hit.row)
        return bytes(self._searcher.doc(at)["place"][0])

    def _query(self, phrases: Sequence[Phrase], fields: Collection[str]) -> Any:
        query, occur = self._tantivy.Query, self._tantivy.Occur
        must, should = [], []
        for phrase in phrases:
            if phrase.is_quoted:
                must.append((occur.Must, self._in_a_row(phrase)))
                continue
            asked = [name for name in fields if phrase.field in (None, name)]
            for name in asked:
                term = query.term_query(self._schema, name, phrase.words[0][1], "freq")
                should.append((occur.Should, query.boost_query(term, WEIGHTS[name])))
        return query.boolean_query([*must, *should])

    def _in_a_row(self, phrase: Phrase) -> Any:
        """Return the query for a quoted phrase: fields other than the caption have no positions."""
        query, field = self._tantivy.Query, phrase.field or _CAPTION
        if field == _CAPTION:
            return query.phrase_query(self._schema, field, list(phrase.words))
        must = self._tantivy.Occur.Must
        words = [query.term_query(self._schema, field, word, "basic") for _, word in phrase.words]
        return query.boolean_query([(must, word) for word in words])
