"""Reads JATS documents: bytes in, frozen records out, nothing else touched."""

from .reader import read_article

__all__ = ["read_article"]
