"""Reads samples from the files of one shard of a dataset folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from biomedica_dataset.errors import ArchiveError
from biomedica_dataset.folder.record import AGAIN, ShardFile
from biomedica_dataset.io.failures import reading
from biomedica_dataset.licenses import LICENSE_GROUPS
from biomedica_dataset.schema import ArticleRow, CaptionRow, Pair

from .tars import Sample

if TYPE_CHECKING:
    from biomedica_dataset.io.folders import Folder

CONFIGS = (*LICENSE_GROUPS, "captions", "articles")
"""The tables that samples are made from."""

_ROWS = 50  # images in memory at once


def shard_samples(dataset: Folder, files: list[ShardFile]) -> Iterator[Sample]:
    """Yield a sample for each row with an image.

    Parameters
    ----------
    files
        The files of a shard whose configs are in `CONFIGS`.

    Raises
    ------
    ArchiveError
        A file is damaged.
    """
    articles: dict[str, ArticleRow] = {}
    captions: dict[str, tuple[str, CaptionRow]] = {}
    for file in files:
        if file.config == "articles":
            rows = (ArticleRow(**row) for row in _rows(dataset, file))
            articles |= {row.article_accession_id: row for row in rows}
        elif file.config == "captions":
            group = file.path.split("/")[1]
            captions |= {row["key"]: (group, CaptionRow(**row)) for row in _rows(dataset, file)}
    for file in files:
        if file.config in LICENSE_GROUPS:
            for row in _rows(dataset, file, ["key", "image"]):
                group, caption = captions[row["key"]]
                _check(dataset, file, caption, row["image"]["bytes"])
                article = articles[caption.article_accession_id]
                siblings = [captions[key] for key in article.article_keys]
                pair = Pair(**vars(caption), image=row["image"])
                yield Sample(group, file.split, pair, article, siblings)


def _rows(
    dataset: Folder, file: ShardFile, columns: list[str] | None = None
) -> Iterator[dict[str, Any]]:
    with reading(dataset.path(file.path), AGAIN), dataset.open_arrow(file.path) as opened:
        for batch in pq.ParquetFile(opened).iter_batches(_ROWS, columns=columns):
            yield from batch.to_pylist()


def _check(dataset: Folder, file: ShardFile, caption: CaptionRow, image: bytes) -> None:
    if hashlib.sha256(image).hexdigest() != caption.image_hash:
        msg = f"{dataset.path(file.path)}: the image of {caption.key} is damaged. {AGAIN}"
        raise ArchiveError(msg)
