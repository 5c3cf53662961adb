"""What a row of an index may be by itself."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from biomedica_dataset.io.rules import COUNT, PAIR_KEY, PMCID, POSITIVE, Between, Form, OneOf
from biomedica_dataset.io.tables import Column, check_values, columns_of, read_table
from biomedica_dataset.licenses import LICENSE_GROUPS
from biomedica_dataset.schema import IMAGE_KINDS, IndexRow

from .splits import SPLITS

if TYPE_CHECKING:
    import pyarrow as pa

_LONGEST = Between(0, 2**31 - 1)  # bytes of a value in Parquet
_IMAGES = Form(
    rf"(?:{'|'.join(LICENSE_GROUPS)})/(?:{'|'.join(SPLITS)})/[A-Za-z0-9_-]+\.parquet",
    "the path of a shard of images, such as commercial/train/000000.parquet",
)
_RULES = {
    "key": PAIR_KEY,
    "license_group": OneOf(LICENSE_GROUPS),
    "split": OneOf(SPLITS),
    "article_accession_id": PMCID,
    "image_kind": OneOf(IMAGE_KINDS),
    "image_panel_count": COUNT,
    "panel_count_found": POSITIVE,
    "panel_scores": Between(0, 1),
    "image_width": POSITIVE,
    "image_height": POSITIVE,
    "caption_length": COUNT,
    "file": _IMAGES,
    "row": COUNT,
    "image_offset": COUNT,
    "image_length": _LONGEST,
    "caption_offset": COUNT,
    "caption_bytes": _LONGEST,
}


@cache
def _columns() -> dict[str, Column]:
    return columns_of(IndexRow, _RULES)


def read_index_table(file: Any, names: Sequence[str] | None = None) -> pa.Table:
    """Return the rows of a file of the index, or some columns; each is checked by itself.

    Files are read in parallel, so each needs no threads.

    Raises
    ------
    ValueError
        A row is not allowed; the error names it and the column.
    """
    return read_table(file, _columns(), names, use_threads=False).replace_schema_metadata(None)


def check_index_rows(table: pa.Table) -> None:
    """Check rows of the index that come from elsewhere, such as those of a search index.

    Raises
    ------
    ValueError
        A row is not allowed; the error names it and the column.
    """
    check_values(table, {name: _columns()[name] for name in table.column_names})
