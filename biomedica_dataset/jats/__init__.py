"""Reads JATS documents: bytes in, frozen records out, nothing else touched."""
