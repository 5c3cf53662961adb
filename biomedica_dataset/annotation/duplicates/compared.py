"""The pairs of images that were compared, by whichever measure brought them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa

from .compare import LEAST, Shares
from .copies import MEASURES, PAIR_SCHEMA

if TYPE_CHECKING:
    from .pairs import Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Pairs of images by their numbers.

    Parameters
    ----------
    measure
        What brought them together, as places in `MEASURES`.
    distance
        Bits by which hashes differ; -1 of other measures.
    cosine
        Of vectors; NaN of other measures.
    """

    first: Numbers
    second: Numbers
    measure: Numbers
    distance: Numbers
    cosine: Shares
    similarity: Shares

    @classmethod
    def of(
        cls,
        measure: str,
        first: Numbers,
        second: Numbers,
        similarity: Shares,
        *,
        distance: Numbers | None = None,
        cosine: Shares | None = None,
    ) -> Self:
        """Return the pairs that one measure brought together."""
        count = len(first)
        return cls(
            first=first,
            second=second,
            measure=np.full(count, MEASURES.index(measure)),
            distance=np.full(count, -1) if distance is None else distance,
            cosine=np.full(count, np.nan) if cosine is None else cosine,
            similarity=similarity,
        )

    @classmethod
    def best(cls, parts: Sequence[Pairs]) -> Self:
        """Return each pair once, as the measure found it by which both are most alike."""
        joined: dict[str, Any] = {
            name: np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__
        }
        first, second = joined["first"], joined["second"]
        order = np.lexsort((joined["measure"], -joined["similarity"], second, first))
        starts = np.diff(first[order], prepend=-1) != 0
        starts |= np.diff(second[order], prepend=-1) != 0
        return cls(**{name: values[order[starts]] for name, values in joined.items()})

    def copies(self) -> tuple[Numbers, Numbers]:
        """Return first and second of the pairs that are copies."""
        is_copy = self.similarity >= LEAST
        return self.first[is_copy], self.second[is_copy]

    def as_table(self, keys: pa.ChunkedArray) -> pa.Table:
        """Return the table of the pairs."""
        columns = {
            "first": keys.take(self.first),
            "second": keys.take(self.second),
            "measure": pa.array(MEASURES).take(pa.array(self.measure)),
            "distance": pa.array(self.distance, mask=self.distance < 0),
            "cosine": pa.array(self.cosine.round(4), mask=np.isnan(self.cosine)),
            "similarity": self.similarity,
        }
        return pa.table(columns, PAIR_SCHEMA)
