"""The columns of every published table, defined only here."""

from __future__ import annotations

from .arrow import (
    arrow_schema,
    column_names,
    column_types,
    features,
    later_columns,
    to_dict,
    to_table,
)
from .columns import BLOCK_KINDS, CONFIGS, IMAGE_KINDS, SCHEMA_VERSION, VERSIONS
from .described import features_metadata, features_yaml
from .tables import TABLES, ArticleRow, CaptionRow, DocumentRow, IndexRow, Pair, PanelRow, VectorRow

__all__ = [
    "BLOCK_KINDS",
    "CONFIGS",
    "IMAGE_KINDS",
    "SCHEMA_VERSION",
    "TABLES",
    "VERSIONS",
    "ArticleRow",
    "CaptionRow",
    "DocumentRow",
    "IndexRow",
    "Pair",
    "PanelRow",
    "VectorRow",
    "arrow_schema",
    "column_names",
    "column_types",
    "features",
    "features_metadata",
    "features_yaml",
    "later_columns",
    "to_dict",
    "to_table",
]
