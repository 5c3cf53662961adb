"""Copies of images: equal bytes, near hashes, and which one of each group is kept."""
