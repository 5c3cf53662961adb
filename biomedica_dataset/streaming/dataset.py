"""Chosen rows as a `datasets.IterableDataset`, split and resumed as any other."""

from __future__ import annotations

import logging
from itertools import chain
from typing import TYPE_CHECKING, Any

from datasets import DatasetInfo, Features, IterableDataset, NamedSplit
from datasets.iterable_dataset import ExamplesIterable

from biomedica_dataset.errors import UsageError
from biomedica_dataset.schema import IndexRow, Pair, column_names, features
from biomedica_dataset.suggest import nearest

from .choice import Choice, Chosen, choose
from .index import read_index
from .order import Plan, make_plan
from .places import find
from .shards import Reader, read_columns

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

    import numpy as np
    import pyarrow as pa

logger = logging.getLogger(__name__)


def open_dataset(  # noqa: PLR0913 - each is a way to choose, given by name
    path_or_repo: str | os.PathLike[str],
    *,
    licenses: Sequence[str] | str | None = None,
    concepts: Sequence[str] | str | None = None,
    filters: Any = None,
    columns: Sequence[str] | None = None,
    recipe: str | None = None,
    limit: int | None = None,
    seed: int | None = None,
    split: str | None = None,
    verify: bool = False,
) -> IterableDataset:
    """Stream chosen rows of a dataset folder; only their bytes are fetched.

    Parameters
    ----------
    path_or_repo
        A dataset folder, a repository of the Hub such as ``org/name``, or an address with
        ``hf://``, ``https://``, ``http://`` or ``s3://``.
    licenses
        Groups (``commercial``, ``noncommercial``, ``other``) or codes (``CC BY``).
    concepts
        Names of global or local concepts; a row with one of them is chosen.
    filters
        Conditions in the syntax of `datasets`, on columns of the index (``image_kind``,
        ``article_year``, ``image_panel_count``, ``article_journal``, ``image_width`` ...) or of the
        pairs (``caption`` ...); the latter are fetched first. The operator ``contains`` finds text
        in a text, in any case, or an element of a list.
    columns
        Columns of a row, in order; those of the pairs by default, those of the index are possible
        too.
    recipe
        Against over-represented concepts: ``drop-overrepresented``, ``cap-overrepresented`` or
        ``sqrt-weights``. They are ours, not the paper's, and say in the log what they keep.
    limit
        Rows at most: drawn by the seed, or the first where there is none.
    seed
        Mixes the rows, draws the limit and seeds the recipe; without one the rows keep their order.
        ``set_epoch`` mixes them anew.
    split
        ``train`` where there is one by default; ``all`` for every split.
    verify
        Check the SHA-256 of each picture, also where ``image_hash`` is none of the columns.

    Returns
    -------
    IterableDataset
        Its shards are runs of up to 128 rows: use ``split_dataset_by_node(...,
        strategy="shards")``. Its state resumes exactly, and fetches nothing twice.

    Raises
    ------
    UsageError
        The folder, a column, licence or concept does not exist, or nothing is chosen.
    SourceError
        The folder cannot be read, now or while streaming: an epoch is whole, or ends in this error.

    Examples
    --------
    >>> rows = open_dataset("org/biomedica", licenses="commercial", seed=0)  # doctest: +SKIP
    """
    wanted = check_columns(columns)
    choice = Choice(
        licenses=licenses,
        concepts=concepts,
        filters=filters,
        recipe=recipe,
        limit=limit,
        seed=seed,
        split=split,
    )
    return stream_rows(choose_rows(path_or_repo, choice), wanted, verify=verify)


def stream_rows(
    chosen: Chosen, columns: Sequence[str] | None = None, *, verify: bool = False
) -> IterableDataset:
    """Stream rows that `choose_rows` chose; see `open_dataset`, which does both."""
    logger.info("%s", chosen)
    wanted, choice = check_columns(columns), chosen.choice
    plan = make_plan(len(chosen.table), chosen.bytes / len(chosen.table), choice.seed)
    reader = Reader(chosen.index, chosen.table, wanted, verify=verify)
    known = {**features(IndexRow), **features(Pair)}
    info = DatasetInfo(features=Features({name: known[name] for name in wanted}))
    return IterableDataset(Runs(reader, plan), info=info, split=NamedSplit(choice.split or "train"))


def choose_rows(path_or_repo: str | os.PathLike[str], choice: Choice) -> Chosen:
    """Return the rows that a choice means, by the index and the columns its conditions name.

    Raises
    ------
    UsageError
        See `open_dataset`.
    """
    if choice.seed is not None and choice.seed < 0:
        msg = f"seed is {choice.seed}; 0 and above are possible"
        raise UsageError(msg)
    index = read_index(find(path_or_repo))

    def texts(table: pa.Table, names: list[str]) -> pa.Table:
        return read_columns(index, table, names)

    return choose(index, choice, texts)


def check_columns(columns: Sequence[str] | None) -> list[str]:
    """Return the columns that are asked for; those of the pairs where none are named.

    Raises
    ------
    UsageError
        One does not exist, none is left, or one is named twice.
    """
    if columns is None:
        return column_names(Pair)
    if isinstance(columns, str) or not columns or len(set(columns)) < len(columns):
        msg = f"columns is {columns!r}; a list of different names was expected"
        raise UsageError(msg)
    known = list(dict.fromkeys([*column_names(Pair), *column_names(IndexRow)]))
    for name in columns:
        if name not in known:
            msg = f"there is no column {name!r}; {nearest(name, known)}"
            raise UsageError(msg)
    return list(columns)


class Runs(ExamplesIterable):  # type: ignore[misc]
    """The runs of a plan as the shards of an `IterableDataset`.

    Unlike shards that a generator function is given, runs are read ahead of each other, are made
    anew by a shuffle, and are resumed in their middle without fetching what came before.

    Parameters
    ----------
    numbers
        Runs of this rank or worker, in order; all of them by default.
    """

    def __init__(self, reader: Reader, plan: Plan, numbers: Sequence[int] | None = None) -> None:
        self._numbers = list(range(plan.runs)) if numbers is None else list(numbers)
        super().__init__(self._unused, {"runs": self._numbers})
        self._reader, self._plan = reader, plan

    def __iter__(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield key and row."""
        state = self._state_dict or {"shard_idx": 0, "shard_example_idx": 0}
        first, done = state["shard_idx"], state["shard_example_idx"]
        rest = self._numbers[first:]
        rows = self._reader.rows(self._positions(rest, done))
        for number in rest:
            for count in range(done, self._plan.length(number)):
                row = next(rows)
                state["shard_example_idx"] += 1
                yield f"{number}_{count}", row
            done = 0
            state["shard_idx"] += 1
            state["shard_example_idx"] = 0

    def _positions(self, numbers: list[int], done: int) -> Iterator[np.ndarray]:
        if numbers:
            begun = [self._plan.positions(numbers[0])[done:]]
            rest = (self._plan.positions(number) for number in numbers[1:])
            yield from (run for run in chain(begun, rest) if len(run))

    def shuffle_data_sources(self, generator: np.random.Generator) -> Runs:
        """Return the same rows in another order, given by the generator."""
        return Runs(self._reader, self._plan.mixed(generator), self._numbers)

    def shard_data_sources(
        self,
        num_shards: int,
        index: int,
        contiguous: bool = True,  # noqa: FBT001, FBT002 - as datasets has it
    ) -> Runs:
        """Return the runs of one of several ranks or workers."""
        mine = self.split_shard_indices_by_worker(num_shards, index, contiguous=contiguous)
        return Runs(self._reader, self._plan, [self._numbers[i] for i in mine])

    def reshard_data_sources(self) -> Runs:
        """Return itself: runs are short already."""
        return self

    @property
    def num_shards(self) -> int:
        """Runs of this rank or worker."""
        return len(self._numbers)

    @staticmethod
    def _unused(**_: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        msg = "runs are not read by a generator function"
        raise RuntimeError(msg)
