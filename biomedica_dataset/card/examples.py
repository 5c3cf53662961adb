"""A few images for the card: small, with their source, under licences that allow small ones."""

from __future__ import annotations

import hashlib
import io
from heapq import nsmallest
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from PIL import Image

from biomedica_dataset.errors import ArticleError
from biomedica_dataset.folder.record import AGAIN
from biomedica_dataset.images.decode import open_rgb
from biomedica_dataset.io.failures import reading

from .statistics import batches

if TYPE_CHECKING:
    from biomedica_dataset.folder.manifest import Manifest
    from biomedica_dataset.io.folders import Folder

_ENOUGH = 6
_CANDIDATES = 200  # some are of one article, of somebody else, or not decodable
_SIDE = 280  # pixels of the longer side
_LICENSES = "^(CC0|CC BY) [0-9.]+$"  # SA would ask for itself, ND forbids smaller copies
_PLACE = [
    "key", "article_accession_id", "image_primary_label", "file", "row", "image_offset",
    "image_length",
]  # fmt: skip
_TEXTS = [
    "caption", "figure_label", "image_license", "article_title", "article_journal",
    "article_date", "article_accession_id", "image_credit",
]  # fmt: skip


class Example(NamedTuple):
    """An image of the card.

    Parameters
    ----------
    path
        Its place in the folder.
    data
        JPEG, at most 280 pixels wide and high.
    row
        Its caption, source and licence, by column.
    """

    path: str
    data: bytes
    row: dict[str, Any]


def find_examples(folder: Folder, manifest: Manifest) -> list[Example]:
    """Return examples: of different articles and, where there are labels, of different concepts.

    They are those whose keys have the least SHA-256, so that they stay as long as they are there.
    """
    candidates = _candidates(folder, manifest)
    firsts = {_concept(place): place for place in reversed(candidates) if _concept(place)}
    candidates.sort(key=lambda place: firsts.get(_concept(place)) is not place)
    found: list[Example] = []
    for place in candidates:
        if len(found) == _ENOUGH:
            break
        row = _row(folder, place)
        if row["image_credit"] is None and (data := _small(folder, place)):
            found.append(Example(f"examples/{place['key']}.jpg", data, row))
    return found


def _concept(place: dict[str, Any]) -> str | None:
    return next(iter(place["image_primary_label"] or []), None)


def _candidates(folder: Folder, manifest: Manifest) -> list[dict[str, Any]]:
    """Return places of images that may be shown, one an article, in the order of choice."""
    chosen = (
        (pc.field("license_group") == "commercial")
        & (pc.field("image_kind") == "figure")
        & pc.match_substring_regex(pc.field("image_license"), _LICENSES)
    )
    best: list[dict[str, Any]] = []
    for batch in batches(folder, manifest, _PLACE, chosen):
        keys = batch["key"].to_pylist()
        least = nsmallest(_CANDIDATES, range(len(keys)), key=lambda i: _order(keys[i]))
        best += batch.take(pa.array(least, pa.int64())).to_pylist()
        best = nsmallest(_CANDIDATES, best, key=lambda row: _order(row["key"]))
    of_articles = {row["article_accession_id"]: row for row in reversed(best)}
    return list(of_articles.values())[::-1]


def _order(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def _small(folder: Folder, place: dict[str, Any]) -> bytes | None:
    """Return the image as a small JPEG; ``None`` where it cannot be decoded."""
    start = place["image_offset"]
    end = start + place["image_length"]
    data = folder.filesystem.cat_file(folder.place(place["file"]), start=start, end=end)
    try:
        image = open_rgb(data, _SIDE)
    except ArticleError:
        return None
    image.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    written = io.BytesIO()
    image.save(written, format="JPEG", quality=80)
    return written.getvalue()


def _row(folder: Folder, place: dict[str, Any]) -> dict[str, Any]:
    name = place["file"]
    with reading(folder.path(name), AGAIN), folder.open_arrow(name) as opened:
        table = pq.read_table(opened, columns=_TEXTS)
    row: dict[str, Any] = table.slice(place["row"], 1).to_pylist()[0]
    return row
