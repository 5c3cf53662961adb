"""Chooses rows of a dataset folder by its index, before any image is fetched.

A row is a figure, or a panel of one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from biomedica_dataset.annotation.duplicates.overlaps import Overlap
from biomedica_dataset.engine.report import Shown
from biomedica_dataset.errors import UsageError
from biomedica_dataset.schema import IndexRow, Pair, arrow_schema, column_names

from .conditions.filters import columns_of, mask, parse_filters, unknown_values
from .conditions.named import in_split, under_licenses, with_concepts
from .deduplicate import deduplicate, not_overlapping
from .reading.attributes import attribute_columns, join_attributes
from .reading.columns import ColumnReader, TextCost
from .reading.panels import NEW, OWN, expand, panel_columns
from .recipes import RecipeReport, apply

if TYPE_CHECKING:
    from .reading.index import Index

_KNOWN = [*column_names(IndexRow), *(name for name in column_names(Pair) if name != "image")]
_TOGETHER = 2**20  # panels whose texts are in memory at once


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Choice(Shown):
    """The conditions by which rows are chosen, as `open_dataset` explains them.

    Parameters
    ----------
    min_score
        Of panels; ``None`` where rows are figures.
    """

    licenses: Sequence[str] | str | None = None
    concepts: Sequence[str] | str | None = None
    filters: Any = None
    without: str | os.PathLike[str] | None = None
    deduplicate: bool = False
    recipe: str | None = None
    limit: int | None = None
    seed: int | None = None
    split: str | None = None
    min_score: float | None = None

    def __str__(self) -> str:
        given = {name: getattr(self, name) for name in self.__slots__}
        given["without"] = self.without and Path(self.without).name
        asked = [f"{n} {v}" for n, v in given.items() if v is not False and v not in (None, ())]
        return ", ".join(asked) or "everything"


@dataclass(frozen=True, slots=True, repr=False)
class Chosen(Shown):
    """The rows chosen from an index.

    Parameters
    ----------
    table
        The chosen rows of the index, in order; panels with the columns `PLACED` of theirs.
    report
        What the recipe kept, if there is one.
    texts
        What was read for conditions on columns that the index lacks.
    left_out
        Rows left out as copies, of others or of images of benchmarks, by reason.
    """

    index: Index
    choice: Choice
    table: pa.Table
    report: RecipeReport | None
    texts: TextCost | None = None
    left_out: dict[str, int] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """Total bytes of the images, of each figure once."""
        lengths = self.table["image_length"]
        if self.figures is not None:
            lengths = lengths.filter(pa.array(np.diff(self.figures, prepend=-1) != 0))
        return int(pc.sum(lengths).as_py() or 0)

    @property
    def figures(self) -> np.ndarray | None:
        """The row of the index of each panel's figure; ``None`` if rows are figures."""
        is_panels = self.choice.min_score is not None
        return self.table["figure"].to_numpy().astype(np.int32) if is_panels else None

    def notes(self) -> list[str]:
        """Return what was left out and read on the way, as lines."""
        lines = [f"{count:,} rows left out: {why}" for why, count in self.left_out.items()]
        lines += [str(self.report)] if self.report else []
        return lines + ([f"read: {self.texts}"] if self.texts else [])

    def __str__(self) -> str:
        rows = f"{len(self.table):,} of {len(self.index.table):,} rows"
        if self.figures is not None:
            figures = np.count_nonzero(np.diff(self.figures, prepend=-1))
            rows = f"{len(self.table):,} panels of {figures:,} of {len(self.index.table):,} figures"
        return "\n".join([*self.notes(), f"{rows}, {self.bytes / 1e6:,.1f} MB of images"])


def choose(index: Index, choice: Choice, tell: Callable[[str], None]) -> Chosen:
    """Choose rows of an index, and read the columns that it lacks.

    Parameters
    ----------
    tell
        Called with what will be read, in words, before it is.

    Raises
    ------
    UsageError
        A licence, concept, column, split or recipe does not exist, a value has the wrong type, or
        no row is chosen.
    """
    if choice.seed is not None and choice.seed < 0:
        msg = f"seed is {choice.seed}; it must be 0 or more"
        raise UsageError(msg)
    table, is_panels = index.table, choice.min_score is not None
    if is_panels:
        table = table.append_column("figure", pa.array(np.arange(len(table))))
    table = table.filter(pa.array(in_split(table, choice.split)))
    table = table.filter(pa.array(under_licenses(table, choice.licenses)))
    table = table.filter(pa.array(with_concepts(table, choice.concepts)))
    if choice.min_score is not None:
        table = expand(index, table, choice.min_score)
    texts = None
    if choice.filters is not None:
        filtered = _filtered_panels if is_panels else _filtered
        condition, names = parse_filters(choice.filters), table.column_names
        table = join_attributes(index, table, _attributes(index, condition), tell)
        table, texts = filtered(index, table, condition, tell)
        table = table.select(names)
    report, left_out = None, dict[str, int]()
    if choice.without is not None:
        before, table = len(table), not_overlapping(table, Overlap.open(choice.without))
        left_out["in a benchmark"] = before - len(table)
    _check_any(table, index, choice)
    if choice.deduplicate:
        before, table = len(table), deduplicate(index, table, tell)
        left_out["copies"] = before - len(table)
    if choice.recipe is not None:
        kept, report = apply(choice.recipe, table, choice.seed or 0)
        table = table.filter(pa.array(kept))
        _check_any(table, index, choice)
    return Chosen(index, choice, limited(table, choice), report, texts, left_out)


def _attributes(index: Index, condition: Any) -> list[str]:
    """Return the columns of attributes in a condition, and check all names."""
    attributes = attribute_columns(index.manifest)
    names = columns_of(condition, [*_KNOWN, *NEW, *index.table.column_names, *attributes])
    return sorted(names & set(attributes))


def _check_any(table: pa.Table, index: Index, choice: Choice) -> None:
    if not len(index.table):
        msg = (
            f"{index.place.url} has no images, only captions, which load_dataset(..., 'captions') "
            "reads; to fetch some, choose keys by `biomedica select --keys-only` for "
            "`biomedica extract --images`"
        )
        raise UsageError(msg)
    if not len(table):
        filters = choice.filters
        hint = "" if filters is None else unknown_values(parse_filters(filters), index.table)
        msg = (
            f"none of the {len(index.table):,} rows of {index.place.url} matches {choice}; "
            f"{hint or 'relax the conditions'}"
        )
        raise UsageError(msg)


def _filtered(
    index: Index, table: pa.Table, condition: Any, tell: Callable[[str], None]
) -> tuple[pa.Table, TextCost | None]:
    known = [*_KNOWN, *table.column_names]
    absent = sorted(columns_of(condition, known) - set(table.column_names))
    if not absent:
        return table.filter(pa.array(mask(table, condition))), None
    mask(_with(table.slice(0, 0), arrow_schema(Pair).empty_table().select(absent)), condition)
    kept, reader = np.zeros(len(table), dtype=bool), ColumnReader(index, table, absent)
    for positions, texts in reader.read(tell):
        kept[positions] = mask(_with(table.take(pa.array(positions)), texts), condition)
    return table.filter(pa.array(kept)), reader.cost


def _filtered_panels(
    index: Index, table: pa.Table, condition: Any, tell: Callable[[str], None]
) -> tuple[pa.Table, TextCost | None]:
    """Filter panels: their own columns take the place of those of their figures."""
    names = columns_of(condition, list(dict.fromkeys([*_KNOWN, *NEW, *table.column_names])))
    own = sorted(names & set(OWN))
    if not own:
        return _filtered(index, table, condition, tell)
    kept, costs = [], []
    for start in range(0, max(1, len(table)), _TOGETHER):
        part = table.slice(start, _TOGETHER)
        columns, cost = panel_columns(index, part, own, tell)
        seen = part.drop_columns([name for name in own if name in part.column_names])
        numbers = seen.append_column("place", pa.array(np.arange(len(part))))
        found, more = _filtered(index, _with(numbers, columns), condition, tell)
        kept.append(part.take(found["place"]))
        costs += [cost, *([more] if more else [])]
    return pa.concat_tables(kept), reduce(TextCost.plus, costs)


def _with(table: pa.Table, others: pa.Table) -> pa.Table:
    for name, column in zip(others.column_names, others.columns, strict=True):
        table = table.append_column(name, column)
    return table


def limited(table: pa.Table, choice: Choice) -> pa.Table:
    """Return as many rows as were asked for: a random sample with a seed, or else the first."""
    limit = choice.limit
    if limit is None or limit >= len(table):
        return table
    if limit < 1:
        msg = f"limit is {limit}; it must be 1 or more"
        raise UsageError(msg)
    if choice.seed is None:
        return table.slice(0, limit)
    drawn = np.random.default_rng(choice.seed).choice(len(table), limit, replace=False)
    return table.take(np.sort(drawn))
