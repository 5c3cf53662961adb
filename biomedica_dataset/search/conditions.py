"""Which rows of each part of a search index meet the conditions of a query."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from biomedica_dataset.errors import UsageError
from biomedica_dataset.schema import IndexRow, Pair, column_names
from biomedica_dataset.streaming.choice import Choice, choose
from biomedica_dataset.streaming.conditions.filters import columns_of, parse_filters
from biomedica_dataset.streaming.conditions.named import ALL
from biomedica_dataset.streaming.reading.attributes import attribute_columns
from biomedica_dataset.streaming.reading.index import read_index
from biomedica_dataset.streaming.reading.panels import NEW, expand

from .documents import OTHER

if TYPE_CHECKING:
    from biomedica_dataset.folder.manifest import Manifest
    from biomedica_dataset.streaming.reading.places import Place

_ALWAYS = ("license_group", "article_accession_id", "image_license", "split",
           "image_primary_label", "image_secondary_label")  # fmt: skip
_OF_PANELS = ("panel_scores", "file", "row")
_NUMBER = "__number"
_MOST_PANELS = 2**20  # of a figure


@dataclass(frozen=True, slots=True)
class Allowed:
    """Rows that may be found.

    Parameters
    ----------
    parts
        Of each part of the search index whether each row may be found, bool of shape (rows,).
    articles
        Numbers of the articles that have them, int64.
    """

    parts: tuple[np.ndarray[Any, Any], ...]
    articles: np.ndarray[Any, Any]

    @property
    def count(self) -> int:
        """How many rows may be found."""
        return sum(int(part.sum()) for part in self.parts)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(map(len, self.parts))


def find_allowed(
    place: Place, manifest: Manifest, choice: Choice, tell: Callable[[str], None]
) -> Allowed:
    """Return the rows that meet some conditions, from the index and the columns that they name.

    Raises
    ------
    UsageError
        See `open_dataset`; or no row meets them.
    """
    is_panels = choice.min_score is not None
    parts = manifest.search.of("panel" if is_panels else "figure") if manifest.search else []
    known = [*column_names(IndexRow), *(set(column_names(Pair)) - {"image"}), *NEW,
             *attribute_columns(manifest)]  # fmt: skip
    asked = set() if choice.filters is None else columns_of(parse_filters(choice.filters), known)
    is_indexed = asked <= set(column_names(IndexRow))
    always = (*_ALWAYS, *(_OF_PANELS if is_panels else ()))
    columns = list(dict.fromkeys([*always, *sorted(asked)])) if is_indexed else None
    index = read_index(place, columns)
    numbered = index.table.append_column(_NUMBER, pa.array(np.arange(len(index.table))))
    index = replace(index, table=numbered)
    chosen = choose(index, replace(choice, split=choice.split or ALL), tell).table
    every = numbered
    if choice.min_score is not None:
        every = expand(index, every.append_column("figure", every[_NUMBER]), choice.min_score)
    kept = np.zeros(len(every), bool)
    kept[np.searchsorted(_order(every), _order(chosen))] = True
    figures = every[_NUMBER].to_numpy()
    is_other = pc.equal(every["license_group"], OTHER).to_numpy()
    starts, start = {}, 0
    for file in manifest.config_files("index"):
        ends = np.searchsorted(figures, [start, start + file.rows]).tolist()
        starts[file.path] = slice(*ends)
        start += file.rows
    masks = []
    for part in parts:
        rows = starts[part.index]
        masks.append(kept[rows][is_other[rows] == part.is_other])
        if len(masks[-1]) != part.rows:
            msg = (
                f"{place.url} has a search index of other rows than its index; run "
                f"`biomedica search build {place.url}`"
            )
            raise UsageError(msg)
    texts = pc.utf8_slice_codeunits(chosen["article_accession_id"], 3)
    return Allowed(tuple(masks), pc.unique(texts.cast(pa.int64())).to_numpy())


def _order(table: pa.Table) -> np.ndarray[Any, Any]:
    """Return of each row a number that tells where it stands among all rows."""
    numbers = table[_NUMBER].to_numpy()
    if "panel" in table.column_names:
        numbers = numbers * _MOST_PANELS + table["panel"].to_numpy() + 1
    return cast("np.ndarray[Any, Any]", numbers)
