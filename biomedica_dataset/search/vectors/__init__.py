"""Vectors of captions and images: made, kept as one bit a number, and searched."""
