"""A few pictures for the card: small, with their source, under licences that allow small ones."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from heapq import nsmallest
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from PIL import Image

from biomedica_dataset.errors import ArticleError
from biomedica_dataset.folder.record import AGAIN
from biomedica_dataset.images.decode import open_rgb
from biomedica_dataset.io.failures import reading

from .markdown import escape
from .statistics import batches

if TYPE_CHECKING:
    from biomedica_dataset.folder.manifest import Manifest
    from biomedica_dataset.io.folders import Folder

_ENOUGH = 6
_CANDIDATES = 200  # some are of one article, some not decodable
_SIDE = 280  # pixels of the longer side
_LICENSES = "^(CC0|CC BY) [0-9.]+$"  # SA would ask for itself, ND forbids smaller copies
_CAPTION = 120  # characters
_TEXTS = [
    "key", "caption", "figure_label", "image_license", "article_title", "article_journal",
    "article_date", "article_accession_id",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Example:
    """A picture of the card.

    Parameters
    ----------
    data
        JPEG, at most 280 pixels wide and high.
    text
        What stands below it, in Markdown.
    """

    key: str
    data: bytes
    text: str


def find_examples(folder: Folder, manifest: Manifest) -> list[Example]:
    """Return examples: of different articles and, where there are labels, of different concepts.

    They are those whose keys have the least SHA-256, so that they stay as long as they are there.
    """
    found: list[Example] = []
    concepts: set[Any] = set()
    candidates = _candidates(folder, manifest)
    of_new_concepts = [c for c in candidates if _is_first(c["image_primary_label"], concepts)]
    for place in [*of_new_concepts, *(c for c in candidates if c not in of_new_concepts)]:
        if len(found) == _ENOUGH:
            break
        data = _small(folder, place)
        if data is not None:
            found.append(Example(place["key"], data, _text(_row(folder, place))))
    return found


def _is_first(labels: list[str] | None, seen: set[Any]) -> bool:
    label = labels[0] if labels else None
    is_first = label is not None and label not in seen
    seen.add(label)
    return is_first


def _candidates(folder: Folder, manifest: Manifest) -> list[dict[str, Any]]:
    chosen = (
        (pc.field("license_group") == "commercial")
        & (pc.field("image_kind") == "figure")
        & pc.match_substring_regex(pc.field("image_license"), _LICENSES)
    )
    columns = [
        "key", "article_accession_id", "image_primary_label", "file", "row", "image_offset",
        "image_length",
    ]  # fmt: skip
    best: list[dict[str, Any]] = []
    for batch in batches(folder, manifest, columns, chosen):
        keys = batch["key"].to_pylist()
        least = nsmallest(_CANDIDATES, range(len(keys)), key=lambda i: _order(keys[i]))
        best += batch.take(pa.array(least, pa.int64())).to_pylist()
        best = nsmallest(_CANDIDATES, best, key=lambda row: _order(row["key"]))
    of_articles = {row["article_accession_id"]: row for row in reversed(best)}
    return list(of_articles.values())[::-1]


def _order(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def _small(folder: Folder, place: dict[str, Any]) -> bytes | None:
    """Return the picture as a small JPEG; ``None`` where it cannot be decoded."""
    start = place["image_offset"]
    end = start + place["image_length"]
    data = folder.filesystem.cat_file(folder.path(place["file"]), start=start, end=end)
    try:
        picture = open_rgb(data, _SIDE)
    except ArticleError:
        return None
    picture.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    written = io.BytesIO()
    picture.save(written, format="JPEG", quality=80)
    return written.getvalue()


def _row(folder: Folder, place: dict[str, Any]) -> dict[str, Any]:
    name = place["file"]
    with reading(folder.path(name), AGAIN), folder.open_arrow(name) as opened:
        table = pq.read_table(opened, columns=_TEXTS)
    row: dict[str, Any] = table.slice(place["row"], 1).to_pylist()[0]
    return row


def _text(row: dict[str, Any]) -> str:
    """Return caption, source and licence; the licence asks for them, and that changes be told."""
    caption = escape(shorten(row["caption"], _CAPTION, placeholder=" …"))
    title = escape(row["article_title"] or row["article_accession_id"])
    address = f"https://pmc.ncbi.nlm.nih.gov/articles/{row['article_accession_id']}/"
    facts = [row["figure_label"], row["article_journal"], (row["article_date"] or "")[:4]]
    source = ", ".join(escape(fact) for fact in facts if fact)
    return (
        f"{caption}<br><sub>[{title}]({address}), {source}. "
        f"{_license(row['image_license'])}, scaled down.</sub>"
    )


def _license(name: str) -> str:
    code, _, number = name.rpartition(" ")
    deed = "publicdomain/zero" if code == "CC0" else "licenses/by"
    return f"[{escape(name)}](https://creativecommons.org/{deed}/{number}/)"
