"""From PMC's cloud bucket to an archive: raw XML, images, metadata, and a ledger of all seen."""

from .run import ExtractOptions, extract

__all__ = ["ExtractOptions", "extract"]
