"""The MeSH terms of an archive's articles."""
