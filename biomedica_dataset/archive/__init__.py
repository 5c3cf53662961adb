"""The archive format: raw XML, images, metadata, and a ledger of all seen."""
