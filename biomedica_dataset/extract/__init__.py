"""From PMC's cloud bucket to an archive: raw XML, images and metadata, and a ledger of everything seen."""

from .run import ExtractOptions, extract

__all__ = ["ExtractOptions", "extract"]
