"""Reads JATS documents: bytes in, frozen records out, no I/O."""
