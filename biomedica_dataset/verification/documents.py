"""Verifies the documents of a shard: each figure of their licence group is in one of its blocks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from biomedica_dataset.licenses import license_group

Row = Mapping[str, Any]


DOCUMENT_COLUMNS = ["article_accession_id", "text_license_group", "blocks"]
PAIR_COLUMNS = ["key", "article_accession_id", "article_license"]
"""Columns that are compared."""


def document_problems(group: str, documents: Sequence[Row], pairs: Sequence[Row]) -> Iterator[str]:
    """Yield what is wrong with the documents of a shard.

    Parameters
    ----------
    group
        Their licence group.
    pairs
        The pairs of the same shard, licence group and split.
    """
    expected = {row["key"]: row["article_accession_id"] for row in pairs if _is_of(row, group)}
    found: Counter[tuple[str, str]] = Counter()
    for document in documents:
        article = document["article_accession_id"]
        if document["text_license_group"] != group:
            yield f"the text of {article} is of the group {document['text_license_group']}"
        keys = (block["key"] for block in document["blocks"])
        found.update((key, article) for key in keys if key is not None)
    for (key, article), times in found.items():
        if expected.get(key) != article:
            yield f"{article} shows {key}, which is no figure of it in the same licence group"
        if times > 1:
            yield f"{key} is in {times} blocks"
    for key, article in expected.items():
        if (key, article) not in found:
            yield f"{key} is in no block of {article}"


def _is_of(pair: Row, group: str) -> bool:
    code = re.sub(r" [0-9.]+$", "", pair["article_license"] or "")
    return license_group(code) == group
