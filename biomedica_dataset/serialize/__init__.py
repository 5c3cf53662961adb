"""From an archive to the dataset folder: Parquet by licence group, index, card and manifest."""

from .run import SerializeReport, serialize

__all__ = ["SerializeReport", "serialize"]
