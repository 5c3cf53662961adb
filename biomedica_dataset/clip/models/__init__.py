"""CLIP models: loaded, saved, and asked for vectors."""
