"""Searches PMC for articles."""
