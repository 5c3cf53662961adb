"""Chosen rows as a `datasets.IterableDataset`, which splits and resumes like any other."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from datasets import DatasetInfo, Features, IterableDataset, NamedSplit

from biomedica_dataset.errors import UsageError
from biomedica_dataset.images.lost import ON_ERROR, OnError
from biomedica_dataset.schema import IndexRow, Pair, PanelRow, column_names, features
from biomedica_dataset.suggest import nearest, one_of

from .choice import Choice, Chosen, choose
from .documents import shown_images, stream_documents
from .order import make_plan
from .reading.decoding import DecodedImage, DecodedImageOrNone
from .reading.index import read_index
from .reading.panel_reader import PanelReader
from .reading.panels import MIN_SCORE, NEW, UNITS, check_unit
from .reading.places import find
from .reading.shards import Reader
from .runs import Runs

if TYPE_CHECKING:
    from biomedica_dataset.engine.timings import Timings

logger = logging.getLogger(__name__)


def open_dataset(  # noqa: PLR0913 - each is a way to choose, given by name
    path_or_repo: str | os.PathLike[str],
    *,
    licenses: Sequence[str] | str | None = None,
    concepts: Sequence[str] | str | None = None,
    filters: Any = None,
    columns: Sequence[str] | None = None,
    without: str | os.PathLike[str] | None = None,
    deduplicate: bool = False,
    recipe: str | None = None,
    limit: int | None = None,
    seed: int | None = None,
    split: str | None = None,
    unit: str = "figure",
    min_score: float = MIN_SCORE,
    margin: float = 0.0,
    verify: bool = False,
    on_error: OnError = "raise",
    timings: Timings | None = None,
    images: str = "all",
    max_images: int | None = None,
    panels: bool = False,
) -> IterableDataset:
    """Stream chosen rows of a dataset folder, fetching only their bytes.

    Parameters
    ----------
    path_or_repo
        A dataset folder, a repository of the Hub such as ``org/name``, or an address with
        ``hf://``, ``https://``, ``http://`` or ``s3://``.
    licenses
        Groups (``commercial``, ``noncommercial``, ``other``) or codes (``CC BY``).
    concepts
        Names of global or local concepts; rows with any of them are chosen.
    filters
        A condition in words, such as ``"article_year >= 2015 and caption contains skin"``, or in
        the syntax of `datasets`, on columns of the index (``image_kind``, ``article_year``,
        ``image_panel_count``, ``article_journal``, ``image_width`` ...) or of the pairs
        (``caption`` ...); the latter are fetched first. ``contains`` finds whole words,
        ``contains_text`` any part of a text, both ignoring case, and ``matches`` a regular
        expression. Nulls match nothing but ``is null``.
    columns
        Columns of a row, in order, from the pairs or the index; by default those of the pairs, and
        with panels their own.
    without
        What `overlap` wrote: rows whose images are in one of its benchmarks are left out.
    deduplicate
        Keep one image of each group of copies, among the rows that match everything above; a recipe
        and a limit see only those. The dataset must have the attribute ``duplicates``.
    recipe
        Recipe against over-represented concepts: ``drop-overrepresented``, ``cap-overrepresented``
        or ``sqrt-weights``. These are ours, not the paper's; the log reports what they keep.
    limit
        Maximum number of rows: a random sample with a seed, or else the first rows.
    seed
        Seed for shuffling, the limit and the recipe; without one the rows keep their order.
        ``set_epoch`` shuffles again.
    split
        A split, or ``all``; by default ``train``, or ``all`` without such a split.
    unit
        ``figure``, or ``panel`` for a row a panel: its image is cut out when it is decoded, and
        ``subcaption``, ``contexts``, ``letter``, ``box``, ``score`` and ``figure_key`` are columns
        too, also of filters. A figure without a panel is one panel, itself. With ``document`` a
        row is an article with ``texts`` and ``images``, two lists of equal length of which one has
        None where the other has something; chosen are articles that show a chosen figure, and
        licences are those of the text.
    min_score
        Least score of a panel, 0 to 1; of the unit panel, and of documents with panels.
    margin
        What is seen around a panel, as a share of its width and height, 0 to 1.
    verify
        Check the SHA-256 of each image even if ``image_hash`` is not among the columns.
    on_error
        What to do about an image that cannot be decoded: ``raise`` an error that names its key,
        ``skip`` its row, or give ``none`` in its place. An epoch ends with a warning that counts
        them. ``skip`` decodes an image that the index does not list even if you do not.
    timings
        Filled with the seconds of each stage while rows are read, also by processes started by
        a `DataLoader`.
    images, max_images
        Of documents: ``all`` images, those that the text has ``cited``, or ``none``, and at most
        how many; captions stay.
    panels
        Of documents: panels of `min_score` or above, each an image, in place of their figure.

    Returns
    -------
    IterableDataset
        Its shards are runs of up to 128 figures: use ``split_dataset_by_node(...,
        strategy="shards")``. It resumes exactly from its state and fetches nothing twice.

    Raises
    ------
    UsageError
        The folder, a column, licence or concept does not exist, or no row is chosen; or the dataset
        has no panels.
    SourceError
        The folder cannot be read, now or while streaming: an epoch is complete or raises this.
    ArticleError
        While streaming: an image cannot be decoded.

    Examples
    --------
    >>> rows = open_dataset("biomedica", licenses="commercial", columns=["key"])
    >>> next(iter(rows))
    {'key': 'PMC99000101_sjd-15-101-g001'}
    """
    check_unit(unit, min_score, margin, units=(*UNITS, "document"), in_documents=panels)
    shown = shown_images(unit, images, max_images, (min_score, margin) if panels else None)
    choice = Choice(
        licenses=licenses, concepts=concepts, filters=filters, without=without,
        deduplicate=deduplicate, recipe=recipe, limit=limit, seed=seed, split=split,
        min_score=min_score if unit == "panel" else None,
    )  # fmt: skip
    one_of("on_error", on_error, ON_ERROR)
    if unit == "document":
        return stream_documents(
            path_or_repo, choice, columns, shown, verify=verify, on_error=on_error, timings=timings
        )
    check_columns(columns, choice)
    chosen = choose_rows(path_or_repo, choice)
    return stream_rows(
        chosen, columns, margin=margin, verify=verify, on_error=on_error, timings=timings
    )


def stream_rows(
    chosen: Chosen,
    columns: Sequence[str] | None = None,
    *,
    margin: float = 0.0,
    verify: bool = False,
    on_error: OnError = "raise",
    timings: Timings | None = None,
    raw: bool = False,
) -> IterableDataset:
    """Stream rows chosen by `choose_rows`, raw ones as they are read: `datasets` adds nothing."""
    logger.info("%s", chosen)
    choice, index, table = chosen.choice, chosen.index, chosen.table
    wanted = check_columns(columns, choice)
    plan = make_plan(len(table), chosen.bytes / len(table), choice.seed, chosen.figures)
    given: Any = {"verify": verify, "timings": timings}
    reader = Reader(index, table, wanted, **given)
    if choice.min_score is not None:
        reader = PanelReader(index, table, wanted, margin=margin, **given)
    image = DecodedImageOrNone() if on_error == "none" else DecodedImage()
    known = {**features(PanelRow), **features(IndexRow), **features(Pair), "image": image}
    types = None if raw else Features({name: known[name] for name in wanted})
    runs = Runs(reader, plan, skips=on_error == "skip")
    info = DatasetInfo(features=types)
    return IterableDataset(runs, info=info, split=NamedSplit(choice.split or "train"))


def choose_rows(
    path_or_repo: str | os.PathLike[str],
    choice: Choice,
    tell: Callable[[str], None] = logger.info,
) -> Chosen:
    """Choose rows by the index and by the columns in the conditions.

    Parameters
    ----------
    tell
        Called with what the conditions read beside the index, in words, before it is read.

    Raises
    ------
    UsageError
        See `open_dataset`.
    """
    index = read_index(find(path_or_repo))
    return choose(index, choice, tell)


def check_columns(columns: Sequence[str] | None, choice: Choice) -> list[str]:
    """Return the requested columns; by default those of the pairs, and of panels their own.

    Raises
    ------
    UsageError
        The list is empty, or a column is unknown or repeated.
    """
    own = [] if choice.min_score is None else NEW
    of_figure = column_names(Pair)
    if columns is None:
        return [*of_figure[:2], *own, *of_figure[2:]]
    if isinstance(columns, str) or not columns or len(set(columns)) < len(columns):
        msg = f"columns is {columns!r}; expected a list of distinct names"
        raise UsageError(msg)
    known = list(dict.fromkeys([*own, *of_figure, *column_names(IndexRow)]))
    for name in columns:
        if name not in known:
            msg = f"unknown column {name!r}; {nearest(name, known)}"
            raise UsageError(msg)
    return list(columns)
