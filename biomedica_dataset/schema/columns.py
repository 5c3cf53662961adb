"""What columns are made of: versions, closed lists of values, structures."""

from __future__ import annotations

import dataclasses
from typing import Any

from biomedica_dataset.licenses import LICENSE_GROUPS

SCHEMA_VERSION = "3"
"""Written into every file; changes when a column is new or changes its name, type or meaning."""

VERSIONS = ("1", "2", SCHEMA_VERSION)
"""Versions of dataset folders that are read: the columns that an older one lacks are null."""

CONFIGS = (*LICENSE_GROUPS, "all")
"""The image configs of the dataset; ``all`` combines the three groups."""

IMAGE_KINDS = (
    "figure", "table", "scheme", "chemical_structure", "graphical_abstract", "supplementary",
    "box", "response",
)  # fmt: skip
"""The values of ``image_kind``: what the element is in the article, not what it shows."""

_TERM = {"name": "string", "ui": "string", "is_major": "bool"}
STRUCTURES = {
    "reference": {"citation": "string", "pmid": "int64", "doi": "string"},
    "term": _TERM,
    "heading": {**_TERM, "qualifiers": "list<term>"},
    "block": {
        "kind": "string", "level": "int32", "text": "string", "html": "string", "key": "string",
        "is_cited": "bool", "license": "string", "credit": "string",
    },
    "panel": {"letter": "string", "box": "list<int32>", "subcaption": "string", "score": "float32"},
}  # fmt: skip
"""The parts of structures."""


BLOCK_KINDS = ("heading", "text", "list", "formula", "figure", "table")
"""The kinds of blocks of a document."""


def column(kind: str, meaning: str, since: str = "1") -> Any:
    """Return the field of a column: its type, its meaning, and the first version that has it."""
    default: Any = dataclasses.MISSING if since == VERSIONS[0] else None
    metadata = {"type": kind, "meaning": meaning, "since": since}
    return dataclasses.field(default=default, metadata=metadata)
