"""Counts the images of a dataset folder that are in more than one split, by their SHA-256."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow.parquet as pq

from .record import AGAIN, is_caption_only
from .splits import SPLITS

if TYPE_CHECKING:
    from biomedica_dataset.io.folders import Folder

    from .manifest import Manifest


class SharedImages(NamedTuple):
    """Images in more than one split, and the rows that have them."""

    images: int
    rows: int

    def __str__(self) -> str:
        return f"Images in more than one split: {self.images:,} ({self.rows:,} rows)"


def count_shared_images(folder: Folder, manifest: Manifest) -> SharedImages:
    """Count the images that are in more than one split; of each row, nine bytes are in memory."""
    captions = manifest.config_files("captions")
    files = [file for file in captions if file.rows and not is_caption_only(file)]
    if len({file.split for file in files}) < 2:
        return SharedImages(0, 0)
    digests, splits = [], []
    for file in files:
        with folder.reading(file.path, AGAIN) as opened:
            hashes = pq.ParquetFile(opened).read(["image_hash"])["image_hash"].to_pylist()
        digests.append(np.array([int(text[:16], 16) for text in hashes], np.uint64))
        splits.append(np.full(len(hashes), SPLITS.index(file.split), np.uint8))
    digest, split = np.concatenate(digests), np.concatenate(splits)
    order = np.argsort(digest)
    digest, split = digest[order], split[order]
    starts = np.flatnonzero(np.concatenate([[True], digest[1:] != digest[:-1]]))
    is_shared = np.minimum.reduceat(split, starts) != np.maximum.reduceat(split, starts)
    rows = np.diff(np.append(starts, len(digest)))
    return SharedImages(int(is_shared.sum()), int(rows[is_shared].sum()))
