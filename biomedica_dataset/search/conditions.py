"""Which rows of each part of a search index meet the conditions of a query."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from biomedica_dataset.errors import UsageError
from biomedica_dataset.schema import IndexRow, Pair, column_names
from biomedica_dataset.streaming.choice import ALL, Choice, choose
from biomedica_dataset.streaming.conditions.filters import columns_of, parse_filters
from biomedica_dataset.streaming.reading.index import read_index

from .documents import OTHER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from biomedica_dataset.folder.manifest import Manifest
    from biomedica_dataset.folder.search_files import SearchPart
    from biomedica_dataset.streaming.reading.places import Place

_ALWAYS = ("license_group", "article_accession_id", "image_license", "split",
           "image_primary_label", "image_secondary_label")  # fmt: skip
_NUMBER = "__number"


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
    place: Place, manifest: Manifest, parts: Sequence[SearchPart], choice: Choice,
    tell: Callable[[str], None],
) -> Allowed:  # fmt: skip
    """Return the rows that meet some conditions, from the index and the columns that they name.

    Raises
    ------
    UsageError
        See `open_dataset`; or no row meets them.
    """
    known = [*column_names(IndexRow), *(set(column_names(Pair)) - {"image"})]
    asked = set() if choice.filters is None else columns_of(parse_filters(choice.filters), known)
    is_indexed = asked <= set(column_names(IndexRow))
    columns = list(dict.fromkeys([*_ALWAYS, *sorted(asked)])) if is_indexed else None
    index = read_index(place, columns)
    numbered = index.table.append_column(_NUMBER, pa.array(np.arange(len(index.table))))
    chosen = choose(
        replace(index, table=numbered), replace(choice, split=choice.split or ALL), tell
    )
    kept = np.zeros(len(numbered), bool)
    kept[chosen.table[_NUMBER].to_numpy()] = True
    is_other = pc.equal(numbered["license_group"], OTHER).to_numpy()
    starts, start = {}, 0
    for file in manifest.config_files("index"):
        starts[file.path] = slice(start, start + file.rows)
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
    texts = pc.utf8_slice_codeunits(chosen.table["article_accession_id"], 3)
    return Allowed(tuple(masks), pc.unique(texts.cast(pa.int64())).to_numpy())
