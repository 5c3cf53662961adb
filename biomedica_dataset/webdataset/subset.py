"""Writes chosen rows as tars in the layout of the published dataset."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from biomedica_dataset.folder.splits import Splits
from biomedica_dataset.io.spool import Spool
from biomedica_dataset.rows import ArticleRows
from biomedica_dataset.schema import Pair, column_names
from biomedica_dataset.streaming.shards import Reader

from .export import finish
from .tars import SAMPLES, Samples

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np

    from biomedica_dataset.engine.progress import Progress
    from biomedica_dataset.io.folders import Folder
    from biomedica_dataset.streaming.choice import Chosen


def write_tars(
    folder: Folder, chosen: Chosen, runs: Iterable[np.ndarray], progress: Progress
) -> None:
    """Write chosen rows as tars, with ``sizes.json`` and a card last.

    A tar is mixed from up to 10,000 neighbouring rows. The text and the references of an article
    are no part of a row, and ``null`` here; its figures are those that were chosen.

    Parameters
    ----------
    runs
        Positions among the chosen rows, all of them in order; each int64 of shape (rows,).
    """
    tars: dict[str, int] = {}
    columns = [*column_names(Pair), "license_group"]
    splits = Splits.parse(chosen.index.manifest["split"])
    rows = Reader(chosen.index, chosen.table, columns).rows(runs)
    for number, part in enumerate(_parts(rows)):
        with Spool(folder.scratch()) as spool:
            samples = Samples(spool, splits)
            for article in part:
                samples.add(article)
                size = sum(len((pair.image or {})["bytes"]) for _group, pair in article.pairs)
                progress.tick(len(article.pairs), len(article.pairs), size)
            written = samples.write(folder, number)
            tars |= {path: tar.samples for path, tar in written.items()}
    finish(folder, tars)


def _parts(rows: Iterator[dict[str, Any]]) -> Iterator[Iterator[ArticleRows]]:
    """Yield articles in parts of some 10,000 rows, as many as a tar holds at most."""
    articles = _articles(rows)
    following = next(articles, None)

    def part() -> Iterator[ArticleRows]:
        nonlocal following
        count = 0
        while following and (not count or count + len(following.pairs) <= SAMPLES):
            count += len(following.pairs)
            yield following
            following = next(articles, None)

    while following is not None:
        yield part()


def _articles(rows: Iterator[dict[str, Any]]) -> Iterator[ArticleRows]:
    """Yield the neighbouring rows of an article together."""
    for _article, own in groupby(rows, key=lambda row: row["article_accession_id"]):
        yield ArticleRows(pairs=[(row.pop("license_group"), Pair(**row)) for row in own])
