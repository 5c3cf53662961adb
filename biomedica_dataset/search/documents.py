"""The rows of a dataset folder as documents to search: their texts, read shard by shard."""

from __future__ import annotations

import json
from bisect import bisect
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from biomedica_dataset.folder.index_rows import read_index_table
from biomedica_dataset.folder.record import path_beside
from biomedica_dataset.io.tables import columns_of, read_table
from biomedica_dataset.jats.panels.labels import find_mentions, series_of
from biomedica_dataset.jats.panels.sentences import sentences
from biomedica_dataset.schema import CaptionRow, IndexRow, column_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from biomedica_dataset.folder.splits import Splits
    from biomedica_dataset.io.folders import Folder

OTHER = "other"
_AGAIN = "Serialize again, or get the folder from its source again."
TERMS = ("article_mesh_terms", "article_keywords", "image_primary_label", "image_secondary_label")
_TEXTS = ["key", "caption", "article_title", "image_context", "figure_label", *TERMS]
STORED = tuple(column_names(IndexRow))


@dataclass(frozen=True, slots=True)
class SearchDocument:
    """A row to be found.

    Parameters
    ----------
    place
        Its row of the index, as a list of JSON.
    article
        Number of its article.
    """

    place: bytes
    article: int
    caption: str
    title: str
    context: str
    terms: str


def read_documents(
    folder: Folder, index: str, splits: Splits, *, is_other: bool
) -> Iterator[SearchDocument]:
    """Yield the rows of a file of the index, in order; in memory are the texts of one shard.

    Parameters
    ----------
    is_other
        Whether to yield the rows of the licence group ``other``, or the rest.
    """
    table = read_part(folder, index, is_other=is_other)
    stems = (path.rpartition("/")[2] for path in table["file"].to_pylist())
    start = 0
    for _shard, rows in groupby(stems):
        count = sum(1 for _ in rows)
        yield from _documents(folder, table.slice(start, count), splits)
        start += count


def read_part(folder: Folder, index: str, *, is_other: bool) -> pa.Table:
    """Return the rows of a file of the index that belong to one part."""
    with folder.reading(index, _AGAIN) as file:
        table = read_index_table(file)
    mask = pc.equal(table["license_group"], OTHER)
    return table.filter(mask if is_other else pc.invert(mask))


def _documents(folder: Folder, table: pa.Table, splits: Splits) -> Iterator[SearchDocument]:
    columns, texts = columns_of(CaptionRow), {}
    for images in pc.unique(table["file"]).to_pylist():
        path = path_beside(images, "captions", splits)
        with folder.reading(path, _AGAIN) as file:
            texts[images] = read_table(file, columns, _TEXTS).to_pylist()
    for row in table.to_pylist():
        yield _document(row, texts[row["file"]][row["row"]])


def _document(row: dict[str, Any], texts: dict[str, Any]) -> SearchDocument:
    return SearchDocument(
        place=json.dumps(
            [row[name] for name in STORED], ensure_ascii=False, separators=(",", ":")
        ).encode(),
        article=int(row["article_accession_id"].removeprefix("PMC")),
        caption=texts["caption"],
        title=texts["article_title"] or "",
        context=" ".join(citing_sentences(texts["image_context"] or (), texts["figure_label"])),
        terms=" ; ".join(terms_of(texts)),
    )


def terms_of(texts: dict[str, Any]) -> list[str]:
    """Return the terms by which people filed a figure: MeSH, keywords, concepts."""
    return [term for name in TERMS for term in texts[name] or ()]


def citing_sentences(paragraphs: Sequence[str], label: str | None) -> list[str]:
    """Return the sentences of paragraphs that cite a figure by its label.

    Examples
    --------
    >>> citing_sentences(["Cells grow. Fig. 2 shows it. They die (Figs. 1 to 3)."], "Figure 2")
    ['Fig. 2 shows it.', 'They die (Figs. 1 to 3).']
    """
    series, numbers = series_of([label or ""])
    found: dict[str, None] = {}
    for text in paragraphs if numbers else ():
        places = sentences(text)
        for mention in find_mentions(text, [series[0]]):
            ranges = [(first, last) for first, last, _ in mention.numbers]
            if mention.series == series and any(
                first <= numbers[-1] and numbers[0] <= last for first, last in ranges
            ):
                start, end = places[max(0, bisect(places, (mention.start, len(text))) - 1)]
                found[text[start:end]] = None
    return list(found)
