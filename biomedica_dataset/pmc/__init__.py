"""PMC's cloud bucket: inventory, listing, metadata and file names."""
