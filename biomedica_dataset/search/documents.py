"""The rows of a dataset folder as documents to search: their texts, read shard by shard.

A document is a figure, or a panel of it as `open_dataset` gives them by default: a figure without
panels is one panel, itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from biomedica_dataset.errors import ArchiveError
from biomedica_dataset.folder.index_rows import read_index_table
from biomedica_dataset.folder.panel_rows import config_columns
from biomedica_dataset.folder.record import path_beside
from biomedica_dataset.io.tables import columns_of, read_table
from biomedica_dataset.jats.panels.mentions import citing_sentences
from biomedica_dataset.schema import CaptionRow, IndexRow, column_names
from biomedica_dataset.streaming.reading.panels import MIN_SCORE, first_panels

if TYPE_CHECKING:
    import pyarrow as pa

    from biomedica_dataset.folder.splits import Splits
    from biomedica_dataset.io.folders import Folder

OTHER = "other"
_AGAIN = "Serialize again, or get the folder from its source again."
TERMS = ("article_mesh_terms", "article_keywords", "image_primary_label", "image_secondary_label")
_TEXTS = ["key", "caption", "article_title", "image_context", "figure_label", *TERMS]
_OF_PANELS = ["figure_key", "letter", "box", "score", "subcaption", "contexts",
              "image_primary_label", "image_secondary_label"]  # fmt: skip
STORED = tuple(column_names(IndexRow))


@dataclass(frozen=True, slots=True)
class SearchDocument:
    """A row to be found.

    Parameters
    ----------
    place
        A list of JSON. Of a figure its row of the index. Of a panel the row of its figure in the
        part, its number in the figure, its row in its file of the config ``panels``, letter and
        box; of a figure that is one panel -1, 0 and twice null follow.
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
    folder: Folder, index: str, splits: Splits, *, is_other: bool, unit: str
) -> Iterator[SearchDocument]:
    """Yield the rows of a file of the index, in order; in memory are the texts of one shard.

    Parameters
    ----------
    is_other
        Whether to yield the rows of the licence group ``other``, or the rest.
    unit
        Whether a row is a figure or a panel.

    Raises
    ------
    ArchiveError
        The panels are of other figures.
    """
    table = read_part(folder, index, is_other=is_other)
    stems = (path.rpartition("/")[2] for path in table["file"].to_pylist())
    start = 0
    for _shard, rows in groupby(stems):
        count = sum(1 for _ in rows)
        shard = table.slice(start, count)
        for number, figure in enumerate(_figures(folder, shard, splits, unit), start=start):
            yield from _panels(figure, number) if unit == "panel" else [_document(figure)]
        start += count


def read_part(folder: Folder, index: str, *, is_other: bool) -> pa.Table:
    """Return the rows of a file of the index that belong to one part."""
    with folder.reading(index, _AGAIN) as file:
        table = read_index_table(file)
    mask = pc.equal(table["license_group"], OTHER)
    return table.filter(mask if is_other else pc.invert(mask))


@dataclass(frozen=True, slots=True)
class _Figure:
    """A row of the index, the texts beside it, and its panels with their rows in their file."""

    row: dict[str, Any]
    texts: dict[str, Any]
    panels: Sequence[tuple[int, dict[str, Any]]]


def _figures(folder: Folder, table: pa.Table, splits: Splits, unit: str) -> Iterator[_Figure]:
    """Yield the figures of a shard; with their panels if these are asked for."""
    columns = columns_of(CaptionRow)
    texts: dict[str, list[dict[str, Any]]] = {}
    panels: dict[str, list[dict[str, Any]]] = {}
    counts = pc.fill_null(pc.list_value_length(table["panel_scores"]), 0).to_numpy()
    files = table["file"].combine_chunks().dictionary_encode()
    first = first_panels(files.indices.to_numpy(), table["row"].to_numpy(), counts)
    for number, images in enumerate(files.dictionary.to_pylist()):
        with folder.reading(path_beside(images, "captions", splits), _AGAIN) as file:
            texts[images] = read_table(file, columns, _TEXTS).to_pylist()
        panels[images] = []
        if unit == "panel" and counts[files.indices.to_numpy() == number].any():
            with folder.reading(path_beside(images, "panels", splits), _AGAIN) as file:
                found = read_table(file, config_columns("panels"), _OF_PANELS)
            panels[images] = found.to_pylist()
    for row, start, count in zip(table.to_pylist(), first.tolist(), counts.tolist(), strict=True):
        own = list(enumerate(panels[row["file"]][start : start + count], start=start))
        yield _Figure(row, texts[row["file"]][row["row"]], own)


def _document(figure: _Figure) -> SearchDocument:
    return _made([figure.row[name] for name in STORED], figure, figure.texts)


def _panels(figure: _Figure, number: int) -> Iterator[SearchDocument]:
    """Yield the panels of a figure, whose number in its part is given."""
    key, expected = figure.row["key"], len(figure.row["panel_scores"] or ())
    if [one["figure_key"] for _, one in figure.panels] != [key] * expected:
        msg = f"the config panels has not the {expected} panels of {key}. {_AGAIN}"
        raise ArchiveError(msg)
    good = [
        (at, row, one)
        for at, (row, one) in enumerate(figure.panels)
        if one["score"] >= np.float32(MIN_SCORE)
    ]
    for at, row, one in good:
        own = one | {"caption": one["subcaption"] or ""}
        yield _made([number, at, row, one["letter"], one["box"]], figure, figure.texts | own)
    if not good:
        yield _made([number, -1, 0, None, None], figure, figure.texts)


def _made(place: list[Any], figure: _Figure, texts: dict[str, Any]) -> SearchDocument:
    return SearchDocument(
        place=json.dumps(place, ensure_ascii=False, separators=(",", ":")).encode(),
        article=int(figure.row["article_accession_id"].removeprefix("PMC")),
        caption=texts["caption"],
        title=texts["article_title"] or "",
        context=context_of(texts),
        terms=" ; ".join(terms_of(texts)),
    )


def context_of(texts: dict[str, Any]) -> str:
    """Return the sentences that cite a figure, or a panel with a letter."""
    if texts.get("letter") is not None:
        return " ".join(texts["contexts"] or ())
    cited = (citing_sentences(texts["figure_label"], text) for text in texts["image_context"] or ())
    return " ".join(dict.fromkeys(chain.from_iterable(cited)))


def terms_of(texts: dict[str, Any]) -> list[str]:
    """Return the terms by which people filed a figure: MeSH, keywords, concepts."""
    return [term for name in TERMS for term in texts[name] or ()]
